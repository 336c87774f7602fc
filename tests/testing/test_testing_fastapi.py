"""A FastAPI service that we protect, seen from outside: refuses the whole table, accepts the controls."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from mintmark import Claims
from mintmark.frameworks.fastapi import Protect
from mintmark.hostile import Verdict
from mintmark.testing import LocalIssuer, Report, aassert_refuses


def service(issuer: LocalIssuer) -> FastAPI:
    app = FastAPI()
    protect = Protect(
        issuer.issuer,
        "orders",
        app=app,
        keys=issuer.keys,
        clock=issuer.clock,
        revocations=issuer.revocations,
    )

    reader = protect("orders:read")

    @app.get("/orders")
    async def orders(who: Claims = reader) -> dict[str, str | None]:
        return {"orders of": who.subject}

    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders")


async def examined(issuer: LocalIssuer) -> Report:
    async with client_of(service(issuer)) as client:

        async def send(token: str | None) -> httpx.Response:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            return await client.get("/orders", headers=headers)

        return await aassert_refuses(send, issuer.mint(scopes="orders:read"), signing_key=issuer.key)


async def status_of(app: FastAPI, token: str) -> int:
    async with client_of(app) as client:
        answer = await client.get("/orders", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code


@pytest.mark.parametrize("alg", ["ES256", "RS256", "Ed25519"])
def test_P7_a_protected_route_refuses_every_evil_token_and_accepts_every_control(alg: str) -> None:
    issuer = LocalIssuer(audience="orders", alg=alg)
    report = asyncio.run(examined(issuer))
    assert report.count(Verdict.REFUSED) == len(report.results) - report.count(Verdict.NOTED) > 250
    refused = {result.answer.status for result in report.results if result.verdict is Verdict.REFUSED}
    assert refused <= {400, 401}


def test_minted_tokens_reach_the_route_or_are_refused_as_they_should() -> None:
    issuer = LocalIssuer(audience="orders")
    app = service(issuer)

    def status(token: str) -> int:
        return asyncio.run(status_of(app, token))

    good = issuer.mint(scopes="orders:read")
    assert status(good) == 200
    assert status(issuer.mint()) == 403
    assert status(issuer.mint(scopes="orders:read", expired=True)) == 401
    assert status(issuer.mint(scopes="orders:read", audience="billing")) == 401
    issuer.revoke(good)
    assert status(good) == 401
    issuer.go_down()
    assert status(issuer.mint(scopes="orders:read")) == 503
