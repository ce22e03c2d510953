"""Decodes server-sent events (WHATWG HTML, 9.2) from bytes to lines to events."""

import json
from typing import Final, NamedTuple

DONE: Final = "[DONE]"
_FIELDS: Final = frozenset({"data", "event", "id", "retry"})


class ServerSentEvent(NamedTuple):
    """One event: ``name`` is empty where the stream names none, ``data`` is never empty.

    ``whole`` marks a body that is not a stream at all.
    """

    name: str
    data: str
    whole: bool = False


class LineDecoder:
    """Joins the chunks of a body into lines that end in CR LF, LF or CR."""

    def __init__(self) -> None:
        # a long line is joined once, not with every chunk of it
        self._open_line: list[bytes] = []
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that this chunk completes."""
        # the LF of a CR LF that was cut in two
        data = chunk[1:] if self._after_cr and chunk.startswith(b"\n") else chunk
        self._after_cr = chunk.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *others = data.split(b"\n")
        self._open_line.append(first)
        lines = []
        for line in others:
            lines.append(self._text())
            self._open_line = [line]
        return lines

    def finish(self) -> list[str]:
        """The last line, where the body ends without a line end."""
        return [self._text()] if any(self._open_line) else []

    def _text(self) -> str:
        return b"".join(self._open_line).decode("utf-8", "replace")


class EventDecoder:
    """Turns lines without their ends into events.

    More tolerant than the standard: events need no blank line between them where each line of
    data is complete JSON, and a body that is not a stream is one event, or one a line of JSON.
    """

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []
        self._bare: list[str] = []
        self._is_stream = False
        self._began = False

    def feed(self, line: str) -> list[ServerSentEvent]:
        """The events that this line completes: none, or one."""
        if not self._began:
            self._began, line = True, line.removeprefix("\ufeff")
        if not line:
            return self._flush()
        field, _, value = line.partition(":")
        if not field:
            # a comment, which keeps the connection alive
            self._is_stream = True
            return []
        if field not in _FIELDS:
            if not self._is_stream:
                self._bare.append(line)
            return []
        if not self._is_stream:
            self._is_stream, self._bare = True, []
        value = value.removeprefix(" ")
        if field == "event":
            done = self._flush() if self._data else []
            self._name = value.strip()
            return done
        if field != "data":
            return []
        done = self._flush(keep_name=True) if self._data and _is_complete(self._data) else []
        self._data.append(value)
        return done

    def finish(self) -> list[ServerSentEvent]:
        """What the end of the stream completes; an event that broke off is none."""
        if self._is_stream:
            return self._flush() if _is_complete(self._data) else []
        whole = "\n".join(self._bare).strip()
        if not whole:
            return []
        lines = [line for line in self._bare if line.strip()]
        if len(lines) > 1 and all(_is_complete([line]) for line in lines):
            return [ServerSentEvent("", line) for line in lines]
        return [ServerSentEvent("", whole, whole=True)]

    def _flush(self, *, keep_name: bool = False) -> list[ServerSentEvent]:
        data, name = "\n".join(self._data).strip(), self._name
        self._data = []
        if not keep_name:
            self._name = ""
        return [ServerSentEvent(name, data)] if data else []


def _is_complete(data: list[str]) -> bool:
    text = "\n".join(data).strip()
    if text == DONE:
        return True
    if not text.startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
