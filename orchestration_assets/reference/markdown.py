"""The pieces of Markdown that the reference pages are put together from."""

import re
from collections.abc import Iterable, Sequence


def heading(level: int, title: str) -> str:
    """A heading of level 1 (the page's title) to 6."""
    return f"{'#' * level} {title}"


def anchor(title: str) -> str:
    """The fragment by which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def prose(docstring: str) -> str:
    """A docstring as paragraphs: reStructuredText's code quotes and roles become plain ones."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", docstring).replace("``", "`")
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
    return "\n\n".join(paragraphs)


def table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; vertical bars in cells are escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def page(*blocks: str) -> str:
    """Blocks with a blank line between them."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
