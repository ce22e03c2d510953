"""Files that people fill in, without the lines about something that must go.

Of CSV a line is a whole row, with the lines that its cells go over; of anything else one line.
"""

from collections.abc import Callable, Iterator

IsAbout = Callable[[str], bool]
_UTF_16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def without_lines(data: bytes, is_about: IsAbout) -> tuple[bytes, int]:
    """The file without these lines, and how many were left out; the first of a CSV file stays."""
    mark, encoding, text = _decoded(data)
    kept, removed = [], 0
    for number, line in enumerate(_rows(text)):
        if _goes(number, line, is_about):
            removed += 1
        else:
            kept.append(line)
    return (
        (mark + "".join(kept).encode(encoding, "surrogateescape"), removed)
        if removed
        else (data, 0)
    )


def blank_lines(data: bytes, is_about: IsAbout) -> tuple[bytes, int]:
    """The same file, as long as it was, with blanks and line ends in the place of these lines."""
    mark, encoding, text = _decoded(data)
    kept, removed = [], 0
    for number, line in enumerate(_rows(text)):
        if _goes(number, line, is_about) and line.strip():
            removed += 1
            length = len(line.encode(encoding, "surrogateescape"))
            width = len(" ".encode(encoding))
            ends = line[len(line.rstrip("\r\n")) :]
            line_end = ends.encode(encoding)
            kept.append(" ".encode(encoding) * ((length - len(line_end)) // width) + line_end)
        else:
            kept.append(line.encode(encoding, "surrogateescape"))
    return (mark + b"".join(kept), removed) if removed else (data, 0)


def _goes(number: int, line: str, is_about: IsAbout) -> bool:
    return is_about(line) and not (number == 0 and not line.lstrip().startswith("{"))


def _decoded(data: bytes) -> tuple[bytes, str, str]:
    """Byte order mark, encoding and text; bytes that are no UTF-8 survive as they are."""
    encoding = _UTF_16_MARKS.get(data[:2])
    if encoding is not None:
        return data[:2], encoding, data[2:].decode(encoding, "surrogatepass")
    return b"", "utf-8", data.decode("utf-8", "surrogateescape")


def _rows(text: str) -> Iterator[str]:
    """Lines with their ends; those between which a quotation mark is open are one."""
    is_csv = not text.lstrip("\ufeff \r\n\t").startswith("{")
    row, is_open = "", False
    for line in _lines(text):
        row += line
        if is_csv and line.count('"') % 2:
            is_open = not is_open
        if not is_open:
            yield row
            row = ""
    if row:
        yield row


def _lines(text: str) -> Iterator[str]:
    """Lines that end in a line feed: what else splits lines may stand inside a cell."""
    parts = text.split("\n")
    yield from (f"{part}\n" for part in parts[:-1])
    if parts[-1]:
        yield parts[-1]
