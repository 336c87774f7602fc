"""SignIn: people sign in at the issuer, and this application keeps their tokens on its side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from mintmark.client.sign_in.cookies import CookieJar
from mintmark.client.sign_in.flow import Flow, refusal
from mintmark.client.sign_in.keeping import InBrowser, InStore, Keeping
from mintmark.client.sign_in.places import Places
from mintmark.client.sign_in.provider import AuthMethod, Provider, Registration
from mintmark.client.sign_in.refusals import SessionEnded, SignInRefused, SignInUnavailable
from mintmark.client.sign_in.renewing import Renewal, Renewer
from mintmark.client.sign_in.sealing import Sealer
from mintmark.client.sign_in.sessions import Need, Session, need
from mintmark.client.sign_in.signing_out import Backchannel, sign_out
from mintmark.client.sign_in.stores import SessionStore
from mintmark.client.sign_in.visit import Cookie, Reply, Visit, redirect, refusal_json
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import ID_TOKEN, LOGOUT_TOKEN, KeySource
from mintmark.net import Fetcher, Limits

__all__ = ["Current", "SignIn"]


@dataclass(frozen=True, slots=True)
class Current:
    """Who is signed in in this browser, and the cookies that its answer must carry."""

    session: Session | None
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A session that is being renewed."""

    session: Session
    renewal: Renewal | None


class SignIn:
    """Signs people in by authorization code with PKCE (RFC 6749 4.1, RFC 7636, OpenID Connect Core 3.1).

    No token reaches the browser but in a sealed cookie; with a ``store`` not even that. Free of any
    framework: the adapters in :mod:`mintmark.frameworks.sign_in` translate requests and answers, and decide
    nothing.

    :param issuer: the issuer, exactly as it names itself.
    :param redirect_uri: the full address of the callback, as registered there. The application's own origin
        is read from it, and from nothing else.
    :param keys: the issuer's keys: a ``RemoteKeys``.
    :param cookie_key: seals what leaves this process: ``Key.generate("A256GCM")``, the same in all processes.
        A KeySet seals with its first key and opens with all.
    :param client_secret: a confidential client's secret; a public client says ``public=True`` instead.
    :param scope: what to ask for, ``openid`` among it; ``resource`` (RFC 8707) and ``max_age`` (of the
        sign-in at the issuer, in seconds) as needed.
    :param store: keep sessions here, and only their names in the browser. Needed for back-channel logout.
    :param post_logout_redirect_uri: sign people out at the issuer, too, and have them sent back here.
    :param lifetime: for how many seconds a session may last, however often it is renewed.
    :param patience: for how many seconds one request waits for a renewal.
    :raises ConfigurationError: when something is missing, contradicts itself or is not safe.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        redirect_uri: str,
        *,
        keys: Key | KeySet | KeySource,
        cookie_key: Key | KeySet,
        client_secret: str | None = None,
        public: bool = False,
        auth_method: AuthMethod = "client_secret_basic",
        scope: str | Sequence[str] = ("openid", "profile"),
        resource: str | None = None,
        max_age: int | None = None,
        store: SessionStore | None = None,
        post_logout_redirect_uri: str | None = None,
        sign_in_path: str = "/sign-in",
        sign_out_path: str = "/sign-out",
        backchannel_logout_path: str = "/backchannel-logout",
        home: str = "/",
        cookie_name: str = "mintmark-session",
        lifetime: float = 43200.0,
        patience: float = 10.0,
        allow_http: Collection[str] = (),
        ca_file: str | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if (client_secret is None) != public:
            raise ConfigurationError("A client has a client_secret, or says public=True: one of the two.")
        self.places = Places.of(redirect_uri, sign_in_path, sign_out_path, backchannel_logout_path, home)
        self._clock = clock
        self._patience = patience
        self._after = post_logout_redirect_uri
        sealer = Sealer(cookie_key, f"{issuer} {client_id}")
        secure = self.places.is_https
        jar = CookieJar.of(cookie_name, secure=secure)
        stored = InStore(jar, sealer, store) if store is not None else None
        self._keeping: Keeping = stored or InBrowser(jar, sealer)
        us = Registration(issuer, client_id, redirect_uri, client_secret, auth_method)
        fetcher = Fetcher(limits=limits, allow_http=allow_http, ca_file=ca_file)
        verifier = us.verifier(ID_TOKEN, keys, clock)
        self._provider = Provider(us, verifier, fetcher, clock, max_age=max_age)
        self._flow = Flow(
            self.places,
            self._provider,
            self._keeping,
            CookieJar.of(f"{cookie_name}-attempts", secure=secure),
            sealer,
            asked=_asked(scope, resource, max_age),
            lifetime=lifetime,
        )
        logout = us.verifier(LOGOUT_TOKEN, keys, clock)
        self._backchannel = Backchannel(logout, stored) if stored is not None else None
        self._renewer = Renewer(self._provider, self._keeping, clock)

    # --- who is it? ---

    def current(self, visit: Visit) -> Current:
        """Return who is signed in, renewed if it was time. Set the cookies on the answer in any case.

        :raises SignInRefused: another site's page caused a request that can change something.
        :raises SignInUnavailable: the session's tokens have run out and the issuer cannot be reached.
        """
        plan = self._plan(visit)
        if isinstance(plan, Current):
            return plan
        if plan.renewal is not None:
            plan.renewal.flight.wait(self._patience)
        return self._renewed(plan, visit)

    async def acurrent(self, visit: Visit) -> Current:
        """Do what :meth:`current` does without holding up the event loop."""
        blocking = self._keeping.blocking
        plan = await asyncio.to_thread(self._plan, visit) if blocking else self._plan(visit)
        if isinstance(plan, Current):
            return plan
        if plan.renewal is not None:
            await plan.renewal.flight.join(self._patience)
        return self._renewed(plan, visit)

    def admit(self, visit: Visit, *, required: bool = True) -> Current | Reply:
        """Return who is signed in, or the answer that the request gets instead.

        Whoever navigates is sent to sign in, and back here afterwards; a script gets 401.
        """
        try:
            return self._admitted(self.current(visit), visit, required)
        except (SignInRefused, SignInUnavailable) as error:
            return refusal(visit, error, self.places)

    async def aadmit(self, visit: Visit, *, required: bool = True) -> Current | Reply:
        """Do what :meth:`admit` does without holding up the event loop."""
        try:
            return self._admitted(await self.acurrent(visit), visit, required)
        except (SignInRefused, SignInUnavailable) as error:
            return refusal(visit, error, self.places)

    def _admitted(self, current: Current, visit: Visit, required: bool) -> Current | Reply:
        if current.session is not None or not required:
            return current
        if visit.wants_page:
            return redirect(self.places.to_sign_in(visit), current.cookies)
        challenge = ("WWW-Authenticate", 'Cookie realm="sign-in"')
        return refusal_json(401, "login_required", challenge, cookies=current.cookies)

    # --- the pages ---

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that belong to :meth:`answer`."""
        own = (self.places.sign_in, self.places.callback, self.places.sign_out)
        return own if self._backchannel is None else (*own, self.places.backchannel_logout)

    def answer(self, visit: Visit, path: str) -> Reply:
        """Answer a request for one of :attr:`paths`.

        :param path: which one; the visit's own path may have a prefix where the application is mounted.
        """
        places = self.places
        table = {
            places.sign_in: ("GET", self._flow.begin),
            places.callback: ("GET", self._flow.finish),
            places.sign_out: ("POST", self._sign_out),
            places.backchannel_logout: ("POST", self._logout),
        }
        method, step = table[path]
        if visit.method != method:
            return refusal_json(405, "invalid_request", ("Allow", method))
        try:
            return step(visit, self._clock())
        except MintmarkError as error:
            return refusal(visit, error, self.places)

    async def aanswer(self, visit: Visit, path: str) -> Reply:
        """Do what :meth:`answer` does without holding up the event loop."""
        return await asyncio.to_thread(self.answer, visit, path)

    def _sign_out(self, visit: Visit, now: float) -> Reply:
        return sign_out(
            visit,
            now,
            keeping=self._keeping,
            provider=self._provider,
            places=self.places,
            post_logout_redirect_uri=self._after,
        )

    def _logout(self, visit: Visit, now: float) -> Reply:
        if self._backchannel is None:
            return refusal_json(404, "not_found")
        return self._backchannel.receive(visit, now)

    # --- sessions ---

    def _plan(self, visit: Visit) -> Current | _Waiting:
        now = self._clock()
        session = self._keeping.find(visit, now)
        needed = Need.SIGN_IN if session is None else need(session, now)
        if session is None or needed is Need.SIGN_IN:
            return Current(None, self._keeping.forget(visit))
        if visit.can_change:
            self.places.check_origin(visit)
        if needed is Need.NOTHING:
            return Current(session)
        return _Waiting(session, self._renewer.join(session))

    def _renewed(self, plan: _Waiting, visit: Visit) -> Current:
        now = self._clock()
        outcome = plan.renewal.outcome if plan.renewal is not None else None
        if isinstance(outcome, Session):
            return Current(outcome, self._keeping.cookies(outcome, visit, now))
        if isinstance(outcome, SessionEnded):
            return Current(None, self._keeping.forget(visit))
        if now < plan.session.tokens.expires_at:  # the issuer has trouble; the token still serves
            return Current(plan.session)
        raise SignInUnavailable("The session cannot be renewed now.", retry_after=5.0)


def _asked(scope: str | Sequence[str], resource: str | None, max_age: int | None) -> dict[str, str]:
    scopes = scope.split() if isinstance(scope, str) else list(scope)
    if "openid" not in scopes:
        raise ConfigurationError("scope lacks openid, and without it nobody can be recognised.")
    more = {"resource": resource, "max_age": None if max_age is None else str(max_age)}
    return {"scope": " ".join(scopes), **{name: value for name, value in more.items() if value is not None}}
