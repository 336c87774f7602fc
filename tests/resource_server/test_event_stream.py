"""Server-sent events are read whatever way the bytes fall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.errors import FetchFailed
from mintmark.resource_server.event_stream import Event, EventStream

WIRE = (
    b"\xef\xbb\xbfretry: 1000\n: connected\n\n"
    b'id: 7\ndata: {"a":1}\n\n'
    b": heartbeat\n\n"
    b"id: 8\r\nevent: odd\r\ndata:one\r\ndata: two\r\n\r\n"
    b"data\r\rid\ndata: x\n\nid: 9\n\ndata: y\xc3\xa9\n\nunknown: z\nid: a\0b\ndata: z\n\ndata: unfinished"
)
EVENTS = [
    Event("7", "message", '{"a":1}'),
    Event("8", "odd", "one\ntwo"),
    Event("8", "message", ""),
    Event("", "message", "x"),
    Event("9", "message", "yé"),
    Event("9", "message", "z"),
]


def test_the_standards_cases() -> None:
    assert EventStream().feed(WIRE) == EVENTS


@given(st.lists(st.integers(0, len(WIRE)), max_size=12))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    stream, found, start = EventStream(), list[Event](), 0
    for cut in [*sorted(cuts), len(WIRE)]:
        found += stream.feed(WIRE[start:cut])
        start = cut
    assert found == EVENTS


@pytest.mark.parametrize("cut", range(5))
def test_a_byte_order_mark_may_come_in_pieces(cut: int) -> None:
    """Found by fuzzing: the first event was lost."""
    wire, stream = b"\xef\xbb\xbfdata: x\n\n", EventStream()
    assert stream.feed(wire[:cut]) + stream.feed(wire[cut:]) == [Event(None, "message", "x")]


def test_an_endless_event_is_refused() -> None:
    for piece in (b"x" * 1000, b"data: " + b"x" * 1000 + b"\n"):
        with pytest.raises(FetchFailed):
            list(map(EventStream().feed, [piece] * 1000))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_break_it(chunks: list[bytes]) -> None:
    stream = EventStream()
    for chunk in chunks:
        stream.feed(chunk)
