"""A session: who has signed in, and the tokens that stay on this side. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum, auto
from typing import Any

from mintmark.jwt import JsonObject

__all__ = ["Need", "Session", "Tokens", "need"]

_RENEW_AHEAD = 60.0  # seconds before the end of a token
_RENEW_PART = 0.2  # and never more than this part of its life
_OF_ONE_TOKEN = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "exp", "iat", "nbf", "jti"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. ``repr`` shows no token."""

    access_token: str = field(repr=False)
    expires_at: float
    renew_at: float
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A person's session in this application.

    :ivar claims: what the ID token says of the person.
    :ivar csrf_token: to be repeated by the sign-out form; it belongs into a page, unlike all else here.
    :ivar ends_at: when it ends, however often its tokens are renewed.
    :ivar revision: counts the renewals.
    """

    session_id: str = field(repr=False)
    claims: JsonObject
    tokens: Tokens
    csrf_token: str = field(repr=False)
    ends_at: float
    revision: int = 0

    @classmethod
    def begin(cls, claims: Mapping[str, Any], tokens: Tokens, ends_at: float) -> Session:
        """Return a session with a name and a form token that nobody has seen before."""
        return cls(secrets.token_urlsafe(32), _kept(claims), tokens, secrets.token_urlsafe(24), ends_at)

    @property
    def subject(self) -> str:
        """``sub``: the person, as the issuer names them for ever."""
        return str(self.claims["sub"])

    @property
    def sid(self) -> str | None:
        """``sid``: the sign-in at the issuer, where it says so."""
        sid = self.claims.get("sid")
        return sid if isinstance(sid, str) else None

    @property
    def access_token(self) -> str:
        """The token to call services with in the person's name. Never hand it to a browser."""
        return self.tokens.access_token

    def renewed(self, tokens: Tokens, claims: Mapping[str, Any] | None) -> Session:
        """Return the session with other tokens; what the issuer did not send anew stays."""
        tokens = replace(
            tokens,
            refresh_token=tokens.refresh_token or self.tokens.refresh_token,
            id_token=tokens.id_token or self.tokens.id_token,
            scope=tokens.scope or self.tokens.scope,
        )
        kept = self.claims if claims is None else _kept(claims)
        return replace(self, tokens=tokens, claims=kept, revision=self.revision + 1)

    def to_members(self) -> dict[str, Any]:
        """Return the session as JSON members, to be sealed."""
        return {
            "session_id": self.session_id,
            "claims": self.claims.to_dict(),
            "tokens": {name: value for name, value in asdict(self.tokens).items() if value is not None},
            "csrf_token": self.csrf_token,
            "ends_at": self.ends_at,
            "revision": self.revision,
        }

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> Session | None:
        """Read what :meth:`to_members` wrote; None if another version of this code wrote it."""
        try:
            values = dict(members)
            tokens = Tokens(**values.pop("tokens"))
            return cls(claims=JsonObject(values.pop("claims")), tokens=tokens, **values)
        except (TypeError, KeyError):
            return None


def renewal_time(now: float, expires_at: float) -> float:
    """Return when a token that was got now is to be renewed."""
    return expires_at - min(_RENEW_AHEAD, _RENEW_PART * max(expires_at - now, 0.0))


def _kept(claims: Mapping[str, Any]) -> JsonObject:
    return JsonObject({name: value for name, value in claims.items() if name not in _OF_ONE_TOKEN})


class Need(Enum):
    """What a session needs before it can be used."""

    NOTHING = auto()
    RENEWAL_SOON = auto()  # its token still serves if renewing fails
    RENEWAL = auto()
    SIGN_IN = auto()


def need(session: Session, now: float) -> Need:
    """Decide about a session. It is as alive as its tokens: without a refresh token it ends with them."""
    tokens = session.tokens
    if now >= session.ends_at:
        return Need.SIGN_IN
    if now < tokens.renew_at:
        return Need.NOTHING
    if tokens.refresh_token is None:
        return Need.NOTHING if now < tokens.expires_at else Need.SIGN_IN
    return Need.RENEWAL_SOON if now < tokens.expires_at else Need.RENEWAL
