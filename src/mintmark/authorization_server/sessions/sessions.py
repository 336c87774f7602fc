"""Sign-ins and grants: the one owner of their tables. Every answer is on disk before it is given."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec.structs import asdict, replace

from mintmark.authorization_server.keys.secrets import ServerSecrets
from mintmark.authorization_server.revocation import DenyLog
from mintmark.authorization_server.sessions import ending, signing_in
from mintmark.authorization_server.sessions.outcomes import (
    Beginning,
    CodeRequest,
    Granted,
    Refreshed,
    RefusalReason,
    Refused,
    SessionPolicy,
)
from mintmark.authorization_server.sessions.redeeming import CODE_REMEMBERED, redeem
from mintmark.authorization_server.sessions.refresh import Keep, RefreshPolicy, Rotate, SameSuccessor, decide
from mintmark.authorization_server.sessions.renewing import ENDING, renew
from mintmark.authorization_server.sessions.tokens import RefreshTokens, digest, new_code, new_cookie, new_id
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.records import (
    CodeRecord,
    DenyEntry,
    DenyKind,
    Grant,
    Notice,
    SignIn,
)
from mintmark.authorization_server.storage.repositories import codes, grants, notices, people, sign_ins

__all__ = ["Sessions"]


class Sessions:
    """Sign people in and out; give grants, renew and end them. Times are seconds since the epoch."""

    def __init__(
        self, db: Database, secrets: ServerSecrets, deny_log: DenyLog, policy: SessionPolicy | None = None
    ) -> None:
        self._db = db
        self._deny_log = deny_log
        self._policy = policy or SessionPolicy()
        self._tokens = RefreshTokens(secrets.key("refresh token"))

    # Sign-ins

    def beginning(
        self,
        person_id: str,
        now: float,
        *,
        amr: tuple[str, ...] = ("pwd",),
        acr: str | None = None,
        replacing: str | None = None,
        also: Callable[[Connection], object] | None = None,
    ) -> Beginning:
        """Return a sign-in under a new cookie, to be written by :meth:`sign_in` or :meth:`create_code`.

        :param amr: how the person proved it (RFC 8176).
        :param acr: the level that this reaches, if the service defines any.
        :param replacing: the browser's present cookie. The same person keeps the ``sid``, so that a later
            sign-out ends everything in this browser; another person's sign-in ends.
        :param also: a unit of work that belongs to the same transaction, and may refuse it by what it raises.
        """
        cookie = new_cookie()
        fresh = SignIn(
            sid=new_id(),
            person_id=person_id,
            auth_time=now,
            amr=amr,
            acr=acr,
            created_at=now,
            last_seen=now,
            expires_at=now + min(self._policy.sign_in_idle, self._policy.sign_in_absolute),
            absolute_end=now + self._policy.sign_in_absolute,
        )
        replaced = digest(replacing) if replacing else None

        def write(connection: Connection) -> SignIn:
            if also is not None:
                also(connection)
            return signing_in.begin(connection, fresh, digest(cookie), replaced, self._policy)

        return Beginning(fresh, cookie, write, replaces=replaced is not None)

    async def sign_in(self, beginning: Beginning) -> SignIn:
        """Write a sign-in; return it as it was written."""
        sign_in = await self._db.write(beginning.write)
        if beginning.replaces:
            await self._deny_log.tick(sign_in.auth_time)
        return sign_in

    async def find_sign_in(self, cookie: str, now: float) -> SignIn | None:
        """Return the sign-in that the cookie stands for, if it is alive; note that the person is here."""
        found = await self._db.look_up(lambda c: sign_ins.by_cookie_hash(c, digest(cookie)))
        if found is None or now >= found.expires_at:
            return None
        if now - found.last_seen >= signing_in.TOUCH_EVERY:
            await self._db.write(
                lambda connection: signing_in.touch(connection, found.sid, now, self._policy)
            )
        return found

    async def sign_out(self, sid: str, now: float, *, reason: str = "sign_out") -> tuple[Grant, ...]:
        """End a sign-in and its grants; its access tokens are refused everywhere within seconds.

        Grants with ``offline_access`` go on. Returns the grants that ended; an unknown ``sid`` ends nothing.
        """
        ended = await self._db.write(
            lambda connection: ending.end_sign_in(connection, sid, now, self._policy, reason=reason)
        )
        await self._deny_log.tick(now)
        return ended

    async def end_person(
        self,
        person_id: str,
        now: float,
        *,
        reason: str,
        except_sid: str | None = None,
        also: Callable[[Connection], object] | None = None,
    ) -> tuple[Grant, ...]:
        """End everything of a person: the password was changed, the account was closed.

        :param except_sid: the sign-in in which the person asked for it.
        :param also: what happens to the account in the same transaction, once everything has ended.
        """

        def work(connection: Connection) -> tuple[Grant, ...]:
            ended = ending.end_person(
                connection, person_id, now, self._policy, reason=reason, except_sid=except_sid
            )
            if also is not None:
                also(connection)
            return ended

        ended = await self._db.write(work)
        await self._deny_log.tick(now)
        return ended

    async def notices(self, person_id: str) -> tuple[Notice, ...]:
        """What the next sign-in page must tell this person, oldest first."""
        return await self._db.look_up(lambda connection: notices.of_person(connection, person_id))

    async def mark_seen(self, person_id: str, *, up_to: int) -> None:
        """The person has been told everything up to that notice."""
        await self._db.write(lambda connection: notices.remove_up_to(connection, person_id, up_to))

    # Codes

    async def create_code(
        self, request: CodeRequest, now: float, *, beginning: Beginning | None = None
    ) -> str:
        """Return a new authorization code, bound to everything in the request.

        :param beginning: the sign-in of the request, if it is to be written in the same transaction.
        :raises Conflict: there is no such person any more.
        """
        code = new_code()
        expires_at = now + self._policy.code_lifetime
        record = CodeRecord(code_hash=digest(code), expires_at=expires_at, **asdict(request))

        def work(connection: Connection) -> None:
            if beginning is not None:
                beginning.write(connection)
            codes.insert(connection, record, kept_until=expires_at + CODE_REMEMBERED)

        await self._db.write(work)
        return code

    async def redeem_code(
        self,
        code: str,
        *,
        client_id: str,
        redirect_uri: str | None,
        code_verifier: str,
        now: float,
        refresh: RefreshPolicy | None,
    ) -> Granted | Refused:
        """Turn a code into a grant, once (RFC 6749 4.1.3).

        A second use with the right verifier ends the grant that the first gave; a use with anything wrong
        changes nothing.

        :param refresh: None for a client that has no refresh grant.
        """

        def work(connection: Connection) -> Granted | Refused:
            grant = redeem(
                connection,
                digest(code),
                client_id=client_id,
                redirect_uri=redirect_uri,
                verifier=code_verifier,
                now=now,
                policy=self._policy,
                refresh=refresh,
            )
            person = people.by_id(connection, grant.person_id) if isinstance(grant, Grant) else None
            if isinstance(grant, Refused) or person is None:
                return grant if isinstance(grant, Refused) else Refused(RefusalReason.PERSON_DISABLED)
            token = self._token(grant) if grant.refreshable else None
            return Granted(grant, person, token)

        outcome = await self._db.write(work)
        if isinstance(outcome, Refused) and outcome.reason is RefusalReason.CODE_REPLAYED:
            await self._deny_log.tick(now)
        return outcome

    # Refresh

    async def refresh(
        self,
        token: str,
        *,
        client_id: str,
        now: float,
        policy: RefreshPolicy,
        scope: Collection[str] | None = None,
        resources: Collection[str] | None = None,
    ) -> Refreshed | Refused:
        """Renew a grant by the rules of :mod:`.refresh` (RFC 6749 6).

        :param scope: what this answer is to be narrowed to; the grant keeps its own.
        :param resources: likewise (RFC 8707 2.2).
        """
        presented = self._tokens.read(token, client_id)
        if presented is None:
            return Refused(RefusalReason.UNKNOWN)
        outcome = await self._db.write(
            lambda connection: renew(
                connection, presented, now, policy, self._policy, scope=scope, resources=resources
            ),
            locking=True,
        )
        if isinstance(outcome, Refused):
            if outcome.reason in ENDING:
                await self._deny_log.tick(now)
            return outcome
        return Refreshed(
            grant=outcome.grant,
            person=outcome.person,
            refresh_token=self._token(outcome.grant),
            scope=outcome.scope,
            resources=outcome.resources,
            rotated=outcome.rotated,
        )

    async def take_back(self, refreshed: Refreshed) -> None:
        """The answer could not be made: the token before is the current one again, however long that lasts.

        Should a parallel request have given the successor out, that goes on as well (see :mod:`.refresh`).
        The one before that stays what it was, a replaced one: nobody has had a new reason to present it.
        """
        after = refreshed.grant
        before = replace(after, generation=after.generation - 1, rotated_at=None)
        if refreshed.rotated:
            await self._db.write(lambda connection: grants.rotate(connection, after, before))

    def _token(self, grant: Grant) -> str:
        return self._tokens.make(grant.grant_id, grant.generation, grant.client_id)

    async def would_renew(
        self, token: str, *, client_id: str, now: float, policy: RefreshPolicy
    ) -> Grant | None:
        """Return the grant that the token would renew now, if any; nothing changes (RFC 7662 2.2)."""
        presented = self._tokens.read(token, client_id)
        if presented is None:
            return None
        grant = await self.grant(presented.grant_id)
        decision = decide(grant, presented.generation, now, policy)
        return grant if isinstance(decision, Rotate | SameSuccessor | Keep) else None

    def genuine_grant_id(self, token: str, client_id: str) -> str | None:
        """Return the grant of a refresh token that we made for this client; nothing is looked up."""
        presented = self._tokens.read(token, client_id)
        return None if presented is None else presented.grant_id

    async def revoke_refresh_token(self, token: str, *, client_id: str, now: float) -> bool:
        """End the grant of a genuine token of any generation (RFC 7009 2.1); False if nothing ended."""
        grant_id = self.genuine_grant_id(token, client_id)
        return grant_id is not None and await self.end_grant(grant_id, now, reason="revoked") is not None

    # Grants

    async def grant(self, grant_id: str) -> Grant | None:
        """Return a grant, ended or not, while its row is kept."""
        return await self._db.look_up(lambda connection: grants.by_id(connection, grant_id))

    async def live_grants(self, person_id: str, now: float) -> tuple[Grant, ...]:
        """What a person has given to clients and what still holds."""
        found = await self._db.read(lambda connection: grants.live(connection, person_id=person_id))
        return tuple(grant for grant in found if now < min(grant.idle_end, grant.absolute_end))

    async def end_grant(self, grant_id: str, now: float, *, reason: str) -> Grant | None:
        """End one grant; its access tokens are refused everywhere within seconds. None if it had ended."""

        def work(connection: Connection) -> Grant | None:
            grant = grants.by_id(connection, grant_id)
            if grant is None or grant.ended_at is not None:
                return None
            ending.end_grant(connection, grant, now, self._policy, reason=reason)
            return grant

        ended = await self._db.write(work)
        await self._deny_log.tick(now)
        return ended

    # Access tokens

    async def give_status_index(self, grant: Grant, index: int) -> int | None:
        """Give a grant that place in the status lists, unless it has one already.

        Returns the place that it has now; None if it has ended.
        """
        return await self._db.write(
            lambda connection: grants.give_status_index(connection, grant.grant_id, index), locking=True
        )

    async def end_access_token(
        self, jwt_id: str, expires_at: float, now: float, *, grant_id: str | None, status_index: int | None
    ) -> None:
        """Deny one access token (RFC 7009 2.1); the refresh token of its grant goes on.

        A place in a status list is all that a grant's access tokens have in common there: it becomes INVALID
        for all of them, and the next one gets another.
        """

        def end_index(connection: Connection) -> None:
            if status_index is not None:
                ending.end_status_index(connection, status_index, now, self._policy, grant_id=grant_id)

        entry = DenyEntry(DenyKind.JTI, jwt_id, iat=now, exp=expires_at)
        await self._deny_log.add([entry], now, also=end_index)
