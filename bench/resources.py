"""What it costs beside the time of one token: keys, imports, threads, memory."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from bare import bare_verify
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from material import AUDIENCE, ISSUER, claims, suite
from measure import Contender, race, say, show

from mintmark import ACCESS_TOKEN, Key, Verifier, jws
from mintmark.jose.encoding import b64url_decode, json_encode

__all__ = ["imports", "key_import", "memory", "threads"]

THREADED_CALLS = 4000
CACHED_TOKENS = 100_000


def key_import(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """A public key from its JWK and from PEM, every check included."""
    for alg in ("ES256", "RS256", "Ed25519"):
        chosen = suite(alg)
        jwk = chosen.public_jwk
        contenders = [
            Contender("bare operation (from PEM)", lambda _, pem=chosen.public_pem: load_pem_public_key(pem)),
            Contender(
                "mintmark, from PEM", lambda _, chosen=chosen: Key.from_pem(chosen.public_pem, alg=chosen.alg)
            ),
            Contender("mintmark, from JWK", lambda _, jwk=jwk: Key.from_jwk(jwk)),
        ]
        importers: dict[str, Callable[[Any], Any]] = {
            "PyJWT": lambda jwk: modules["PyJWT"].PyJWK.from_dict(jwk),
            "joserfc": lambda jwk: import_module("joserfc.jwk").import_key(dict(jwk)),
            "jwcrypto": lambda jwk: import_module("jwcrypto.jwk").JWK(**jwk),
            "python-jose": lambda jwk: import_module("jose.jwk").construct(jwk),
            "authlib": lambda jwk: modules["authlib"].JsonWebKey.import_key(dict(jwk)).get_public_key(),
        }
        for name, load in importers.items():
            if name in modules:
                contenders.append(Contender(f"{name}, from JWK", lambda _, load=load, jwk=jwk: load(jwk)))
        show(f"import a public key {alg}", race(contenders), base="bare operation (from PEM)")


def imports(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """Processor time to import, in a process of its own each, beyond that of an empty process."""
    statements = {
        "(an empty process)": "pass",
        "import mintmark": "import mintmark",
        "... and Key, Issuer, Verifier": "from mintmark import Key, Issuer, Verifier",
        "PyJWT with its cryptography": "import jwt",
        "joserfc": "from joserfc import jwt, jwk",
        "jwcrypto": "from jwcrypto import jwt, jwk",
        "python-jose": "from jose import jwt",
        "authlib": "from authlib.jose import jwt",
        "oxyjwt": "import oxyjwt",
        "webtoken": "import webtoken",
    }
    spent: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(9):
        for name, statement in statements.items():
            before = _children()
            done = subprocess.run(  # noqa: S603 - the statements above
                [sys.executable, "-W", "ignore", "-c", statement], capture_output=True, check=False
            )
            if done.returncode == 0:
                spent[name].append(_children() - before)
    empty = median(spent["(an empty process)"])
    say("\nimport, in ms of processor time beyond an empty process")
    for name, times in spent.items():
        text = (
            f"{(median(times) - empty) * 1e3:>10.1f} ms" if times else f"{'-':>10}    cannot be imported here"
        )
        say(f"  {name:<32} {text}")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def threads(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """Fresh verification from several threads at once: calls per second, against the bare operation."""
    say("\nthreads: verifications per second")
    for alg in ("ES256", "RS256", "Ed25519"):
        chosen = suite(alg)
        token = jws.sign(json_encode(claims()), chosen.key, header={"typ": "at+jwt"})
        signing_input, _, signature = token.rpartition(".")
        bare = bare_verify(chosen, signing_input.encode(), b64url_decode(signature))
        verifier = Verifier(
            issuer=ISSUER, audience=AUDIENCE, keys=chosen.verifying, profile=ACCESS_TOKEN, cache=None
        )
        for name, call in (("bare", bare), ("mintmark", verifier.verify)):
            rates = [_rate(call, token, count) for count in (1, 2, 4)]
            said = "   ".join(
                f"{count} threads {rate:>9.0f}/s ({rate / rates[0]:.2f} x)"
                for count, rate in zip((1, 2, 4), rates, strict=True)
            )
            say(f"  {alg:<8} {name:<9} {said}")


def _rate(call: Callable[[Any], object], token: str, count: int) -> float:
    def work() -> None:
        for _ in range(THREADED_CALLS // count):
            call(token)

    best = 0.0
    for _ in range(3):
        workers = [threading.Thread(target=work) for _ in range(count)]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = max(best, THREADED_CALLS / (time.perf_counter() - start))
    return best


def memory(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """A cache of 100,000 different tokens."""
    chosen = suite("HS256")
    sign = jws.signer_for(chosen.key, header={"typ": "at+jwt"})
    verifier = Verifier(
        issuer=ISSUER, audience=AUDIENCE, keys=chosen.key, profile=ACCESS_TOKEN, cache=CACHED_TOKENS
    )
    gc.collect()
    before = _resident()
    size = 0
    for number in range(CACHED_TOKENS):
        token = sign(json_encode(claims(f"{number:022}")))
        size += len(token)
        verifier.verify(token)
    gc.collect()
    after = _resident()
    say(f"\na cache of {CACHED_TOKENS:,} tokens of {size // CACHED_TOKENS} characters")
    say(f"  {(after - before) / 1e6:.0f} MB resident, {(after - before) / CACHED_TOKENS:.0f} bytes a token")


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096
