"""Token Status List: the draft's vectors, hostile lists, and the way from a token to its status."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark import UNCHECKED, Issuer, Key, Verifier
from mintmark.errors import ConfigurationError, ExpiredToken, InvalidClaim, InvalidToken
from mintmark.jose.encoding import b64url_encode
from mintmark.jwt import STATUS_LIST, Status, StatusList, StatusReference
from vectors import ROOT, needs_vectors

URI = "https://example.com/statuslists/1"


def vectors() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "statuslist" / "token-status-list.json").read_text())
    return loaded


@needs_vectors
def test_the_draft_small_lists_are_written_and_read_alike() -> None:
    for vector in vectors()["small"]:
        data = bytes.fromhex(vector["bytes"])
        assert StatusList(vector["bits"], data).to_claim() == {"bits": vector["bits"], "lst": vector["lst"]}
        assert StatusList.of({"status_list": {"bits": vector["bits"], "lst": vector["lst"]}}).data == data


@needs_vectors
def test_the_draft_large_lists_say_what_the_draft_says() -> None:
    for vector in vectors()["large"]:
        statuses = {int(index): status for index, status in vector["statuses"].items()}
        found = StatusList.of({"status_list": {"bits": vector["bits"], "lst": vector["lst"]}})
        assert len(found) == vector["size"]
        assert all(found.status(index) == status for index, status in statuses.items())
        assert found == StatusList.build(vector["size"], statuses, bits=vector["bits"])


@needs_vectors
def test_the_draft_token_verifies() -> None:
    given_vectors = vectors()
    key = Key.from_jwk(given_vectors["key"]).public
    for token in given_vectors["status_list_token"]:
        verifier = Verifier(
            issuer=UNCHECKED,
            audience=UNCHECKED,
            keys=key,
            profile=STATUS_LIST,
            expires=UNCHECKED,
            clock=lambda: 1686920200.0,
        )
        claims = verifier.verify(token, expected=StatusReference(URI, 0))
        assert StatusList.of(claims).status(0) is Status.INVALID


def test_the_lowest_bits_come_first() -> None:
    """The draft's example, 4.1: statuses 1 2 0 3 0 1 0 1 1 2 3 3 with two bits each."""
    statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    built = StatusList.build(12, dict(enumerate(statuses)), bits=2)
    assert built.data == bytes.fromhex("c944f9")
    assert [built.status(index) for index in range(12)] == statuses


@given(
    bits=st.sampled_from((1, 2, 4, 8)),
    statuses=st.dictionaries(st.integers(0, 999), st.integers(0, 255), max_size=50),
)
def test_what_is_written_is_read(bits: int, statuses: dict[int, int]) -> None:
    fitting = {index: status % (1 << bits) for index, status in statuses.items()}
    built = StatusList.build(1000, fitting, bits=bits)
    again = StatusList.of({"status_list": built.to_claim()})
    assert again == built
    assert {i: again.status(i) for i in range(len(again)) if again.status(i)} == {
        i: s for i, s in fitting.items() if s
    }
    cleared = built.replace(dict.fromkeys(fitting, 0))
    assert cleared.data == bytes(len(built.data))


@pytest.mark.parametrize("bits", [0, 3, 16, -1])
def test_other_widths_do_not_exist(bits: int) -> None:
    with pytest.raises(ConfigurationError):
        StatusList(bits, b"")


@pytest.mark.parametrize(("index", "status"), [(-1, 1), (8, 1), (0, 2), (0, -1)])
def test_what_does_not_fit_is_refused(index: int, status: int) -> None:
    with pytest.raises(ConfigurationError):
        StatusList.build(8, {index: status})


def test_O13_an_index_beyond_the_list_is_no_status() -> None:
    built = StatusList.build(8, {})
    for index in (8, 10**30, -1):
        with pytest.raises(InvalidClaim):
            built.status(index)


def test_O13_a_bomb_is_refused_unread() -> None:
    bomb = b64url_encode(zlib.compress(bytes(64 * 1024 * 1024), 9))
    with pytest.raises(InvalidClaim, match="at most"):
        StatusList.of({"status_list": {"bits": 1, "lst": bomb}})
    assert len(StatusList.of({"status_list": StatusList.build(80, {}).to_claim()}, largest=10)) == 80
    with pytest.raises(InvalidClaim):
        StatusList.of({"status_list": StatusList.build(81, {}).to_claim()}, largest=10)


GOOD = zlib.compress(b"\xb9\xa3", 9)


@pytest.mark.parametrize(
    "claim",
    [
        None,
        [],
        "text",
        {},
        {"bits": 1},
        {"lst": "eNrbuRgAAhcBXQ"},
        {"bits": 3, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": True, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": "1", "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1.0, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1, "lst": None},
        {"bits": [], "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="},
        {"bits": 1, "lst": "!"},
        {"bits": 1, "lst": ""},
        {"bits": 1, "lst": b64url_encode(GOOD[:-1])},  # cut
        {"bits": 1, "lst": b64url_encode(GOOD + b"x")},  # more behind the end
        {"bits": 1, "lst": b64url_encode(GOOD[:-1] + b"\x00")},  # wrong check sum
        {"bits": 1, "lst": b64url_encode(GOOD[2:-4])},  # DEFLATE without ZLIB's frame
    ],
)
def test_O13_a_broken_list_is_refused(claim: object) -> None:
    with pytest.raises(InvalidClaim):
        StatusList.of({"status_list": claim})


def test_a_token_names_its_place() -> None:
    reference = StatusReference(URI, 7)
    assert StatusReference.of({"status": reference.to_claim()}) == reference
    assert StatusReference.of({}) is None
    assert StatusReference.of({"status": {"another_mechanism": {}}}) is None


@pytest.mark.parametrize(
    "status",
    [
        "text",
        [],
        {"status_list": None},
        {"status_list": {"idx": 1}},
        {"status_list": {"uri": URI}},
        {"status_list": {"idx": -1, "uri": URI}},
        {"status_list": {"idx": "1", "uri": URI}},
        {"status_list": {"idx": True, "uri": URI}},
        {"status_list": {"idx": 1.0, "uri": URI}},
        {"status_list": {"idx": 1, "uri": ""}},
        {"status_list": {"idx": 1, "uri": 7}},
    ],
)
def test_a_reference_that_cannot_be_understood_is_no_free_pass(status: object) -> None:
    with pytest.raises(InvalidClaim):
        StatusReference.of({"status": status})


def lists_of(key: Key) -> Verifier[Any]:
    return Verifier(
        issuer="https://example.com",
        audience=UNCHECKED,
        keys=key.public,
        profile=STATUS_LIST,
        expires=UNCHECKED,
        clock=lambda: 1000.0,
    )


def list_token(key: Key, **changes: Any) -> str:
    claims = {"status_list": StatusList.build(80, {7: 1}).to_claim(), "ttl": 60, **changes.pop("claims", {})}
    arguments = {"subject": URI, "lifetime": 600, "typ": "statuslist+jwt", **changes}
    return Issuer("https://example.com", key, clock=lambda: 1000.0).issue(claims=claims, **arguments)


def test_from_a_token_to_its_status() -> None:
    key = Key.generate("ES256")
    claims = lists_of(key).verify(list_token(key), expected=StatusReference(URI, 7))
    assert StatusList.of(claims).status(7) is Status.INVALID
    assert StatusList.of(claims).status(8) is Status.VALID


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": URI + "0"},  # another list of the same issuer
        {"typ": "JWT"},
        {"subject": None},
        {"claims": {"ttl": 0}},
        {"claims": {"ttl": "60"}},
        {"claims": {"status_list": "text"}},
    ],
)
def test_O13_a_list_that_is_not_the_one_is_refused(changes: dict[str, Any]) -> None:
    key = Key.generate("ES256")
    with pytest.raises(InvalidToken):
        lists_of(key).verify(list_token(key, **changes), expected=StatusReference(URI, 7))


def test_O13_an_expired_list_is_refused_though_a_list_may_have_no_end() -> None:
    key = Key.generate("ES256")
    with pytest.raises(ExpiredToken):
        lists_of(key).verify(list_token(key, issued_at=300.0, lifetime=600), expected=StatusReference(URI, 7))


def test_the_list_that_is_meant_must_be_said() -> None:
    key = Key.generate("ES256")
    with pytest.raises(ConfigurationError):
        lists_of(key).verify(list_token(key))
