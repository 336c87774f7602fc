"""The table itself, and what our own verifier makes of every row of it (P7, P9; S1 to S42, C1 to C9)."""

from __future__ import annotations

import re
import socket

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hostile.samples import ALGORITHMS, INTRUDERS, NOW, given
from mintmark import Claims, Key, MintmarkError, Verifier
from mintmark.errors import ErrorCode, InvalidKey, InvalidToken, MalformedToken
from mintmark.hostile import ATTACKS, WEAKNESSES, Attack, Need, Outcome, Sample, find
from mintmark.jose.encoding import b64url_encode, json_object
from mintmark.jose.jws import parse_compact
from mintmark.testing import LocalIssuer

FORM = {
    ErrorCode.TOKEN_MALFORMED,
    ErrorCode.TOKEN_WRONG_FORM,
    ErrorCode.TOKEN_TOO_LARGE,
    ErrorCode.BASE64URL_INVALID,
    ErrorCode.JSON_INVALID,
}
ALGORITHM = {ErrorCode.ALGORITHM_NOT_ALLOWED}
HEADER = {ErrorCode.HEADER_INVALID}
FORGED = {ErrorCode.SIGNATURE_INVALID, ErrorCode.KEY_UNKNOWN}

# A refusal for another reason would mean that the row does not test what it says.
REASONS: dict[str, set[ErrorCode]] = {
    "S1": ALGORITHM | FORM | {ErrorCode.KEY_UNKNOWN},  # without kid, no key fits «none»
    "S2": ALGORITHM,
    "S3": ALGORITHM | HEADER,
    "S4": ALGORITHM | {ErrorCode.SIGNATURE_INVALID},  # with a shared secret there is nothing to confuse
    "S5": ALGORITHM,
    "S7": ALGORITHM | {ErrorCode.SIGNATURE_INVALID},
    "S10": {ErrorCode.SIGNATURE_INVALID},
    "S11": {ErrorCode.SIGNATURE_INVALID},
    "S13": {ErrorCode.SIGNATURE_INVALID},
    "S14": {ErrorCode.SIGNATURE_INVALID},
    "S15": {ErrorCode.SIGNATURE_INVALID},
    "S16": FORM | {ErrorCode.SIGNATURE_INVALID},
    "S17": FORM | HEADER | FORGED | ALGORITHM,
    "S19": FORGED | ALGORITHM,
    "S20": FORGED | ALGORITHM,
    "S21": FORGED | ALGORITHM,
    "S22": FORGED | ALGORITHM | HEADER,
    "S23": HEADER,
    "S25": ALGORITHM | {ErrorCode.SIGNATURE_INVALID},
    "S26": ALGORITHM | {ErrorCode.SIGNATURE_INVALID},
    "S27": HEADER | {ErrorCode.CRIT_NOT_UNDERSTOOD},
    "S28": HEADER | FORM,
    "S30": {ErrorCode.JSON_INVALID},
    "S32": FORM,
    "S33": FORM,
    "S34": FORM,
    "S35": {ErrorCode.BASE64URL_INVALID, ErrorCode.SIGNATURE_INVALID},
    "S36": FORM | {ErrorCode.SIGNATURE_INVALID},  # an empty payload is a form that JWS knows
    "S37": {ErrorCode.JSON_INVALID},
    "S38": FORM | HEADER | {ErrorCode.CRIT_NOT_UNDERSTOOD},
    "S42": FORM,
    "C1": {ErrorCode.CLAIM_MISSING, ErrorCode.TOKEN_EXPIRED},
    "C2": {ErrorCode.CLAIM_MALFORMED, ErrorCode.CLAIM_MISSING},
    "C3": {ErrorCode.CLAIM_MALFORMED, ErrorCode.JSON_INVALID, ErrorCode.TOKEN_EXPIRED},
    "C4": {
        ErrorCode.CLAIM_MALFORMED,
        ErrorCode.CLAIM_MISSING,
        ErrorCode.JSON_INVALID,
        ErrorCode.TOKEN_NOT_YET_VALID,
    },
    "C5": {ErrorCode.TOKEN_EXPIRED},
    "C6": {ErrorCode.CLAIM_MISSING, ErrorCode.CLAIM_MISMATCH, ErrorCode.CLAIM_MALFORMED},
    "C7": {ErrorCode.CLAIM_MISSING, ErrorCode.CLAIM_MISMATCH, ErrorCode.CLAIM_MALFORMED},
    "C8": {ErrorCode.CLAIM_MALFORMED, ErrorCode.CLAIM_MISSING},
    "C9": {ErrorCode.TYP_MISMATCH, ErrorCode.HEADER_INVALID},
}

# Rows that a certain good token cannot give: its signature has no spare bits.
NOT_GIVEN = {alg: {"S35.signature.spare-bits"} for alg in ("ES384", "ES512", "Ed448")}


def row(attack: Attack) -> str:
    return attack.id.partition(".")[0]


def test_every_row_has_a_name_of_its_own_and_a_known_weakness() -> None:
    ids = [attack.id for attack in ATTACKS]
    assert len(set(ids)) == len(ids) > 300
    assert all(re.fullmatch(r"[SC]\d+(\.[A-Za-z0-9-]+){2,3}", id_) for id_ in ids)
    assert {row(attack) for attack in ATTACKS} == set(WEAKNESSES)
    assert find("S1.none.empty").weakness.severity == "critical"
    with pytest.raises(MintmarkError):
        find("S1.none.never")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_attack_that_fits_an_algorithm_is_built_and_differs_from_the_good_token(alg: str) -> None:
    sample = given(alg).sample()
    fitting = [attack for attack in ATTACKS if attack.fits(alg, sample.available)]
    missing = {attack.id for attack in fitting if attack.build(sample) is None}
    assert missing == NOT_GIVEN.get(alg, set())
    for attack in fitting:
        assert attack.build(sample) != sample.token


@pytest.mark.parametrize(
    ("alg", "in_a_set"), [*((alg, True) for alg in ALGORITHMS), ("ES256", False), ("RS256", False)]
)
def test_P7_every_evil_token_is_refused_for_the_right_reason_and_every_control_accepted(
    alg: str, in_a_set: bool
) -> None:
    verifier, sample = given(alg).verifier(in_a_set=in_a_set), given(alg).sample()
    wrong = []
    for attack in ATTACKS:
        text, control = attack.build(sample), attack.control(sample)
        if text is None or attack.outcome is Outcome.INFORM:
            continue
        assert control is not None
        assert verifier.verify(control).subject == "alice", attack.id
        try:
            verifier.verify(text)
        except InvalidToken as refusal:
            if refusal.code not in REASONS[row(attack)]:
                wrong.append(f"{attack.id}: refused as {refusal.code}")
            if len(text) > 40 and (text in str(refusal) or text in repr(refusal.details())):
                wrong.append(f"{attack.id}: the token is in its error")
        else:
            wrong.append(f"{attack.id}: accepted")
    assert wrong == []


def test_S12_the_second_ecdsa_signature_is_a_matter_of_information() -> None:
    attack = find("S12.ecdsa.second")
    text = attack.build(given("ES256").sample())
    assert attack.outcome is Outcome.INFORM
    assert text is not None
    assert given("ES256").verifier().verify(text).jwt_id  # so jti, never the text, names a token


@pytest.mark.parametrize("alg", ["ES256", "RS256", "HS256"])
def test_without_the_owners_key_there_are_forgeries_but_no_controls(alg: str) -> None:
    verifier, sample = given(alg).verifier(), given(alg).sample(owned=False)
    built = 0
    for attack in ATTACKS:
        text = attack.build(sample)
        assert attack.control(sample) is None
        if text is None or attack.outcome is Outcome.INFORM:
            continue
        built += 1
        with pytest.raises(InvalidToken):
            verifier.verify(text)
    assert built > 120


def test_attacks_need_what_they_say() -> None:
    bare = Sample.of(given("ES256").token)
    assert bare.available == frozenset()
    for attack in ATTACKS:
        if attack.needs:
            assert attack.build(bare) is None, attack.id
    known = Sample.of(given("ES256").token, public_key=given("ES256").public)
    assert known.available == {Need.PUBLIC_KEY}
    assert find("S4.confusion.hs256").build(known) is not None
    assert find("C1.exp.missing").build(known) is None


def test_a_token_and_keys_can_be_given_instead_of_a_sample() -> None:
    token, key = given("ES256").token, given("ES256").key
    attack = find("C6.aud.other")
    text = attack.build(token, signing_key=key)
    assert text is not None
    assert json_object(parse_compact(text).payload)["aud"] == "https://another-service.example"
    assert attack.control(token, key) is not None


def test_tokens_without_some_claims_give_the_other_attacks() -> None:
    """And several audiences, and no times but exp: what real issuers write as well."""
    issuer = LocalIssuer("https://auth.example.com", audience="orders")
    token = issuer.mint(audience=["orders", "billing"], without=["iat", "jti"])
    sample = Sample.of(token, signing_key=issuer.key)
    verifier: Verifier[Claims] = Verifier(
        issuer="https://auth.example.com",
        audience="orders",
        keys=issuer.keys,
        typ="at+jwt",
        clock=issuer.clock,
    )
    for attack in ATTACKS:
        text, control = attack.build(sample), attack.control(sample)
        if text is None or control is None or attack.outcome is Outcome.INFORM:
            continue
        verifier.verify(control)
        with pytest.raises(InvalidToken):
            verifier.verify(text)
    bare = Sample.of(issuer.mint(without=["aud", "exp", "iss"]), signing_key=issuer.key)
    for id_ in ("C6.aud.other", "C6.aud.missing", "C7.iss.missing", "C1.exp.missing", "S17.payload.lifetime"):
        assert find(id_).build(bare) is None
    assert find("C1.exp.past").build(bare) is not None


def test_K4_a_weak_key_still_gives_every_attack_but_those_that_encrypt_to_it() -> None:
    native = rsa.generate_private_key(65537, 1024)
    pem = native.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    message = ".".join(map(b64url_encode, (b'{"alg":"RS256"}', b'{"sub":"alice"}')))
    signature = native.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    key = Key.from_pem(pem, alg="RS256", allow_legacy=True)
    sample = Sample.of(f"{message}.{b64url_encode(signature)}", public_key=key, intruders=INTRUDERS)
    fitting = [attack for attack in ATTACKS if attack.fits("RS256", sample.available)]
    missing = {attack.id for attack in fitting if attack.build(sample) is None}
    assert missing == {"S34.jwe.claims", "S42.nested.unsigned", "S17.payload.lifetime"}


def test_S13_an_ed448_key_may_be_called_eddsa_too() -> None:
    key = Key.generate("EdDSA", crv="Ed448")
    sample = Sample.of(LocalIssuer(key=key).mint(), signing_key=key)
    assert find("S13.eddsa.s-plus-order").build(sample) is None


def test_S35_a_signature_without_a_telling_character_gives_no_other_spelling() -> None:
    key = Key.generate("Ed25519")
    tokens = (LocalIssuer(key=key).mint() for _ in range(1000))
    token = next(token for token in tokens if not {"-", "_"} & set(token.rpartition(".")[2]))
    attack = find("S35.signature.alphabet")
    assert attack.build(token) is None
    spelled = attack.build(token, signing_key=key)  # with the key, one that has such a character is made
    assert spelled is not None
    assert {"+", "/"} & set(spelled.rpartition(".")[2])


def test_attacks_that_lack_their_key_say_so() -> None:
    sample = Sample.of(given("ES256").token)
    for name in ("public", "owner"):
        with pytest.raises(InvalidKey):
            getattr(sample, name)
    with pytest.raises(InvalidKey):
        sample.forge(given("ES256").public)


def test_keys_that_did_not_sign_the_good_token_are_refused() -> None:
    other = Key.generate("ES256")
    with pytest.raises(InvalidKey):
        Sample.of(given("ES256").token, public_key=other.public)
    with pytest.raises(InvalidKey):
        Sample.of(given("ES256").token, signing_key=other)
    with pytest.raises(InvalidKey):  # a public key signs no controls
        Sample.of(given("ES256").token, signing_key=given("ES256").public)
    with pytest.raises(MalformedToken):
        Sample.of("no.token")


def test_S21_building_and_refusing_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", connect)
    sample, verifier = given("RS256").sample(), given("RS256").verifier()
    for attack in ATTACKS:
        if row(attack) != "S21":
            continue
        with pytest.raises(InvalidToken):
            verifier.verify(attack.build(sample) or "")


def test_no_repr_shows_a_token_or_a_key() -> None:
    sample = given("ES256").sample()
    assert repr(sample) == "<Sample alg='ES256' with public key and signing key>"
    assert "ES256" in repr(sample.intruders)
    assert sample.token not in repr(sample.intruders)


@pytest.mark.parametrize(("id_", "shift"), [("C1.exp.past", 3600), ("C5.exp.leeway", 301)])
def test_C5_expired_tokens_are_expired_relative_to_the_good_one(id_: str, shift: int) -> None:
    text = find(id_).build(given("ES256").sample())
    assert text is not None
    assert json_object(parse_compact(text).payload)["exp"] == int(NOW) - shift
