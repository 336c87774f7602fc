"""The pytest plugin, run by pytest itself in a folder of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import mintmark.frameworks.fastapi
import mintmark.hostile  # noqa: F401 - loaded once for all runs within this process

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PLUGIN = "mintmark.testing.plugin"
IS_REGISTERED = any(point.value == PLUGIN for point in entry_points(group="pytest11"))


ARGUMENTS = (
    *(() if IS_REGISTERED else ("-p", PLUGIN)),
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-W",
    "error",
)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest within pytest."""
    return pytester.runpytest_inprocess(*ARGUMENTS, *arguments)


def test_the_plugin_works_in_a_process_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mint(mint): assert mint().count('.') == 2")
    pytester.runpytest_subprocess(*ARGUMENTS).assert_outcomes(passed=1)


def test_the_fixtures_are_one_issuer_its_mint_and_its_clock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from mintmark import ACCESS_TOKEN, Verifier
        from mintmark.errors import ExpiredToken

        @pytest.fixture
        def verifier(mintmark_issuer, mintmark_clock):
            return Verifier(
                issuer=mintmark_issuer.issuer, audience="test", keys=mintmark_issuer.keys,
                profile=ACCESS_TOKEN, clock=mintmark_clock,
            )

        def test_mint(verifier, mint):
            assert verifier.verify(mint(sub="bob", scopes="a b", claims={"x": 1}))["x"] == 1

        def test_clock(verifier, mint, mintmark_clock):
            token = mint()
            mintmark_clock.advance(700)
            with pytest.raises(ExpiredToken):
                verifier.verify(token)

        def test_rotation_here(mintmark_issuer, verifier, mint):
            mintmark_issuer.rotate(withdraw=True)
            verifier.verify(mint())

        def test_is_not_seen_there(mintmark_issuer):
            assert len(mintmark_issuer.published) == 1
            assert mintmark_issuer.clock() is not None
        """
    )
    run(pytester).assert_outcomes(passed=4)


def test_settings_name_the_audience_and_the_algorithm(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmintmark_audience = orders\nmintmark_alg = Ed25519\n")
    pytester.makepyfile(
        """
        from mintmark import inspect

        def test_settings(mint):
            token = inspect(mint())
            assert (token.claims["aud"], token.header["alg"]) == ("orders", "Ed25519")
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_the_server_lives_as_long_as_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import threading, urllib.request
        import pytest

        BEFORE = set(threading.enumerate())
        urls = []

        def serving():  # not what answers one request: that may end a moment later
            return [each for each in threading.enumerate() if each not in BEFORE and "serve" in each.name]

        def test_one(mintmark_issuer, mint):
            urls.append(mintmark_issuer.jwks_uri)
            assert serving()
            with urllib.request.urlopen(mintmark_issuer.jwks_uri) as answer:
                assert answer.status == 200
            assert mintmark_issuer.issuer == mintmark_issuer.url

        def test_another():
            assert not serving()
            with pytest.raises(OSError):
                urllib.request.urlopen(urls[0])
        """
    )
    run(pytester).assert_outcomes(passed=2)


SERVICE = """
    import pytest
    from mintmark import ACCESS_TOKEN, Verifier, MintmarkError

    @pytest.fixture
    def answer(mintmark_issuer):
        verifier = Verifier(
            issuer=mintmark_issuer.issuer, audience="test", keys=mintmark_issuer.keys, profile=ACCESS_TOKEN,
            clock=mintmark_issuer.clock,
        )
        def answer(token):
            try:
                claims = verifier.verify(token)
            except MintmarkError:
                return 401
            return 200 if claims.get("scope") == "orders:read" else 403
        return answer

    @pytest.fixture
    def good_token(mint):
        return mint(scopes="orders:read")
"""


def test_a_test_of_evil_token_runs_once_for_each_and_a_sound_service_passes(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        SERVICE
        + """
    def test_evil(answer, evil_token, good_token):
        assert answer(good_token) == 200
        assert answer(evil_token.text) == 401
        assert answer(evil_token.control) == 200
    """
    )
    result = run(pytester, "-v")
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 250
    assert set(outcomes) == {"passed"}
    result.stdout.fnmatch_lines(["*test_evil?S1.none.empty? PASSED*", "*test_evil?C6.aud.within? PASSED*"])


def test_a_careless_service_fails_where_it_is_careless(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        SERVICE.replace('audience="test"', "audience=__import__('mintmark').UNCHECKED")
        + """
    def test_evil(answer, evil_token):
        assert answer(evil_token.text) == 401
    """
    )
    result = run(pytester)
    failed = set(re.findall(r"FAILED \S+\[(\S+)\]", result.stdout.str()))
    assert "C6.aud.other" in failed
    assert {id_.partition(".")[0] for id_ in failed} == {"C6"}


def test_a_marker_selects_attacks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.evil_tokens(leave_out=["S1.none.bare"], select=["S16"])

        @pytest.mark.evil_tokens(select=["S1"])
        def test_near(evil_token):
            assert evil_token.id.startswith("S1.") and evil_token.weakness.severity == "critical"

        def test_far(evil_token):
            assert evil_token.id.startswith("S16.")
        """
    )
    run(pytester, "--strict-markers").assert_outcomes(passed=3 + 9)


def test_a_good_token_of_another_kind_skips_what_it_cannot_give(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def good_token(mint):
            return mint(typ="JWT")

        @pytest.mark.evil_tokens(select=["C9.typ.id-token", "C9.typ.dpop"])
        def test_types(evil_token):
            assert evil_token.title
        """
    )
    run(pytester).assert_outcomes(passed=1, skipped=1)


def test_an_issuer_may_live_longer_when_the_user_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from mintmark.testing import LocalIssuer

        @pytest.fixture(scope="session")
        def mintmark_issuer():
            with LocalIssuer("https://auth.example.com", audience="orders") as issuer:
                yield issuer

        def test_one(mintmark_issuer, mint, mintmark_clock):
            assert mintmark_clock is mintmark_issuer.clock
            mintmark_issuer.rotate()

        def test_two(mintmark_issuer, mint):
            assert len(mintmark_issuer.published) == 2
            assert mint()
        """
    )
    run(pytester).assert_outcomes(passed=2)


def test_the_plugin_itself_loads_nothing_of_mintmark_and_the_rest_needs_no_pytest() -> None:
    lean = f"import {PLUGIN}, sys; assert not any(n.startswith('mintmark.jose') for n in sys.modules)"
    free = "import mintmark.testing, sys; assert 'pytest' not in sys.modules"
    for code in (lean, free):
        subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_for_users_is_true(pytester: pytest.Pytester) -> None:
    """docs/testing.md: its blocks, one after the other, are a test module that passes."""
    page = (ROOT / "docs" / "testing.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    settings = re.findall(r"^```ini\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    pytester.makeini("\n".join(settings))
    pytester.makepyfile("\n".join(blocks))
    outcomes = run(pytester, "-k", "not forgeries or S1. or S4. or C6.").parseoutcomes()
    assert set(outcomes) == {"passed", "deselected"}
    assert outcomes["passed"] > 30
