"""Read server-sent events out of a stream of bytes (WHATWG HTML 9.2). Pure, and bounded."""

from __future__ import annotations

from dataclasses import dataclass

from mintmark.errors import FetchFailed

__all__ = ["Event", "EventStream"]

_MARK = b"\xef\xbb\xbf"  # the byte order mark, which may stand at the beginning
_MOST = 1 << 16  # bytes of one event: an entry of the deny log has a few hundred


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``event_id`` is the last id that the stream has named, this event's or an earlier one's."""

    event_id: str | None
    kind: str
    data: str


class EventStream:
    """Collects bytes into events; comments (heartbeats) are dropped: that bytes came says enough."""

    def __init__(self) -> None:
        self._rest = b""
        self._last_id: str | None = None
        self._kind = ""
        self._data: list[str] = []
        self._size = 0
        self._began = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes and return the events that they complete.

        :raises FetchFailed: an event grows beyond all measure.
        """
        text = self._rest + chunk
        if not self._began:
            if _MARK.startswith(text):  # the mark may come in pieces, too
                self._rest = text
                return []
            self._began = True
            text = text.removeprefix(_MARK)
        # A CR at the end may be the first half of CRLF: it waits for its other half.
        held = text.endswith(b"\r")
        lines = (text[:-1] if held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + (b"\r" if held else b"")
        found = [event for line in lines if (event := self._line(line)) is not None]
        if self._size + len(self._rest) > _MOST:
            raise FetchFailed(f"An event of the stream is longer than {_MOST} bytes.", expected=_MOST)
        return found

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        self._size += len(line) if name == "data" else 0
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._kind = value
        elif name == "id" and "\0" not in value:
            self._last_id = value
        return None

    def _dispatch(self) -> Event | None:
        data, kind = self._data, self._kind
        self._data, self._kind, self._size = [], "", 0
        return Event(self._last_id, kind or "message", "\n".join(data)) if data else None
