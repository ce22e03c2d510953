"""Part of a long text: whole lines in sections spread evenly from its beginning to its end."""

from typing import Final

_SECTION_CHARS: Final = 1000
GAP: Final = "\n\n"


def excerpt(text: str, chars: int) -> str:
    """About ``chars`` characters of ``text``, never more; the whole text when it is no longer.

    The first section is the beginning; each begins at a line where there is one. The same text
    and number give the same excerpt.
    """
    if len(text) <= chars:
        return text
    count = max(1, chars // _SECTION_CHARS)
    room = chars // count - len(GAP)
    stride = (len(text) - room) / max(count - 1, 1)
    parts: list[str] = []
    end = 0
    for number in range(count):
        begin = max(end, round(number * stride))
        line = text.find("\n", begin, begin + room // 2) if begin else -1
        begin = line + 1 if line >= 0 else begin
        end = min(begin + room, len(text))
        parts.append(text[begin:end])
    return GAP.join(part for part in parts if part)
