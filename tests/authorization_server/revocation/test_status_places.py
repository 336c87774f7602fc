"""Places in status lists: every number has one, none has two numbers, and the order is a secret."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mintmark.authorization_server.revocation.places import indexes_of, list_number
from mintmark.authorization_server.storage.records import STATUS_BLOCK_SIZE, STATUS_LIST_SIZE

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
BLOCKS = STATUS_LIST_SIZE // STATUS_BLOCK_SIZE


@pytest.mark.parametrize("number", [0, 1, 7_000_000])
def test_the_blocks_of_a_list_are_its_places_each_once(number: int) -> None:
    found = [index for block in range(BLOCKS) for index in indexes_of(KEY, number * BLOCKS + block)]
    assert len(found) == STATUS_LIST_SIZE
    assert set(found) == set(range(number * STATUS_LIST_SIZE, (number + 1) * STATUS_LIST_SIZE))


def test_every_process_with_the_key_finds_the_same_places() -> None:
    """Of every version, too: another order would give places a second time."""
    assert indexes_of(KEY, 5)[:3] == [15320, 52616, 583]
    assert indexes_of(KEY, 200)[:3] == [186665, 178124, 203471]


def test_the_order_tells_neither_age_nor_volume() -> None:
    """No run of neighbours, no common distance, and places all over the list from the first block on."""
    places = indexes_of(KEY, 1)
    steps = [after - before for before, after in pairwise(places)]
    assert len(set(steps)) > 0.9 * len(steps)
    assert sum(abs(step) == 1 for step in steps) < 10
    sixteenths = {place * 16 // STATUS_LIST_SIZE for place in places}
    assert sixteenths == set(range(16))


def test_another_key_and_another_list_have_another_order() -> None:
    ours = indexes_of(KEY, 1)
    same_place_under_another_key = sum(a == b for a, b in zip(ours, indexes_of(OTHER_KEY, 1), strict=True))
    in_the_next_list = [index - STATUS_LIST_SIZE for index in indexes_of(KEY, BLOCKS + 1)]
    same_place_in_the_next_list = sum(a == b for a, b in zip(ours, in_the_next_list, strict=True))
    assert same_place_under_another_key < 10
    assert same_place_in_the_next_list < 10


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("1", 1),
        ("10", 10),
        ("999999999", 999_999_999),
        ("1000000000", None),
        ("99999999999999999999", None),
        ("9" * 5000, None),
        ("", None),
        ("00", None),
        ("01", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1e3", None),
        ("1_000", None),
        ("0x1", None),
        (" 1", None),
        ("1 ", None),
        ("1\n", None),
        ("1\x00", None),
        ("١", None),  # ARABIC-INDIC DIGIT ONE
        ("１", None),  # FULLWIDTH DIGIT ONE
        ("²", None),
        ("..", None),
        ("1/..", None),
    ],
)
def test_a_list_has_one_address_and_what_is_none_is_told_apart(text: str, number: int | None) -> None:
    assert list_number(text) == number
