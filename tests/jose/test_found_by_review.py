"""What a hostile reading of the code found: each was broken once, and stays mended."""

from __future__ import annotations

import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from mintmark import Key, KeySet, jwe, jws
from mintmark.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    InvalidKey,
    InvalidToken,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.kinds import rsa as rsa_kind

SIGNING = Key.generate("ES256", kid="signing")
ENCRYPTION = Key.generate("ECDH-ES+A128KW", kid="encryption")


def _jws(**header: object) -> str:
    encoded = b64url_encode(json.dumps(header).encode())
    return f"{encoded}.{b64url_encode(b'{}')}.{b64url_encode(bytes(64))}"


def _jwe(**header: object) -> str:
    parts = (json.dumps(header).encode(), bytes(24), bytes(12), b"x", bytes(16))
    return ".".join(map(b64url_encode, parts))


class TestTheTokenCannotPickAKeyOfAnotherPurpose:
    """Issuers publish encryption keys beside signing keys. A token that names one is a bad token, no bad key:
    who refuses bad tokens must not have to expect InvalidKey (rows S7, K5).
    """

    @pytest.mark.parametrize("kid", [{"kid": "encryption"}, {}])
    def test_S7_a_signed_token_under_an_encryption_algorithm(self, kid: dict[str, str]) -> None:
        for keys in (KeySet([SIGNING, ENCRYPTION.public]), KeySet([SIGNING, ENCRYPTION])):
            with pytest.raises(InvalidToken):
                jws.verify(_jws(alg="ECDH-ES+A128KW", **kid), keys)

    def test_S7_an_encrypted_token_under_a_signature_algorithm(self) -> None:
        with pytest.raises(AlgorithmNotAllowed):
            jwe.decrypt(_jwe(alg="ES256", enc="A256GCM", kid="signing"), KeySet([SIGNING, ENCRYPTION]))

    def test_S7_an_encrypted_token_that_names_a_partners_public_key(self) -> None:
        partner = Key.generate("ECDH-ES+A128KW", kid="partner").public
        with pytest.raises(UnknownKey):
            jwe.decrypt(
                _jwe(alg="ECDH-ES+A128KW", enc="A256GCM", kid="partner"), KeySet([ENCRYPTION, partner])
            )

    def test_a_public_key_in_the_set_does_not_hide_the_private_one_behind_it(self) -> None:
        partner = Key.generate("ECDH-ES+A128KW", kid="").public
        token = jwe.encrypt(b"for us", ENCRYPTION.public.named(""))
        assert jwe.decrypt(token, KeySet([partner, ENCRYPTION])).plaintext == b"for us"

    def test_a_single_key_that_cannot_is_the_callers_mistake(self) -> None:
        token = jwe.encrypt(b"x", ENCRYPTION.public)
        with pytest.raises(InvalidKey):
            jwe.decrypt(token, ENCRYPTION.public)


class TestMappingsFromAFrameworksJsonDecoder:
    """``verify_json(await request.json())``: what a lax decoder made of a stranger's bytes (row S38)."""

    HEADER = b64url_encode(b'{"alg":"ES256","kid":"signing"}')

    @staticmethod
    def _deep() -> list[object]:
        deep: list[object] = []
        for _ in range(2000):
            deep = [deep]
        return deep

    @pytest.mark.parametrize("what", ["deep", "infinite", "no text", "surrogate", "huge"])
    def test_S38_what_is_no_json_or_too_much_of_it_is_malformed(self, what: str) -> None:
        value = {
            "deep": self._deep(),
            "infinite": float("inf"),
            "no text": {1: b"x"},
            "surrogate": "\ud800",
            "huge": 10**400,
        }[what]
        signed = {"payload": "e30", "protected": self.HEADER, "signature": "AA", "header": {"x": value}}
        with pytest.raises(MalformedToken):
            jws.verify_json(signed, SIGNING)
        header = {"alg": "dir", "enc": "A256GCM", "x": value}
        sealed = {"ciphertext": "", "iv": "", "tag": "", "header": header}
        with pytest.raises(MalformedToken):
            jwe.decrypt_json(sealed, ENCRYPTION)

    def test_S38_a_mapping_is_no_larger_than_a_text_may_be(self) -> None:
        signed = jws.sign_json(b"{}", SIGNING)
        with pytest.raises(MalformedToken):
            jws.verify_json(signed | {"x": "x" * 2000}, SIGNING, max_size=1000)

    def test_what_the_caller_does_to_the_mapping_later_changes_nothing(self) -> None:
        signed = jws.sign_json(b"{}", SIGNING, unprotected={"note": ["x"]})
        verified = jws.verify_json(signed, SIGNING)
        signed["header"]["note"].append("y")
        assert verified.header["note"] == ("x",)


class TestNothingBuiltInEscapes:
    @pytest.mark.parametrize("text", ["\ud800", "-----BEGIN PUBLIC KEY-----\ud800", "ssh-\udfff"])
    def test_a_pem_text_with_lone_surrogates(self, text: str) -> None:
        with pytest.raises(InvalidKey):
            Key.from_pem(text)

    def test_S5_a_password_or_a_pem_in_the_place_of_a_key(self) -> None:
        for wrong in ("password", b"password", None):
            with pytest.raises(ConfigurationError):
                jwe.encrypt(b"x", wrong)  # type: ignore[arg-type]
            with pytest.raises(ConfigurationError):
                jwe.encrypt_json(b"x", [wrong])  # type: ignore[list-item]


def test_K4_an_absurd_private_key_is_measured_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mintmark.jose.kinds.rsa.check_private", lambda _: pytest.fail("computed first"))
    small = rsa.generate_private_key(65537, 1024)
    with pytest.raises(InvalidKey, match="1024"):
        rsa_kind.from_native(small, legacy=False)


def test_E4_the_work_that_one_message_asks_for_is_bounded_over_all_recipients() -> None:
    """Each recipient may ask for 1,200,000 rounds; sixty-four of them would take half a minute."""
    key = Key.from_secret(b"correct horse battery staple", alg="PBES2-HS256+A128KW")
    message = jwe.encrypt_json(b"x", [key], allow=[key.alg])
    (entry,) = message["recipients"]
    wrong = {"header": entry["header"] | {"p2c": 1_200_000}, "encrypted_key": b64url_encode(bytes(40))}
    began = time.process_time()
    with pytest.raises(MalformedToken, match="rounds"):
        jwe.decrypt_json(message | {"recipients": [*[wrong] * 60, entry]}, key, allow=[key.alg])
    assert time.process_time() - began < 1
    few = message | {"recipients": [wrong, entry]}
    assert jwe.decrypt_json(few, key, allow=[key.alg]).plaintext == b"x"


@pytest.mark.parametrize(
    "text",
    [
        b'{"kty":"oct","k":"canary"',
        b'{"kty":"oct","k":"canary","k":"canary"}',
        b'{"kty":"oct","k":"canary\xff"}',
        b'{"kty":"oct","k":"canary","x":"\\ud800"}',
        b'{"kty":"oct","k":"canary","x":NaN}',
        b'{"kty":"oct","k":"canary","x":1e999}',
        b'{"kty":"oct","alg":"HS256","k":"canary!"}',
        b'{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB","d":"canary"}',
    ],
)
def test_O16_no_secret_hides_in_what_led_to_an_error(text: bytes) -> None:
    """A JSONDecodeError keeps the whole document; error trackers that walk ``__context__`` send it along."""
    with pytest.raises(InvalidKey) as refused:
        Key.from_jwk(text)
    error: BaseException | None = refused.value
    while error is not None:
        assert "canary" not in f"{error!r} {error} {error.args} {vars(error)}"
        assert "canary" not in f"{getattr(error, 'doc', '')}{getattr(error, 'object', '')}"
        error = error.__cause__ or error.__context__
