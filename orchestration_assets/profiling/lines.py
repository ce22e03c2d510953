"""The lines of a text: their lengths, indentation and repetition."""

from typing import Final

from orchestration_assets.profiling.text import Values

_TAB_COLUMNS: Final = 4
_LONG_LINE: Final = 8
_NO_LINES: Final[Values] = {
    "max_line_chars": 0,
    "mean_line_chars": 0.0,
    "blank_line_share": 0.0,
    "indent_depth": 0.0,
    "duplicate_line_share": 0.0,
}


def line_features(text: str) -> Values:
    """Line lengths, blank lines, indentation, and the share of the lines with at least 8
    characters, white space around them aside, that stood in the text before."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        return {**_NO_LINES}
    unindented = list(map(str.lstrip, lines))
    blank = unindented.count("")
    inked = len(lines) - blank
    chars = len(text) - text.count("\n")
    if lines.count("") != blank:
        chars -= sum([len(line) for line, ink in zip(lines, unindented, strict=True) if not ink])
    indents = chars - len("".join(unindented))
    if "\t" in text:
        indents += (_TAB_COLUMNS - 1) * sum(
            [
                len(line) - len(ink)
                for line, ink in zip(lines, unindented, strict=True)
                if ink and line[0] == "\t"
            ]
        )
    long = [line for line in map(str.rstrip, unindented) if len(line) >= _LONG_LINE]
    return {
        "max_line_chars": max(map(len, lines)),
        "mean_line_chars": chars / inked if inked else 0.0,
        "blank_line_share": 1 - inked / len(lines),
        "indent_depth": indents / inked if inked else 0.0,
        "duplicate_line_share": 1 - len(set(long)) / len(long) if long else 0.0,
    }
