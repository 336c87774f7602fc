"""Where statuses stand: numbers become places in lists, in an order that tells outsiders nothing.

A token shows its place. Places that came in the order of issue would tell how many tokens there are and which
is older (draft-ietf-oauth-status-list 12.4, 12.5.1): so within each list the order is a secret permutation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from mintmark.authorization_server.storage.records import STATUS_BLOCK_SIZE, STATUS_LIST_SIZE

__all__ = ["indexes_of", "list_number"]

# A place has 17 bits: 8 and 9 that change each other in turn (a Feistel network), so that no two numbers can
# meet. Its round functions are tables of secret random numbers.
_LEFT, _RIGHT = 1 << 8, 1 << 9
_ROUNDS = 6
_TABLE_BYTES = _RIGHT + 2 * _LEFT  # one byte for each right half, two for each left half

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")  # ASCII digits only, one way to write each, and bounded


def list_number(text: str) -> int | None:
    """Return the number of a list as its address says it; None for what is no such number."""
    return int(text) if _NUMBER.fullmatch(text) else None


def indexes_of(key: bytes, block: int) -> list[int]:
    """Return the status indexes of a block: all of one list, and of no other block, whoever asks.

    :param key: at least 32 secret bytes, the same for all processes of one database.
    """
    number, first = divmod(block * STATUS_BLOCK_SIZE, STATUS_LIST_SIZE)
    rounds = tuple(_rounds(key, number))
    start = number * STATUS_LIST_SIZE
    return [start + _place(rounds, first + step) for step in range(STATUS_BLOCK_SIZE)]


def _rounds(key: bytes, number: int) -> Iterator[tuple[bytes, list[int]]]:
    """The tables of one list, from an extendable hash under the key (FIPS 202, SHAKE256)."""
    stream = hashlib.shake_256(key + number.to_bytes(8)).digest(_ROUNDS * _TABLE_BYTES)
    for start in range(0, len(stream), _TABLE_BYTES):
        of_left = stream[start + _RIGHT : start + _TABLE_BYTES]
        yield (
            stream[start : start + _RIGHT],
            [int.from_bytes(of_left[at : at + 2]) % _RIGHT for at in range(0, len(of_left), 2)],
        )


def _place(rounds: tuple[tuple[bytes, list[int]], ...], number: int) -> int:
    left, right = divmod(number, _RIGHT)
    for of_right, of_left in rounds:
        left ^= of_right[right]
        right ^= of_left[left]
    return left * _RIGHT + right
