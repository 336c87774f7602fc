"""Issuer: makes tokens. The other half is the :class:`~mintmark.jwt.verifier.Verifier`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from mintmark.errors import ConfigurationError
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_encode, json_encode
from mintmark.jose.jwk import Key
from mintmark.jwt.acceptance import compile_form
from mintmark.jwt.checks import form_problems
from mintmark.jwt.nested import encrypt_token
from mintmark.jwt.policy import MAX_TIME, UNCHECKED, Policy
from mintmark.jwt.profile import Profile

__all__ = ["Issuer"]

_ARGUMENTS: Final = {
    "iss": "the issuer's own name",
    "sub": "subject=",
    "aud": "audience=",
    "exp": "lifetime=",
    "nbf": "not_before=",
    "iat": "issued_at=",
    "jti": "jwt_id=",
}
"""The registered claims, each with the one way to set it."""

_NUMBER: Final = (int, float)


class Issuer:
    """Makes signed tokens in one name with one key (RFC 7519 7.1).

    :param issuer: the ``iss`` of every token; for OAuth an https URL.
    :param key: a private key for signing, or an HMAC key.
    :param clock: gives the time in seconds since the epoch.
    :raises ConfigurationError: when the name is empty.
    :raises InvalidKey: when the key cannot sign.

    ::

        issuer = Issuer("https://auth.example.com", key)
        token = issuer.issue(subject="alice", audience="orders", lifetime=600, claims={"tenant": "acme"})
    """

    __slots__ = ("_clock", "_forms", "_issuer", "_key")

    def __init__(self, issuer: str, key: Key, *, clock: Callable[[], float] = time.time) -> None:
        if type(issuer) is not str or not issuer:
            raise ConfigurationError("issuer must be a non-empty text, usually the issuer's https URL")
        if not isinstance(key, Key):
            raise ConfigurationError(
                "an Issuer signs with a Key", hint="Key.generate(...), Key.from_pem(...)"
            )
        self._issuer = issuer
        self._key = key
        self._clock = clock
        self._forms: dict[tuple[Profile | None, str | None], _Form] = {}
        self._form(None, None)  # finds out now whether the key can sign

    def __repr__(self) -> str:
        return f"<Issuer {self._issuer} kid={self._key.kid} alg={self._key.alg}>"

    @property
    def issuer(self) -> str:
        """The ``iss`` of every token."""
        return self._issuer

    @property
    def key(self) -> Key:
        """The key that signs."""
        return self._key

    def issue(
        self,
        *,
        lifetime: float,
        subject: str | None = None,
        audience: str | Sequence[str] | None = None,
        claims: Mapping[str, Any] | None = None,
        profile: Profile | None = None,
        typ: str | None = None,
        header: Mapping[str, Any] | None = None,
        issued_at: float | None = None,
        not_before: float | None = None,
        jwt_id: str | None = None,
        encrypt_to: Key | None = None,
        enc: str | None = None,
    ) -> str:
        """Return a new signed token in compact form.

        ``iss``, ``iat``, ``exp`` and ``jti`` are always there. Times are whole seconds; rounding never makes
        a token live longer than asked.

        :param lifetime: seconds until it expires.
        :param subject: ``sub``.
        :param audience: ``aud``: a text, or several.
        :param claims: any further claims; registered ones have their own arguments.
        :param profile: what kind of token it is; its ``typ`` is written, what it requires must be there.
        :param typ: the header's ``typ``; by default that of the profile, or ``JWT``.
        :param header: further header members.
        :param issued_at: ``iat``; by default now.
        :param not_before: ``nbf``, in seconds since the epoch.
        :param jwt_id: ``jti``; by default 128 random bits.
        :param encrypt_to: a key of the recipient: the signed token is then encrypted to it (a nested token).
        :param enc: how the content is encrypted then (RFC 7518 5.1); by default A256GCM or what the key asks
            for.
        :raises ConfigurationError: when the claims contradict the arguments, the profile or JSON.
        """
        now = self._clock() if issued_at is None else _time(issued_at, "issued_at")
        members: dict[str, Any] = {"iss": self._issuer}
        if subject is not None:
            members["sub"] = subject
        if audience is not None:
            members["aud"] = audience if type(audience) is str else _several(audience)
        members["iat"] = int(now)
        members["exp"] = _expiry(now, lifetime)
        if not_before is not None:
            members["nbf"] = int(_time(not_before, "not_before"))
        members["jti"] = b64url_encode(os.urandom(16)) if jwt_id is None else jwt_id
        if claims is not None:
            further = claims if type(claims) is dict else dict(claims)
            if not further.keys().isdisjoint(_ARGUMENTS):
                _refuse_registered(further)
            members.update(further)
        form = self._forms.get((profile, typ)) or self._form(profile, typ)
        if not form.recognise(members):
            _refuse_misfit(form, members)
        payload = json_encode(members)
        token = form.sign(payload) if header is None else self._sign(payload, form, header)
        return token if encrypt_to is None else encrypt_token(token, encrypt_to, enc=enc)

    def _form(self, profile: Profile | None, typ: str | None) -> _Form:
        """Prepare what all tokens of one kind have in common, and remember it."""
        if typ is not None and (type(typ) is not str or not typ):
            raise ConfigurationError("typ is a non-empty text")
        policy = Policy.build(issuer=self._issuer, audience=UNCHECKED, profile=profile)
        written = typ or (profile.typ if profile is not None else "JWT")
        sign = jws.signer_for(self._key, header={"typ": written})
        form = self._forms[profile, typ] = _Form(policy, written, compile_form(policy), sign)
        return form

    def _sign(self, payload: bytes, form: _Form, header: Mapping[str, Any]) -> str:
        if "typ" in header:
            raise ConfigurationError("typ is not set in header=", hint="typ=... or profile=... sets it.")
        return jws.sign(payload, self._key, header={"typ": form.typ, **header})


class _Form(Struct, frozen=True):
    """What all tokens of one kind and one issuer have in common."""

    policy: Policy
    typ: str
    recognise: Callable[[dict[str, Any]], bool]
    sign: Callable[[bytes], str]


def _refuse_misfit(form: _Form, members: dict[str, Any]) -> None:
    """Refuse to make what no verifier of this kind of token would take.

    :raises ConfigurationError: the first problem, if there is one after all.
    """
    for problem in form_problems(form.policy, members):
        kind = form.policy.profile.name if form.policy.profile is not None else "token"
        raise ConfigurationError(
            f"no {kind} can be issued so: {problem.message}", claim=problem.claim, actual=problem.actual
        )


def _refuse_registered(members: dict[str, Any]) -> None:
    name = next(name for name in _ARGUMENTS if name in members)
    raise ConfigurationError(
        f"{name} is not set in claims=",
        claim=name,
        hint=f"It comes from {_ARGUMENTS[name]}, and only from there.",
    )


def _several(audience: Iterable[str]) -> list[str]:
    try:
        return list(audience)
    except TypeError:
        raise ConfigurationError("audience is a text or a list of texts", claim="aud") from None


def _time(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, _NUMBER) or not 0 <= value <= MAX_TIME:
        raise ConfigurationError(f"{what} is a time in seconds since 1970")
    return value


def _expiry(now: float, lifetime: object) -> int:
    if isinstance(lifetime, bool) or not isinstance(lifetime, _NUMBER):
        raise ConfigurationError("lifetime is a number of seconds")
    if not 1 <= lifetime <= MAX_TIME or (expiry := int(now + lifetime)) > MAX_TIME:
        raise ConfigurationError("a token lives for at least a second, and not beyond the year 9999")
    return expiry
