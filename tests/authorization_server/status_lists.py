"""A verifier that is not ours, and one that is: both must say the same of a token."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import httpx

from mintmark import UNCHECKED, Verifier
from mintmark.jose.jwks import KeySet
from mintmark.jwt import STATUS_LIST, Status, StatusList, StatusReference

from .running import Browser, claims_of, settings_data

VALID, INVALID = Status.VALID, Status.INVALID


def resources(*audiences: str) -> list[dict[str, Any]]:
    """The resources of the tests' settings; these want status lists."""
    return [
        {**resource, "status_list": True} if resource["audience"] in audiences else resource
        for resource in settings_data("")["resources"]
    ]


def reference_of(token: str) -> StatusReference | None:
    return StatusReference.of(claims_of(token))


def decoded(text: str, place: int) -> int:
    """What the draft says in its sections 4.1 and 8.3, in as few lines as it takes."""
    payload = text.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    packed = claims["status_list"]["lst"]
    data = zlib.decompress(base64.urlsafe_b64decode(packed + "=="))
    bits = claims["status_list"]["bits"]
    return (data[place * bits // 8] >> (place * bits % 8)) & ((1 << bits) - 1)


def fetched(browser: Browser, token: str) -> httpx.Response:
    """The list that a token points to, from whichever instance this browser is at."""
    reference = reference_of(token)
    assert reference is not None
    path = reference.uri.removeprefix(browser.server.settings.issuer)
    browser.server.clock.advance(1)  # so often the server looks what has become INVALID
    response = browser.http.get(path, headers={"Accept": "application/statuslist+jwt"})
    assert response.status_code == 200, response.text
    return response


def status_of(browser: Browser, token: str) -> Status:
    """Fetch, verify, decode twice."""
    reference = reference_of(token)
    assert reference is not None
    text = fetched(browser, token).text
    verifier = Verifier(
        issuer=browser.server.settings.issuer,
        audience=UNCHECKED,
        keys=KeySet.from_jwks(browser.http.get("/jwks").json()),
        profile=STATUS_LIST,
        clock=browser.server.clock,
    )
    status = StatusList.of(verifier.verify(text, expected=reference)).status(reference.index)
    assert decoded(text, reference.index) == status
    return Status(status)
