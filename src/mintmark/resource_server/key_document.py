"""Read a fetched JWK Set: public keys only, however the issuer errs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mintmark.errors import FetchFailed, MintmarkError
from mintmark.jose.encoding import json_object
from mintmark.jose.jwks import KeySet
from mintmark.jose.keyrules import PRIVATE_MEMBERS

__all__ = ["KeyDocument", "read_key_document"]

_MOST_KEYS = 100  # research row K14: an honest set has a handful


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A JWK Set as it may be used.

    :param refused: the kids (or places) of keys that hold private members or are symmetric: an issuer that
        publishes such a key has lost it, so nothing that it signed is believed.
    """

    keys: KeySet
    refused: tuple[str, ...]


def read_key_document(
    body: bytes, *, algorithms: Sequence[str] | Mapping[str, str] | None = None
) -> KeyDocument:
    """Read a JWK Set (RFC 7517 5).

    :param algorithms: what to say for keys without ``alg``, as :meth:`KeySet.from_jwks` takes it.
    :raises FetchFailed: it is no JSON object with a list of keys, or holds more than a hundred.
    """
    try:
        document = json_object(body)
    except MintmarkError as error:
        raise FetchFailed("The key set is not a JSON object.", actual=str(error.code)) from None
    members = document.get("keys")
    if not isinstance(members, list):
        raise FetchFailed("The key set has no list of keys.", claim="keys")
    if len(members) > _MOST_KEYS:
        raise FetchFailed(
            f"The key set holds more than {_MOST_KEYS} keys.", expected=_MOST_KEYS, actual=len(members)
        )
    public: list[Any] = []
    refused: list[str] = []
    for place, member in enumerate(members):
        if isinstance(member, dict) and _is_secret(member):
            kid = member.get("kid")
            refused.append(kid[:100] if isinstance(kid, str) else f"#{place}")
        else:
            public.append(member)
    return KeyDocument(KeySet.from_jwks({"keys": public}, algorithms=algorithms), tuple(refused))


def _is_secret(jwk: Mapping[str, Any]) -> bool:
    return jwk.get("kty") == "oct" or not PRIVATE_MEMBERS.isdisjoint(jwk)
