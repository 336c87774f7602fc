"""assert_refuses: what it accepts, what it accuses, and when it says that nothing can be told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
import pytest

from mintmark import ACCESS_TOKEN, Claims, MintmarkError, Verifier, inspect
from mintmark.errors import ConfigurationError, InvalidKey
from mintmark.hostile import Answer, Verdict
from mintmark.jose.encoding import json_object
from mintmark.jose.jws import parse_compact
from mintmark.testing import LocalIssuer, aassert_refuses, assert_refuses, calling, evil_tokens

ISSUER = LocalIssuer(audience="orders")
TOKEN = ISSUER.mint()
VERIFIER: Verifier[Claims] = Verifier(
    issuer=ISSUER.issuer, audience="orders", keys=ISSUER.keys, profile=ACCESS_TOKEN, clock=ISSUER.clock
)
FEW = ["S1", "S4", "S17", "C6"]


@dataclass
class Response:
    """Like what HTTP clients return."""

    status_code: int
    content: bytes = b""


def sound(token: str | None) -> Response:
    try:
        VERIFIER.verify(token or "")
    except MintmarkError:
        return Response(401)
    return Response(200, b"orders")


def test_a_sound_service_passes_and_every_refusal_is_proven_by_its_control() -> None:
    report = assert_refuses(sound, TOKEN, signing_key=ISSUER.key)
    assert report.findings == ()
    assert report.count(Verdict.REFUSED) > 250
    assert report.count(Verdict.UNPROVEN) == report.count(Verdict.SHAPE) == 0
    assert report.count(Verdict.NOTED) == 1  # S12
    assert "evil tokens" in str(report)


def test_a_verifier_passes_as_a_function_with_what_no_header_can_hold() -> None:
    within = assert_refuses(calling(VERIFIER.verify), TOKEN, signing_key=ISSUER.key)
    beyond = assert_refuses(calling(VERIFIER.verify), TOKEN, signing_key=ISSUER.key, in_header=False)
    assert len(beyond.results) > len(within.results)


def test_without_a_signing_key_refusals_stay_unproven() -> None:
    report = assert_refuses(sound, TOKEN, ISSUER.key.public, select=["S1", "S4"])
    assert report.count(Verdict.UNPROVEN) == len(report.results) == 7


def test_a_service_that_refuses_everybody_is_not_called_safe() -> None:
    with pytest.raises(AssertionError, match="the good token is refused"):
        assert_refuses(lambda token: Response(401), TOKEN)


def test_a_service_that_accepts_everybody_is_accused() -> None:
    with pytest.raises(AssertionError, match="the route is not protected"):
        assert_refuses(lambda token: Response(200), TOKEN)


def test_a_service_that_reads_no_token_is_accused() -> None:
    with pytest.raises(AssertionError, match="garbage is accepted"):
        assert_refuses(lambda token: Response(200 if token else 401), TOKEN)


def test_S17_a_service_that_decodes_without_verifying_is_accused() -> None:
    def decodes(token: str | None) -> Response:
        try:
            json_object(parse_compact(token or "").payload)
        except MintmarkError:
            return Response(401)
        return Response(200)

    with pytest.raises(AssertionError, match="signatures are not verified"):
        assert_refuses(decodes, TOKEN)


def test_S1_a_finding_says_what_it_means_and_shows_no_token() -> None:
    def takes_none(token: str | None) -> Response:
        try:
            unsigned = token is not None and inspect(token).header.get("alg") == "none"
        except MintmarkError:
            unsigned = False
        return Response(200) if unsigned else sound(token)

    with pytest.raises(AssertionError) as accused:
        assert_refuses(takes_none, TOKEN, signing_key=ISSUER.key, select=FEW)
    text = str(accused.value)
    assert "CRITICAL unsigned token: anyone writes tokens, without any key" in text
    assert "S1.none.empty" in text
    assert "S4" not in text
    assert TOKEN.split(".")[1] not in text


@pytest.mark.parametrize("status", [500, 503])
def test_a_status_of_500_is_a_finding(status: int) -> None:
    def breaks(token: str | None) -> Response:
        return Response(status) if token is not None and token.endswith(".") else sound(token)

    with pytest.raises(AssertionError, match="broke"):
        assert_refuses(breaks, TOKEN, select=FEW)


def test_an_exception_is_a_finding_and_names_its_type() -> None:
    def crashes(token: str | None) -> Response:
        if token is not None and token.endswith("."):
            raise RecursionError
        return sound(token)

    with pytest.raises(AssertionError, match="RecursionError raised"):
        assert_refuses(crashes, TOKEN, select=FEW)


def test_the_baselines_alone_may_break_a_service() -> None:
    def crashes(token: str | None) -> Response:
        if token == "garbage":
            raise ValueError
        return sound(token)

    with pytest.raises(AssertionError, match="breaks on garbage"):
        assert_refuses(crashes, TOKEN)


def test_a_service_that_turns_against_the_sender_is_noticed() -> None:
    failures = 0

    def locks_out(token: str | None) -> Response:
        nonlocal failures
        answer = sound(token)
        failures += answer.status_code != 200
        return answer if failures < 6 else Response(429)

    with pytest.raises(AssertionError, match="turned against the sender"):
        assert_refuses(locks_out, TOKEN, select=FEW)


def test_a_control_that_is_refused_proves_nothing_and_is_counted() -> None:
    def wants_no_header_of_its_own(token: str | None) -> Response:
        header = inspect(token).header if token and token.count(".") == 2 else {}
        return Response(401) if "jku" in header else sound(token)

    report = assert_refuses(wants_no_header_of_its_own, TOKEN, signing_key=ISSUER.key, select=["S21.jku"])
    assert report.count(Verdict.SHAPE) == len(report.results) == 4


def test_a_yes_can_be_told_by_the_body() -> None:
    """Some answer 200 to everybody, and say no in the body."""

    def always_200(token: str | None) -> Response:
        return Response(200, b"orders" if sound(token).status_code == 200 else b"please sign in")

    with pytest.raises(AssertionError, match="not protected"):
        assert_refuses(always_200, TOKEN, select=FEW)
    report = assert_refuses(always_200, TOKEN, select=FEW, accepts=lambda answer: b"orders" in answer.body)
    assert report.findings == ()


def test_statuses_answers_and_other_clients_responses_are_understood() -> None:
    @dataclass
    class Flask:
        status_code: int
        data: bytes

    @dataclass
    class Urllib3:
        status: int

    for wrap in (
        lambda answer: answer.status_code,
        lambda answer: Answer(answer.status_code),
        lambda answer: Flask(answer.status_code, b""),
        lambda answer: Urllib3(answer.status_code),
        lambda answer: httpx.Response(answer.status_code, text="x"),
    ):
        assert_refuses(lambda token, wrap=wrap: wrap(sound(token)), TOKEN, select=["S1"])
    with pytest.raises(ConfigurationError, match="status"):
        assert_refuses(lambda token: "yes", TOKEN)
    with pytest.raises(ConfigurationError, match="status"):
        assert_refuses(lambda token: True, TOKEN)


def test_a_function_may_refuse_by_none_or_by_its_own_exception() -> None:
    def by_none(token: str) -> object:
        return sound(token).content or None

    def by_error(token: str) -> object:
        if sound(token).status_code != 200:
            raise PermissionError
        return "alice"

    assert_refuses(calling(by_none), TOKEN, select=FEW)
    assert_refuses(calling(by_error, refuses=PermissionError), TOKEN, select=FEW)
    with pytest.raises(AssertionError, match="PermissionError raised"):
        assert_refuses(calling(by_error), TOKEN, select=FEW)


def test_the_tests_own_assertions_are_not_swallowed() -> None:
    def asserts(token: str | None) -> Response:
        assert token is not None, "mine"
        return sound(token)

    with pytest.raises(AssertionError, match="mine"):
        assert_refuses(asserts, TOKEN)


def test_the_asyncio_form_does_the_same() -> None:
    async def send(token: str | None) -> Response:
        await asyncio.sleep(0)
        if token == "garbage":
            raise ValueError
        return sound(token)

    async def asynchronous(token: str | None) -> Response:
        return sound(token)

    with pytest.raises(ConfigurationError, match="asynchronous"):
        assert_refuses(asynchronous, TOKEN)
    report = asyncio.run(aassert_refuses(asynchronous, TOKEN, signing_key=ISSUER.key, select=FEW))
    assert report.count(Verdict.REFUSED) == len(report.results)
    with pytest.raises(AssertionError, match="breaks on garbage"):
        asyncio.run(aassert_refuses(send, TOKEN))


def test_wrong_keys_and_unknown_attacks_are_wrong_use() -> None:
    with pytest.raises(InvalidKey):
        assert_refuses(sound, TOKEN, LocalIssuer().key.public)
    with pytest.raises(ConfigurationError, match="S99"):
        assert_refuses(sound, TOKEN, select=["S99"])
    with pytest.raises(ConfigurationError):
        evil_tokens(TOKEN, leave_out=["S"])


def test_attacks_are_selected_by_whole_parts_of_their_ids() -> None:
    ids = {evil.id for evil in evil_tokens(TOKEN, select=["S1"])}
    assert ids == {"S1.none.empty", "S1.none.two-segments", "S1.none.signed", "S1.none.bare"}
    left = {evil.id for evil in evil_tokens(TOKEN, select=["S1", "S16"], leave_out=["S1.none.bare", "S16"])}
    assert left == ids - {"S1.none.bare"}


def test_evil_tokens_fit_a_header_unless_told_otherwise() -> None:
    for evil in evil_tokens(TOKEN, signing_key=ISSUER.key):
        assert evil.text.isascii()
        assert evil.text.isprintable()
        assert 0 < len(evil.text) <= 16_000
        assert evil.id != "S12.ecdsa.second"
        assert evil.control not in (None, evil.text)
        assert evil.text not in repr(evil)
        assert str(evil) == evil.id
    beyond = {evil.id for evil in evil_tokens(TOKEN, signing_key=ISSUER.key, in_header=False)}
    assert {"S36.segments.nul", "S38.size.claims", "S36.segments.nothing"} <= beyond


@pytest.mark.parametrize("alg", ["ES256", "Ed25519", "HS256"])
def test_the_list_is_the_same_for_every_key_so_that_parallel_workers_agree(alg: str) -> None:
    def ids() -> list[str]:
        issuer = LocalIssuer(alg=alg)
        return [evil.id for evil in evil_tokens(issuer.mint(), signing_key=issuer.key)]

    first = ids()
    assert all(ids() == first for _ in range(8))
