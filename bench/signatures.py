"""Signing and verifying one realistic access token, in every family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

from bare import bare_sign, bare_verify
from material import AUDIENCE, ISSUER, SIGNATURES, Suite, claims, suite
from measure import Contender, race, show
from peers import PEERS

from mintmark import ACCESS_TOKEN, Issuer, Verifier, jws
from mintmark.jose.encoding import b64url_decode, json_encode

__all__ = ["signing", "verifying"]

DIFFERENT = 400
REGISTERED = {"iss", "sub", "aud", "iat", "nbf", "exp", "jti"}


def _token(chosen: Suite, members: dict[str, Any]) -> str:
    return jws.sign(json_encode(members), chosen.key, header={"typ": "at+jwt"})


def signing(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """Claims in, token out; and for ours also with the claims already encoded."""
    for alg in SIGNATURES:
        chosen, members = suite(alg), claims()
        payload = json_encode(members)
        message = _token(chosen, members).rpartition(".")[0].encode()
        own = {name: value for name, value in members.items() if name not in REGISTERED}
        issue = Issuer(ISSUER, chosen.key).issue
        sign = jws.signer_for(chosen.key, header={"typ": "at+jwt"})
        encode_and_sign = lambda _, sign=sign, members=members: sign(json_encode(members))  # noqa: E731

        def issuing(_: object, issue: Any = issue, members: Any = members, own: Any = own) -> str:
            text: str = issue(
                subject=members["sub"],
                audience=AUDIENCE,
                lifetime=36_000,
                not_before=members["nbf"],
                profile=ACCESS_TOKEN,
                claims=own,
            )
            return text

        contenders = [
            Contender("bare operation", bare_sign(chosen, message)),
            Contender("mintmark, payload to token", lambda _, sign=sign, payload=payload: sign(payload)),
            Contender("mintmark, claims to token", encode_and_sign),
            Contender("mintmark, Issuer.issue", issuing),
            *_peer_signing(modules, chosen, members),
        ]
        show(f"sign {alg}", race(contenders), base="bare operation", unavailable=absent)


def _peer_signing(modules: dict[str, Any], chosen: Suite, members: dict[str, Any]) -> list[Contender]:
    found = []
    for name, module in modules.items():
        try:
            sign = PEERS[name](module, chosen)[0]
        except Exception as error:
            found.append(Contender(name, _failing(error)))
        else:
            found.append(Contender(name, lambda _, sign=sign: sign(dict(members))))
    return found


def verifying(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """A token not seen before, and for ours also one seen before: each time a new text object.

    ``fresh and kept`` pays for remembering each of many different tokens, too, in the place of the oldest.
    """
    for alg in SIGNATURES:
        chosen, members = suite(alg), claims()
        token = _token(chosen, members)
        signing_input, _, signature = token.rpartition(".")
        options: dict[str, Any] = {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "keys": chosen.verifying,
            "profile": ACCESS_TOKEN,
            "required": ("nbf",),
        }
        fresh, again = Verifier(**options, cache=None), Verifier(**options)
        first = Verifier(**options, cache=DIFFERENT // 2)
        bare = bare_verify(chosen, signing_input.encode(), b64url_decode(signature))
        contenders = [
            Contender("bare operation", bare),
            Contender("mintmark, fresh", fresh.verify, _new_texts(token)),
            Contender("mintmark, fresh and kept", first.verify, _unseen(chosen)),
            Contender("mintmark, again", again.verify, _new_texts(token)),
        ]
        for name, module in modules.items():
            try:
                sign, verify = PEERS[name](module, chosen)
                own = sign(dict(members))  # in its own words: several write EdDSA for Ed25519
                if verify(own)["sub"] != members["sub"]:
                    raise ValueError("another answer")
            except Exception as error:
                contenders.append(Contender(name, _failing(error)))
            else:
                contenders.append(Contender(name, verify, _new_texts(own)))
        title = f"verify {alg} ({len(token)} characters; exp, nbf, iss, aud checked; typ by ours only)"
        show(title, race(contenders), base="bare operation", unavailable=absent)


def _new_texts(token: str) -> Callable[[int], Sequence[object]]:
    """Return equal texts that are new objects, as they come out of requests: nothing is cached in them."""
    octets = token.encode()
    return lambda count: [octets.decode() for _ in range(count)]


def _unseen(chosen: Suite) -> Callable[[int], Sequence[object]]:
    """Return different tokens in turn: each comes again when a verifier that keeps fewer has forgotten it."""
    tokens = cycle([_token(chosen, claims(f"{number:022}")).encode() for number in range(DIFFERENT)])
    return lambda count: [token.decode() for token in islice(tokens, count)]


def _failing(error: Exception) -> Callable[[object], object]:
    def fail(_: object) -> object:
        raise error

    return fail
