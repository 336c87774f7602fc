"""Client authentication: which client is calling, proven in the one way it is registered for (RFC 6749
2.3).
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import math
from collections.abc import Mapping

import pybase64

from mintmark._discreet import Discreet
from mintmark.authorization_server.oauth.attempts import Attempts
from mintmark.authorization_server.oauth.errors import InvalidClient, InvalidRequest, TooManyRequests
from mintmark.authorization_server.oauth.parameters import Parameters, form_decoded
from mintmark.authorization_server.registrations import NO_SECRET, AuthMethod, Client

__all__ = ["Credentials", "authenticate", "presented"]

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="mintmark", charset="UTF-8"'}
_NO_DIGESTS = (NO_SECRET, NO_SECRET)


class Credentials(Discreet, frozen=True):
    """What a request says about its client."""

    client_id: str
    method: AuthMethod
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.client_id}, {self.method})"


def presented(authorization: str | None, parameters: Parameters) -> Credentials:
    """Read the credentials of a request from its header and form.

    :raises InvalidRequest: two methods at once, or two different client ids (RFC 6749 2.3).
    :raises InvalidClient: none at all, or a header that is not well-formed Basic.
    """
    if "client_assertion" in parameters or "client_assertion_type" in parameters:
        raise _refused("client assertions are not accepted here")
    in_form, secret = parameters.get("client_id"), parameters.get("client_secret")
    if authorization is not None:
        credentials = _basic(authorization)
        if secret is not None:
            raise InvalidRequest("use one way of client authentication, not two")
        if in_form is not None and in_form != credentials.client_id:
            raise InvalidRequest("client_id differs from the one in the Authorization header")
        return credentials
    if in_form is None:
        raise _refused("the client is not named: send client_id, or HTTP Basic")
    return Credentials(in_form, "none" if secret is None else "client_secret_post", secret)


def _basic(authorization: str) -> Credentials:
    """Decode Basic; both halves are form-encoded first (RFC 6749 2.3.1), unlike plain RFC 7617."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _refused("the Authorization header is not Basic")
    try:
        text = pybase64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        name, colon, secret = text.partition(":")
        client_id, secret = form_decoded(name), form_decoded(secret)
    except (binascii.Error, ValueError):
        raise _refused("the Authorization header is not well-formed Basic") from None
    if not colon or not client_id or not secret:
        raise _refused("the Authorization header has no client id or no secret")
    return Credentials(client_id, "client_secret_basic", secret)


def authenticate(
    credentials: Credentials, clients: Mapping[str, Client], attempts: Attempts, *, network: str, now: float
) -> Client:
    """Return the client that ``credentials`` prove.

    :raises InvalidClient: unknown, wrong secret, or not its registered method; the answer is always the same.
    :raises TooManyRequests: after many wrong secrets, for a growing while.
    """
    client = clients.get(credentials.client_id)
    if client is None:
        _is_secret(credentials.secret, _NO_DIGESTS)  # the same work
        raise _refused("client authentication failed", detail="no such client")
    method = client.auth_method
    if credentials.method != method:
        _is_secret(credentials.secret, _NO_DIGESTS)
        detail = f"{client.client_id} is registered for {method}, came with {credentials.method}"
        raise _refused("client authentication failed", detail=detail)
    if method == "none":
        return client
    if wait := attempts.seconds_to_wait(client.client_id, network, now):
        raise TooManyRequests(
            "too many wrong client secrets; try again later",
            detail=f"{client.client_id} from {network}",
            headers={"Retry-After": str(math.ceil(wait))},
        )
    if not _is_secret(credentials.secret, client.secret_digests(now)):
        attempts.failed(client.client_id, network, now)
        raise _refused("client authentication failed", detail=f"wrong secret for {client.client_id}")
    attempts.succeeded(client.client_id, network)
    return client


def _is_secret(secret: str | None, digests: tuple[str, str]) -> bool:
    """Compare in constant time. Client secrets are random, so one fast hash is enough to keep them."""
    said = hashlib.sha256((secret or "").encode()).hexdigest()
    present, previous = digests
    return hmac.compare_digest(said, present) | hmac.compare_digest(said, previous)


def _refused(description: str, *, detail: str | None = None) -> InvalidClient:
    return InvalidClient(description, detail=detail, headers=dict(_CHALLENGE))
