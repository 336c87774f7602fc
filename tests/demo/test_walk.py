"""How the story is told: every check is shown, and one that fails ends it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from mintmark.demo.plan import make_plan
from mintmark.demo.stack import Stack
from mintmark.demo.story.checks import Check, Step, equal, holds
from mintmark.demo.story.walk import walk
from mintmark.demo.story.web import Answer, query_of
from mintmark.demo.story.world import World


def good(world: World) -> Iterator[Check]:
    yield holds("this is so", True)


def bad(world: World) -> Iterator[Check]:
    yield equal("billing refuses it", "200", "401 invalid_token")
    yield holds("the rest of the step is walked", True)


def broken(world: World) -> Iterator[Check]:
    yield holds("it begins well", True)
    raise LookupError("no form here")


def empty(world: World) -> Iterator[Check]:
    yield from ()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(Stack(make_plan(8700), tmp_path)) as world:
        yield world


def told(world: World, *steps: Step) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=120)
    held = walk(steps, world, console)
    assert isinstance(console.file, io.StringIO)
    return held, console.file.getvalue()


def test_a_story_whose_checks_hold_says_how_many_there_were(world: World) -> None:
    held, text = told(world, Step("one", good), Step("two", good))
    assert held
    assert "✓ this is so" in text
    assert "All 2 checks of 2 steps held" in text


def test_a_failing_check_is_told_in_words_and_ends_the_story(world: World) -> None:
    held, text = told(world, Step("one", good), Step("two", bad), Step("three", good))
    assert not held
    assert "✗ billing refuses it" in text
    assert "expected 401 invalid_token, got 200" in text
    assert "✓ the rest of the step is walked" in text
    assert "1 of 3 checks did not hold" in text
    assert "three" not in text


def test_a_step_that_cannot_be_walked_is_a_failing_check_and_no_traceback(world: World) -> None:
    held, text = told(world, Step("one", broken))
    assert not held
    assert "LookupError: no form here" in text
    assert "Traceback" not in text


def test_a_step_without_checks_proves_nothing(world: World) -> None:
    assert not told(world, Step("one", empty))[0]


def test_answers_show_no_content() -> None:
    answer = Answer("http://127.0.0.1/token", 200, {"set-cookie": "c=secret"}, b'{"access_token": "secret"}')
    assert "secret" not in repr(answer)


def test_a_refusal_is_read_from_challenge_and_body() -> None:
    headers = {
        "www-authenticate": 'Bearer realm="orders", error="invalid_token", error_description="It is old"'
    }
    answer = Answer(
        "http://127.0.0.1/", 401, headers, b'{"error": "invalid_token", "reason": "token_expired"}'
    )
    assert answer.refusal == "401 invalid_token token_expired"
    assert answer.challenge["realm"] == "orders"
    assert query_of("http://127.0.0.1/callback?code=a%20b&state=c") == {"code": "a b", "state": "c"}
