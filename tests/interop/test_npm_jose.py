"""Understood by the npm package jose, and understanding it: every algorithm that both sides have."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from crossing import (
    AGREEMENT,
    ECDSA,
    EDWARDS,
    HMAC,
    NIST,
    PAYLOAD,
    POST_QUANTUM,
    RSA,
    allowed,
    bare,
    encryption_key,
    jwk,
    management,
    private_key,
    public_jwk,
)
from npm_peer import Peer, Refused

from mintmark import ACCESS_TOKEN, Issuer, Key, KeySet, Verifier, jwe, jws
from mintmark.errors import MintmarkError
from mintmark.jose.encoding import b64url_decode, b64url_encode

SIGNATURES = (*HMAC, *RSA, *ECDSA, *EDWARDS, *POST_QUANTUM)
TEXT = b64url_encode(PAYLOAD)
NOW = 1_800_000_000


@pytest.fixture(params=SIGNATURES)
def signer(request: pytest.FixtureRequest, npm_jose: Peer) -> Key:
    """A key for each signature algorithm that this Node has too."""
    alg: str = request.param
    if alg in POST_QUANTUM:
        try:
            npm_jose.ask("generate", alg=alg)
        except Refused:
            pytest.skip(f"this Node has no {alg}")
    return private_key(alg, "Ed25519" if alg == "EdDSA" else None)


class TestSignatures:
    def test_ours_is_verified_there(self, npm_jose: Peer, signer: Key) -> None:
        public = public_jwk(signer)
        token = jws.sign(PAYLOAD, signer, header={"typ": "note"})
        seen = npm_jose.ask("verifyCompact", token=token, jwk=public)
        assert seen == {"payload": TEXT, "header": {"alg": signer.alg, "kid": signer.kid, "typ": "note"}}
        flattened = jws.sign_json(PAYLOAD, signer, unprotected={"note": "x"})
        assert npm_jose.ask("verifyFlattened", message=flattened, jwk=public)["payload"] == TEXT
        general = jws.sign_json(PAYLOAD, [private_key("ES256"), signer])
        assert npm_jose.ask("verifyGeneral", message=general, jwk=public)["payload"] == TEXT

    def test_theirs_is_verified_here(self, npm_jose: Peer, signer: Key) -> None:
        keys = KeySet([signer if signer.kty == "oct" else signer.public])
        header = {"alg": signer.alg, "kid": signer.kid}
        given = {"payload": TEXT, "jwk": jwk(signer), "header": header}
        verified = jws.verify(npm_jose.ask("signCompact", **given), keys)
        assert (verified.payload, dict(verified.header)) == (PAYLOAD, header)
        flattened = npm_jose.ask("signFlattened", **given, unprotected={"note": "x"})
        assert jws.verify_json(flattened, keys).payload == PAYLOAD
        signers = [{"jwk": jwk(key), "header": {"alg": key.alg}} for key in (private_key("HS256"), signer)]
        general = npm_jose.ask("signGeneral", payload=TEXT, signers=signers)
        assert jws.verify_json(general, keys).payload == PAYLOAD

    def test_S35_a_flipped_bit_is_refused_by_both(self, npm_jose: Peer, signer: Key) -> None:
        head, _, signature = jws.sign(PAYLOAD, signer).rpartition(".")
        octets = bytearray(b64url_decode(signature))
        octets[len(octets) // 2] ^= 4
        broken = f"{head}.{b64url_encode(bytes(octets))}"
        with pytest.raises(Refused, match="ERR_JWS_SIGNATURE_VERIFICATION_FAILED"):
            npm_jose.ask("verifyCompact", token=broken, jwk=public_jwk(signer))
        with pytest.raises(MintmarkError):
            jws.verify(broken, KeySet([signer]))

    def test_S28_an_unencoded_payload(self, npm_jose: Peer) -> None:
        signer = private_key("ES256")
        ours = jws.sign_json(PAYLOAD, signer, b64=False, detached=True)
        public = public_jwk(signer)
        assert npm_jose.ask("verifyFlattened", message=ours, jwk=public, payload=TEXT)["payload"] == TEXT
        header = {"alg": "ES256", "b64": False, "crit": ["b64"]}
        theirs = npm_jose.ask("signFlattened", payload=TEXT, jwk=jwk(signer), header=header)
        theirs.pop("payload", None)
        assert jws.verify_json(theirs, signer.public, detached_payload=PAYLOAD).payload == PAYLOAD

    def test_EdDSA_and_Ed25519_name_one_algorithm(self, npm_jose: Peer) -> None:
        signer = private_key("Ed25519")
        given = {"payload": TEXT, "jwk": bare(jwk(signer)), "header": {"alg": "EdDSA"}}
        assert jws.verify(npm_jose.ask("signCompact", **given), signer.public).payload == PAYLOAD


class TestEncryption:
    @pytest.mark.parametrize(("alg", "enc", "crv"), management())
    def test_both_ways(self, npm_jose: Peer, alg: str, enc: str, crv: str | None) -> None:
        key, allow = encryption_key(alg, enc, crv), allowed(alg)
        ours = jwe.encrypt(PAYLOAD, key, enc=enc, allow=allow)
        private = bare(jwk(key))
        assert npm_jose.ask("decryptCompact", token=ours, jwk=private, alg=alg)["plaintext"] == TEXT
        theirs = npm_jose.ask(
            "encryptCompact", plaintext=TEXT, jwk=bare(public_jwk(key)), header={"alg": alg, "enc": enc}
        )
        decrypted = jwe.decrypt(theirs, key, allow=allow)
        assert decrypted.plaintext == PAYLOAD
        assert decrypted.header["enc"] == enc

    @pytest.mark.parametrize("enc", ["A256GCM", "A128CBC-HS256"])
    def test_several_recipients_and_associated_data(self, npm_jose: Peer, enc: str) -> None:
        curves = (*NIST, "X25519")
        keys = [private_key(alg, crv) for alg, crv in zip(AGREEMENT[1:] * 2, curves, strict=False)]
        keys += [private_key("RSA-OAEP-256"), private_key("A256KW"), private_key("A128GCMKW")]
        ours = jwe.encrypt_json(
            PAYLOAD, [k if k.kty == "oct" else k.public for k in keys], enc=enc, aad=b"seen"
        )
        recipients = [{"jwk": public_jwk(key), "alg": key.alg} for key in keys]
        aad = b64url_encode(b"seen")
        theirs = npm_jose.ask("encryptGeneral", plaintext=TEXT, enc=enc, aad=aad, recipients=recipients)
        for key in keys:
            seen = npm_jose.ask("decryptGeneral", message=ours, jwk=bare(jwk(key)), alg=key.alg)
            assert seen == {"plaintext": TEXT}
            assert jwe.decrypt_json(theirs, KeySet([key])).plaintext == PAYLOAD

    def test_E7_a_changed_tag_is_refused_by_both(self, npm_jose: Peer) -> None:
        key = private_key("A256KW")
        head, _, tag = jwe.encrypt(PAYLOAD, key).rpartition(".")
        for forged in (b64url_encode(bytes(16)), tag[:-3]):
            with pytest.raises(Refused):
                npm_jose.ask("decryptCompact", token=f"{head}.{forged}", jwk=jwk(key))
            with pytest.raises(MintmarkError):
                jwe.decrypt(f"{head}.{forged}", key)


KEYS: tuple[tuple[str, str | None], ...] = (
    *((alg, None) for alg in ("HS256", "RS256", *ECDSA, "Ed25519", "A128KW", *POST_QUANTUM)),
    *(("ECDH-ES", crv) for crv in (*NIST, "X25519")),
)


@pytest.mark.parametrize(("alg", "crv"), KEYS)
class TestKeys:
    @pytest.fixture(autouse=True)
    def _needs(self, npm_jose: Peer, alg: str) -> None:
        if alg in POST_QUANTUM:
            try:
                npm_jose.ask("generate", alg=alg)
            except Refused:
                pytest.skip(f"this Node has no {alg}")

    def test_ours_reads_the_same_there(self, npm_jose: Peer, alg: str, crv: str | None) -> None:
        key = private_key(alg, crv)
        assert bare(npm_jose.ask("roundTrip", jwk=jwk(key), alg=alg)) == bare(jwk(key))
        hash_ = {"hash": key.thumbprint, "uri": key.thumbprint_uri}
        assert npm_jose.ask("thumbprint", jwk=public_jwk(key)) == hash_

    def test_theirs_reads_the_same_here(self, npm_jose: Peer, alg: str, crv: str | None) -> None:
        members = npm_jose.ask("generate", alg=alg, crv=crv)
        key = Key.from_jwk(members)
        assert bare(jwk(key)) == bare(members)
        assert key.thumbprint == npm_jose.ask("thumbprint", jwk=members)["hash"]

    def test_pem_both_ways(self, npm_jose: Peer, alg: str, crv: str | None) -> None:
        key = private_key(alg, crv)
        if key.kty == "oct":
            pytest.skip("a shared secret has no PEM form")
        for private in (True, False):
            own = key.to_jwk(private=private)
            theirs = npm_jose.ask("toPem", jwk=own, alg=alg)
            read = Key.from_pem(theirs, alg=alg)
            assert bare(read.to_jwk(private=private)) == bare(own)
            assert bare(npm_jose.ask("fromPem", pem=key.to_pem(private=private), alg=alg)) == bare(own)


class TestTokens:
    """An access token of ours, checked by ``jwtVerify`` with our published key set."""

    OPTIONS: ClassVar[dict[str, Any]] = {
        "issuer": "https://auth.example.com",
        "audience": "orders",
        "typ": "at+jwt",
        "now": NOW,
    }

    def _token(self, key: Key, **changes: Any) -> str:
        given: dict[str, Any] = {"subject": "alice", "audience": "orders", "lifetime": 600} | changes
        claims = {"client_id": "app", "scope": "orders:read"}
        mint = Issuer("https://auth.example.com", key, clock=lambda: NOW)
        return mint.issue(**given, claims=claims, profile=ACCESS_TOKEN)

    def test_an_access_token_and_a_published_key_set(self, npm_jose: Peer, signer: Key) -> None:
        if signer.kty == "oct":
            pytest.skip("shared secrets are not published")
        published = KeySet([private_key("RS512"), signer, private_key("ES384")]).to_jwks()
        seen = npm_jose.ask("verifyJwt", token=self._token(signer), jwks=published, **self.OPTIONS)
        assert seen["claims"]["sub"] == "alice"
        assert seen["header"] == {"alg": signer.alg, "kid": signer.kid, "typ": "at+jwt"}

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"now": NOW + 601}, "ERR_JWT_EXPIRED"),
            ({"audience": "billing"}, "ERR_JWT_CLAIM_VALIDATION_FAILED"),
            ({"issuer": "https://other.example.com"}, "ERR_JWT_CLAIM_VALIDATION_FAILED"),
            ({"typ": "JWT"}, "ERR_JWT_CLAIM_VALIDATION_FAILED"),
        ],
    )
    def test_both_refuse_what_does_not_fit(self, npm_jose: Peer, wrong: dict[str, Any], code: str) -> None:
        key = private_key("ES256")
        options = self.OPTIONS | wrong
        with pytest.raises(Refused) as refused:
            npm_jose.ask("verifyJwt", token=self._token(key), jwks=KeySet([key]).to_jwks(), **options)
        assert refused.value.args[0] == code
        check = Verifier(
            issuer=options["issuer"],
            audience=options["audience"],
            keys=key.public,
            typ=options["typ"],
            clock=lambda: float(options["now"]),
            leeway=0,
        )
        with pytest.raises(MintmarkError):
            check.verify(self._token(key))

    def test_a_token_of_theirs(self, npm_jose: Peer, signer: Key) -> None:
        claims = {
            "iss": "https://auth.example.com",
            "aud": ["orders"],
            "exp": NOW + 60,
            "iat": NOW,
            "sub": "bob",
        }
        header = {"alg": signer.alg, "kid": signer.kid, "typ": "JWT"}
        token = npm_jose.ask("signJwt", claims=claims, jwk=jwk(signer), header=header)
        keys = signer if signer.kty == "oct" else signer.public
        check = Verifier(
            issuer="https://auth.example.com", audience="orders", keys=keys, clock=lambda: float(NOW)
        )
        assert check.verify(token).to_dict() == claims
