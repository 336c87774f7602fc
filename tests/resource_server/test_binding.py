"""Tokens bound to a DPoP key or a certificate (research row O9, checklist D12, D13)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mintmark.errors import ConfigurationError, ErrorCode, KeysUnavailable
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_encode, json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import Claims
from mintmark.jwt.profiles.dpop import access_token_hash, make_proof
from mintmark.resource_server import (
    DPoP,
    MemoryReplayStore,
    Nonces,
    Refusal,
    Require,
    ResourceServer,
    SimpleRequest,
    SQLiteReplayStore,
)

NOW = 1_700_000_000.0
KEY = Key.generate("ES256", kid="k1")
HOLDER = Key.generate("ES256")
THIEF = Key.generate("ES256")
URL = "https://api.example.com/v1"
METADATA = "https://api.example.com/.well-known/oauth-protected-resource/v1"
ALGS = "ES256 ES384 ES512 Ed25519 EdDSA Ed448 PS256 PS384 PS512 RS256"


def server(dpop: DPoP | None = None, **options: Any) -> ResourceServer:
    settings: dict[str, Any] = {"external_url": URL, "keys": KeySet([KEY.public]), "clock": lambda: NOW}
    return ResourceServer("https://a.example", "orders", dpop=dpop, **(settings | options))


def token(**claims: Any) -> str:
    members = {
        "iss": "https://a.example",
        "aud": "orders",
        "sub": "alice",
        "client_id": "app",
        "iat": int(NOW) - 10,
        "exp": int(NOW) + 600,
        "jti": "t1",
    } | claims
    return jws.sign(json_encode(members), KEY, header={"typ": "at+jwt"})


def bound(key: Key = HOLDER) -> str:
    return token(cnf={"jkt": key.thumbprint})


def proof(
    key: Key = HOLDER, *, access_token: str, header: Any = None, without: Any = (), **claims: Any
) -> str:
    members = {
        "jti": "p1",
        "htm": "GET",
        "htu": f"{URL}/orders",
        "iat": int(NOW),
        "ath": access_token_hash(access_token),
    } | claims
    kept = {name: value for name, value in members.items() if name not in without}
    jwk = {name: value for name, value in key.public.to_jwk().items() if name in ("kty", "crv", "x", "y")}
    return jws.sign(json_encode(kept), key, header={"typ": "dpop+jwt", "jwk": jwk} | (header or {}))


def request(access_token: str, *proofs: str, scheme: str = "DPoP", method: str = "GET") -> SimpleRequest:
    headers = [("Authorization", f"{scheme} {access_token}"), *(("DPoP", text) for text in proofs)]
    return SimpleRequest(headers, method=method, url="/orders?page=2")


def refusal(check: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        check()
    return caught.value


def test_a_bound_token_with_its_proof_is_good_once() -> None:
    orders, access_token = server(DPoP()), bound()
    asked = request(access_token, proof(access_token=access_token))
    assert orders.check(asked).subject == "alice"
    again = refusal(lambda: orders.check(asked))
    assert again.code is ErrorCode.PROOF_REPLAYED
    assert again.status == 401
    made = make_proof(HOLDER, method="GET", url=f"{URL}/orders", now=NOW, access_token=access_token)
    assert orders.check(request(access_token, made, scheme="dpop")).subject == "alice"


A = bound()
REFUSED: dict[str, SimpleRequest] = {
    "no proof": request(A),
    "two proofs": request(A, proof(access_token=A), proof(access_token=A, jti="p2")),
    "two proofs in one header": request(A, proof(access_token=A) + "," + proof(access_token=A, jti="p2")),
    "garbage": request(A, "garbage"),
    "another method": request(A, proof(access_token=A, htm="POST")),
    "another path": request(A, proof(access_token=A, htu=f"{URL}/other")),
    "another host": request(A, proof(access_token=A, htu="https://evil.example/v1/orders")),
    "plain http": request(A, proof(access_token=A, htu="http://api.example.com/v1/orders")),
    "another token's hash": request(A, proof(access_token=token())),
    "no hash": request(A, proof(access_token=A, without=["ath"])),
    "no jti": request(A, proof(access_token=A, without=["jti"])),
    "too old": request(A, proof(access_token=A, iat=int(NOW) - 91)),
    "from the future": request(A, proof(access_token=A, iat=int(NOW) + 31)),
    "another key": request(A, proof(THIEF, access_token=A)),
    "another key in the header": request(
        A, proof(THIEF, access_token=A, header={"jwk": HOLDER.public.to_jwk()})
    ),
    "a private key in the header": request(
        A, proof(access_token=A, header={"jwk": HOLDER.to_jwk(private=True)})
    ),
    "another typ": request(A, proof(access_token=A, header={"typ": "JWT"})),
}


@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED.keys())
def test_O9_each_check_of_a_proof_refuses(asked: SimpleRequest) -> None:
    found = refusal(lambda: server(DPoP()).check(asked))
    assert (found.status, found.code) == (401, ErrorCode.PROOF_INVALID)
    assert found.challenge == (
        f'Bearer realm="orders", resource_metadata="{METADATA}", DPoP realm="orders", '
        'error="invalid_dpop_proof", '
        'error_description="The DPoP proof is missing or not valid for this request", '
        f'algs="{ALGS}", resource_metadata="{METADATA}"'
    )


def test_D13_a_bound_token_is_no_bearer_token() -> None:
    for orders in (server(DPoP()), server()):
        found = refusal(lambda orders=orders: orders.check(request(A, scheme="Bearer")))  # type: ignore[misc]
        assert (found.status, found.code, found.error) == (401, ErrorCode.BINDING_MISMATCH, "invalid_token")


def test_a_bearer_token_is_no_bound_token() -> None:
    plain = token()
    found = refusal(lambda: server(DPoP()).check(request(plain, proof(access_token=plain))))
    assert found.code is ErrorCode.BINDING_MISMATCH
    assert server(DPoP()).check(request(plain, scheme="Bearer")).subject == "alice"


def test_dpop_may_be_required_by_the_service_or_by_a_route() -> None:
    plain = request(token(), scheme="Bearer")
    everywhere = server(DPoP(required=True))
    found = refusal(lambda: everywhere.check(plain))
    assert (found.challenge or "").startswith('DPoP realm="orders", error="invalid_token"')
    assert "Bearer" not in (found.challenge or "")
    route = server(DPoP())
    assert refusal(lambda: route.check(plain, Require(dpop=True))).code is ErrorCode.BINDING_MISMATCH
    claims = route.check(plain)
    assert refusal(lambda: route.check_claims(claims, Require(dpop=True))).code is ErrorCode.BINDING_MISMATCH
    good = route.check(request(A, proof(access_token=A)), Require(dpop=True))
    route.check_claims(good, Require(dpop=True))


def test_a_service_without_dpop_does_not_know_the_scheme() -> None:
    found = refusal(lambda: server().check(request(A, proof(access_token=A))))
    assert found.code is ErrorCode.CREDENTIALS_MISSING


@pytest.mark.parametrize("path", ["/orders", "/v1/orders", "/orders?x=1#"])
def test_the_proof_names_the_url_that_clients_see_whether_or_not_a_proxy_cuts_it(path: str) -> None:
    asked = SimpleRequest(
        {"Authorization": f"DPoP {A}", "DPoP": proof(access_token=A)}, url=path.partition("#")[0]
    )
    assert server(DPoP()).check(asked).subject == "alice"


def test_nonces_are_asked_for_and_taken_until_they_die() -> None:
    now = [NOW]
    orders = server(DPoP(nonces=Nonces(b"s" * 32, lifetime=100)), clock=lambda: now[0])
    found = refusal(lambda: orders.check(request(A, proof(access_token=A))))
    assert (found.status, found.error) == (401, "use_dpop_nonce")
    nonce = dict(found.headers)["DPoP-Nonce"]
    assert orders.check(request(A, proof(access_token=A, nonce=nonce))).subject == "alice"
    elsewhere = server(DPoP(nonces=Nonces(b"s" * 32)))
    assert elsewhere.check(request(A, proof(access_token=A, nonce=nonce))).subject == "alice"
    for bad in (nonce[:-2] + "AA", "", "x", nonce + "A", 7):
        made = proof(access_token=A, jti="p9", nonce=bad)
        assert refusal(lambda made=made: orders.check(request(A, made))).error == "use_dpop_nonce"  # type: ignore[misc]
    now[0] += 101
    late = proof(access_token=A, jti="p3", iat=int(now[0]), nonce=nonce)
    assert refusal(lambda: orders.check(request(A, late))).error == "use_dpop_nonce"
    with pytest.raises(ConfigurationError):
        Nonces(b"short")


def test_dpop_needs_to_know_the_outer_url() -> None:
    with pytest.raises(ConfigurationError, match="external_url"):
        server(DPoP(), external_url=None)


CERTIFICATE = b"the DER bytes of a certificate"
CERTIFIED = {"x5t#S256": b64url_encode(hashlib.sha256(CERTIFICATE).digest())}


@pytest.mark.parametrize(
    ("shown", "confirmation", "good"),
    [
        (CERTIFICATE, CERTIFIED, True),
        (CERTIFICATE + b"x", CERTIFIED, False),
        (None, CERTIFIED, False),
        (CERTIFICATE, {"x5t#S256": 7}, False),
        (CERTIFICATE, {"kid": "k"}, False),
        (CERTIFICATE, {**CERTIFIED, "kid": "k"}, False),
        (CERTIFICATE, {**CERTIFIED, "jkt": HOLDER.thumbprint}, False),
        (CERTIFICATE, "cnf", False),
        (CERTIFICATE, {"jkt": 7}, False),
    ],
)
def test_certificate_bound_tokens_need_their_certificate(shown: Any, confirmation: Any, good: bool) -> None:
    orders = server(certificate_of=lambda _: shown)
    asked = request(token(cnf=confirmation), scheme="Bearer")
    if good:
        assert orders.check(asked).subject == "alice"
    else:
        assert refusal(lambda: orders.check(asked)).code is ErrorCode.BINDING_MISMATCH
    assert refusal(lambda: server().check(asked)).code is ErrorCode.BINDING_MISMATCH


def test_the_metadata_says_what_is_taken() -> None:
    orders = server(DPoP(required=True, algorithms=("ES256",)), certificate_of=lambda _: None)
    assert orders.metadata is not None
    document = json.loads(orders.metadata.document())
    assert document["dpop_signing_alg_values_supported"] == ["ES256"]
    assert document["dpop_bound_access_tokens_required"] is True
    assert document["tls_client_certificate_bound_access_tokens"] is True


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_of_many_at_once_one_is_the_first(kind: str, tmp_path: Path) -> None:
    store = MemoryReplayStore() if kind == "memory" else SQLiteReplayStore(tmp_path / "seen.db")
    orders, asked = server(DPoP(replay=store)), request(A, proof(access_token=A))
    outcomes: list[Claims | ErrorCode] = []

    def ask() -> None:
        try:
            outcomes.append(orders.check(asked))
        except Refusal as refused:
            outcomes.append(refused.code)

    async def all_ask() -> None:
        async def one() -> None:
            try:
                outcomes.append(await orders.acheck(asked))
            except Refusal as refused:
                outcomes.append(refused.code)

        await asyncio.gather(*(one() for _ in range(8)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    asyncio.run(all_ask())
    for thread in threads:
        thread.join()
    assert outcomes.count(ErrorCode.PROOF_REPLAYED) == 15
    if isinstance(store, SQLiteReplayStore):
        store.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_store_forgets_what_has_expired_and_nothing_else(kind: str, tmp_path: Path) -> None:
    store = MemoryReplayStore() if kind == "memory" else SQLiteReplayStore(tmp_path / "seen.db")
    assert store.first_use("a", expires_at=100.0, now=0.0)
    assert not store.first_use("a", expires_at=200.0, now=99.0)
    assert store.first_use("a", expires_at=300.0, now=100.0)
    assert not store.first_use("a", expires_at=400.0, now=299.0)
    assert store.first_use("b", expires_at=400.0, now=299.0)
    if isinstance(store, SQLiteReplayStore):
        assert (tmp_path / "seen.db").stat().st_mode & 0o777 == 0o600
        store.close()


def test_a_full_memory_refuses_rather_than_forgets() -> None:
    store = MemoryReplayStore(most=2)
    assert store.first_use("a", expires_at=100.0, now=0.0)
    assert store.first_use("b", expires_at=50.0, now=0.0)
    with pytest.raises(KeysUnavailable):
        store.first_use("c", expires_at=100.0, now=1.0)
    assert store.first_use("c", expires_at=100.0, now=51.0)


def test_a_store_that_cannot_be_written_is_a_503(tmp_path: Path) -> None:
    store = SQLiteReplayStore(tmp_path / "seen.db")
    store.close()
    found = refusal(lambda: server(DPoP(replay=store)).check(request(A, proof(access_token=A))))
    assert (found.status, dict(found.headers)["Retry-After"]) == (503, "5")
    with pytest.raises(ConfigurationError):
        SQLiteReplayStore(tmp_path / "absent" / "seen.db")
    (tmp_path / "odd.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(ConfigurationError):
        SQLiteReplayStore(tmp_path / "odd.db")


PROCESS = """
import sys
from mintmark.resource_server import SQLiteReplayStore
store = SQLiteReplayStore(sys.argv[1])
print(sum(store.first_use(f"p{n}", expires_at=1e12, now=1.0) for n in range(300)))
store.close()
"""


def test_processes_share_a_sqlite_store(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", PROCESS, str(tmp_path / "seen.db")]
    children = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(child.communicate(timeout=60)[0]) for child in children) == 300
