"""Two ways to keep a session between requests: in the browser, sealed; or here, under its name."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from mintmark.client.sign_in.cookies import CookieJar
from mintmark.client.sign_in.sealing import Sealer
from mintmark.client.sign_in.sessions import Session
from mintmark.client.sign_in.stores import MemorySessionStore, Record, SessionStore
from mintmark.client.sign_in.visit import Cookie, Visit

__all__ = ["InBrowser", "InStore", "Keeping"]

_PURPOSE = "session"
_NAME = re.compile(r"[A-Za-z0-9_-]{43}")


class Keeping(Protocol):
    """What :class:`SignIn` asks of either way."""

    blocking: bool

    def find(self, visit: Visit, now: float) -> Session | None:
        """Return the session that the browser shows."""
        ...

    def reload(self, session: Session, now: float) -> Session | None:
        """Return the session as it is known here now, or None when it has been ended."""
        ...

    def begin(self, session: Session, visit: Visit, now: float) -> tuple[Cookie, ...]:
        """Keep a new session in place of whatever the browser had."""
        ...

    def replace(self, session: Session) -> bool:
        """Take note of a renewed session; False when it has been ended meanwhile."""
        ...

    def cookies(self, session: Session, visit: Visit, now: float) -> tuple[Cookie, ...]:
        """Return what the browser must be told of a renewed session."""
        ...

    def end(self, session: Session, now: float) -> None:
        """End a session for good."""
        ...

    def forget(self, visit: Visit) -> tuple[Cookie, ...]:
        """Return what removes the cookie, if the browser has one."""
        ...

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name until it expires; tell whether it was unknown."""
        ...


class InBrowser:
    """The session in a sealed cookie: nothing is kept here but the names of sessions that were ended.

    A copy of the cookie from before a sign-out is refused by the process that ended it, and elsewhere as
    soon as its access token has to be renewed, for the refresh token is revoked at sign-out.
    """

    def __init__(self, jar: CookieJar, sealer: Sealer) -> None:
        self.blocking = False
        self._jar = jar
        self._sealer = sealer
        self._ended = MemorySessionStore(most=1_000_000)

    def find(self, visit: Visit, now: float) -> Session | None:
        """Open the cookie."""
        text = self._jar.read(visit)
        members = None if text is None else self._sealer.open(_PURPOSE, text)
        session = None if members is None else Session.from_members(members)
        return None if session is None else self.reload(session, now)

    def reload(self, session: Session, now: float) -> Session | None:
        """Return the very session unless it has been ended here."""
        ended = self._ended.get(_key(session.session_id), now=now)
        return session if ended is None and now < session.ends_at else None

    def begin(self, session: Session, visit: Visit, now: float) -> tuple[Cookie, ...]:
        """Seal the session, and end the one before, of which copies may be about."""
        before = self.find(visit, now)
        if before is not None:
            self.end(before, now)
        return self.cookies(session, visit, now)

    def replace(self, session: Session) -> bool:
        """Tell whether the session is still alive here."""
        return self._ended.get(_key(session.session_id), now=0.0) is None

    def cookies(self, session: Session, visit: Visit, now: float) -> tuple[Cookie, ...]:
        """Seal the session."""
        sealed = self._sealer.seal(_PURPOSE, session.to_members())
        return self._jar.write(visit, sealed, session.ends_at - now)

    def end(self, session: Session, now: float) -> None:
        """Remember that this session has been ended, for as long as it could have lived."""
        record = Record(_key(session.session_id), "ended", session.subject, session.sid, session.ends_at)
        self._ended.put(record, now=now)

    def forget(self, visit: Visit) -> tuple[Cookie, ...]:
        """Remove the cookie."""
        return self._jar.remove(visit)

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name in this process."""
        return self._ended.first_use(name, expires_at=expires_at, now=now)


class InStore:
    """The session in a store, sealed; the browser has its random name, and the store that name's digest."""

    def __init__(self, jar: CookieJar, sealer: Sealer, store: SessionStore) -> None:
        self.blocking = store.blocking
        self.store = store
        self._jar = jar
        self._sealer = sealer

    def find(self, visit: Visit, now: float) -> Session | None:
        """Look the session up."""
        name = self._jar.read(visit)
        return self._load(name, now) if name is not None and _NAME.fullmatch(name) else None

    def reload(self, session: Session, now: float) -> Session | None:
        """Look the session up again."""
        return self._load(session.session_id, now)

    def _load(self, name: str, now: float) -> Session | None:
        sealed = self.store.get(_key(name), now=now)
        members = None if sealed is None else self._sealer.open(_PURPOSE, sealed)
        session = None if members is None else Session.from_members(members)
        # what is sealed says whose it is: a row that was moved under another name is nobody's
        return session if session is not None and session.session_id == name else None

    def begin(self, session: Session, visit: Visit, now: float) -> tuple[Cookie, ...]:
        """Keep the session under its new name; the one before ends."""
        before = self._jar.read(visit)
        if before is not None:
            self.store.end(_key(before))
        record = Record(
            _key(session.session_id), self._sealed(session), session.subject, session.sid, session.ends_at
        )
        self.store.put(record, now=now)
        return self._jar.write(visit, session.session_id, session.ends_at - now)

    def replace(self, session: Session) -> bool:
        """Keep the renewed session, if it is still there."""
        return self.store.replace(_key(session.session_id), self._sealed(session))

    def _sealed(self, session: Session) -> str:
        return self._sealer.seal(_PURPOSE, session.to_members())

    def cookies(self, session: Session, visit: Visit, now: float) -> tuple[Cookie, ...]:
        """Nothing: the name stays."""
        return ()

    def end(self, session: Session, now: float) -> None:
        """Remove the session."""
        self.store.end(_key(session.session_id))

    def forget(self, visit: Visit) -> tuple[Cookie, ...]:
        """Remove the cookie."""
        return self._jar.remove(visit)

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name in the store."""
        return self.store.first_use(name, expires_at=expires_at, now=now)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
