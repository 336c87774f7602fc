"""Coverage-guided fuzzing of every parser (atheris); run by hand, what it finds becomes a test.

::

    pip install atheris
    python tests/jose/fuzz_parsers.py jws /tmp/corpus -max_total_time=300

An input is right when it gives a value or one of our own errors; anything else stops the run with a crash
file. The readers that have a fast path are held against the strict one as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import atheris

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

with atheris.instrument_imports(include=["mintmark"]):
    from mintmark.errors import MalformedToken, MintmarkError
    from mintmark.jose import jwe, jws
    from mintmark.jose.algorithms import KEY_MANAGEMENT, SIGNATURES, find
    from mintmark.jose.encoding import b64url_decode, b64url_encode, json_decode
    from mintmark.jose.jwk import Key
    from mintmark.jose.jwks import KeySet
    from mintmark.jose.kinds import kind
    from mintmark.jose.strict_json import decode_strictly

    # what is loaded when first used must be loaded here, or its branches are not seen
    for kty in ("oct", "RSA", "EC", "OKP", "AKP"):
        kind(kty)
    for alg in (*SIGNATURES, *KEY_MANAGEMENT):
        find(alg)

SECRET: Final = bytes(range(64))
HMAC: Final = Key.from_secret(SECRET[:32], alg="HS256", kid="k")
WRAP: Final = Key.from_secret(SECRET[:32], alg="A256KW", kid="k")
AGREE: Final = Key.generate("ECDH-ES", kid="k")
KEYS: Final = KeySet([HMAC])
READ: Final = jws.verifier_for(KEYS)
TOKEN: Final = jws.sign(b'{"sub":"alice"}', HMAC)
READ(TOKEN)


def outcome(read: Callable[[Any], Any], data: Any) -> Any:
    """Return what a reader makes of its input, in a form that tells 1 from 1.0 and True; or None."""
    try:
        return repr(read(data))
    except MintmarkError:
        return None


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def verify(token: str) -> bytes:
    return jws.verify(token, KEYS).payload


def fuzz_json(data: bytes) -> None:
    def strictly(value: bytes) -> Any:
        return decode_strictly(value, "the text", 64)

    fast, strict = outcome(json_decode, data), outcome(strictly, data)
    assert fast == strict, (fast, strict)


def fuzz_base64url(data: bytes) -> None:
    try:
        decoded = b64url_decode(data)
    except MalformedToken:
        return
    assert b64url_encode(decoded).encode() == data


def fuzz_jws(data: bytes) -> None:
    """Fuzz the whole token; then the header and the payload, honestly signed."""
    token = text(data)
    assert (outcome(READ, token) is None) == (outcome(verify, token) is None)
    outcome(jws.parse_compact, token)
    header, _, payload = data.partition(b"\n")
    signing_input = f"{b64url_encode(header)}.{b64url_encode(payload)}"
    assert HMAC.sign_bytes is not None
    outcome(verify, f"{signing_input}.{b64url_encode(HMAC.sign_bytes(signing_input.encode()))}")


def fuzz_jwe(data: bytes) -> None:
    """Fuzz the whole token; then its five parts by themselves."""
    for key in (WRAP, AGREE):
        outcome(lambda t, key=key: jwe.decrypt(t, key, allow_zip=True), text(data))
        token = ".".join(b64url_encode(part) for part in data.split(b"\n", 4))
        outcome(lambda t, key=key: jwe.decrypt(t, key, allow_zip=True), token)


def fuzz_json_forms(data: bytes) -> None:
    outcome(lambda d: jws.verify_json(d, KEYS), data)
    outcome(lambda d: jwe.decrypt_json(d, WRAP, allow_zip=True), data)


def fuzz_jwk(data: bytes) -> None:
    outcome(Key.from_jwk, data)
    outcome(KeySet.from_jwks, data)


def fuzz_pem(data: bytes) -> None:
    outcome(Key.from_pem, data)
    outcome(Key.from_der, data)


SEEDS: Final[dict[Callable[[bytes], None], list[bytes]]] = {
    fuzz_json: [b'{"a":[1,2.5e1,"\\u00e9"],"b":null}', b'{"a":18446744073709551615}', b'{"a":1,"a":2}'],
    fuzz_base64url: [b"QUJD", b"QQ", b"QUI"],
    fuzz_jws: [TOKEN.encode(), b'{"alg":"HS256","kid":"k","crit":["b64"],"b64":false}\n{"sub":"a"}'],
    fuzz_jwe: [jwe.encrypt(b"x", WRAP).encode(), jwe.encrypt(b"x", AGREE, compress=True).encode()],
    fuzz_json_forms: [
        b'{"payload":"QQ","signatures":[{"protected":"eyJhbGciOiJIUzI1NiJ9","header":{"kid":"k"},"signature":"QQ"}]}',
        b'{"protected":"e30","recipients":[{"header":{"alg":"A256KW"},"encrypted_key":"QQ"}],"iv":"QQ","tag":"QQ",'
        b'"ciphertext":"QQ","aad":"QQ"}',
    ],
    fuzz_jwk: [
        b'{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256","use":"sig","key_ops":["sign"]}]}',
        *(
            str(Key.generate(alg).to_jwk(private=True)).replace("'", '"').encode()
            for alg in ("ES256", "Ed25519", "RS256")
        ),
    ],
    fuzz_pem: [Key.generate(alg).to_pem(private=True).encode() for alg in ("ES256", "Ed25519")],
}
TARGETS: Final = {target.__name__.removeprefix("fuzz_"): target for target in SEEDS}


def main() -> None:
    """Fuzz the target named first; what follows is libFuzzer's."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(TARGETS)} [corpus folder] [-max_total_time=300]")
    target = TARGETS[sys.argv.pop(1)]
    folder = next((Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")), None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(SEEDS[target]):
            (folder / f"seed{number}").write_bytes(seed)
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
