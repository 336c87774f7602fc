"""Several issuers, each with its own keys and policy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from mintmark.errors import ConfigurationError, ErrorCode, InvalidClaim, InvalidToken
from mintmark.jose import jwe, jws
from mintmark.jose.encoding import json_object
from mintmark.jwt.examiner import plain_text
from mintmark.jwt.nested import is_encrypted
from mintmark.jwt.verifier import Verifier

__all__ = ["Verifiers"]

T = TypeVar("T")


class Verifiers(Generic[T]):
    """A closed table of verifiers, one per issuer; a token goes to the one of its ``iss``.

    ::

        verifiers = Verifiers({issuer_a: verifier_a, issuer_b: verifier_b})
        claims = verifiers.verify(token)

    The issuer is read before anything is verified, and used for nothing but to look it up here, by exact
    equality. The verifier found then checks everything, ``iss`` included, with keys of that issuer alone: a
    ``kid`` of one issuer never selects a key of another (attacks S18, S24, C7).

    :raises ConfigurationError: when a verifier stands under another name than its own.
    """

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[str, Verifier[T]]) -> None:
        if not table:
            raise ConfigurationError("Verifiers needs at least one verifier")
        for issuer, verifier in table.items():
            if verifier.issuer != issuer:
                raise ConfigurationError(
                    "a verifier stands under another issuer than it checks",
                    expected=issuer,
                    actual=verifier.issuer,
                )
        self._table = MappingProxyType(dict(table))

    def __repr__(self) -> str:
        return f"<Verifiers {' '.join(self._table)}>"

    def verify(self, token: str, *, expected: object = None) -> T:
        """Return the claims of a token in which everything holds, as :meth:`Verifier.verify` does."""
        return self._select(token).verify(token, expected=expected)

    async def averify(self, token: str, *, expected: object = None) -> T:
        """Like :meth:`verify`, without blocking the event loop."""
        return await self._select(token).averify(token, expected=expected)

    def check(self, token: str, *, expected: object = None) -> list[InvalidToken]:
        """Return everything that is wrong with a token, as :meth:`Verifier.check` does."""
        try:
            verifier = self._select(token)
        except InvalidToken as refusal:
            return [refusal]
        return verifier.check(token, expected=expected)

    def _select(self, token: str) -> Verifier[T]:
        token = plain_text(token)
        if is_encrypted(token):
            # RFC 7519 5.3: the issuer of an encrypted token is known beforehand only if its header repeats it
            issuer = jwe.parse_compact(token).header.get("iss")
        else:
            issuer = json_object(jws.parse_compact(token).payload, what="the claims set").get("iss")
        verifier = self._table.get(issuer) if isinstance(issuer, str) else None
        if verifier is None:
            raise InvalidClaim(
                "The token is from none of the known issuers",
                code=ErrorCode.CLAIM_MISMATCH,
                claim="iss",
                expected=sorted(self._table),
            )
        return verifier
