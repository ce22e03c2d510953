"""The Markdown pages of the project, and what is in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestration_assets.reference.markdown import anchor

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block: ``language`` is the word behind the fence, ``marks`` what follows it."""

    page: str
    language: str
    marks: tuple[str, ...]
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def tokens(page: Path) -> list[Token]:
    return _PARSER.parse(page.read_text("utf-8"))


def _inline(page: Path) -> Iterator[Token]:
    for token in tokens(page):
        yield from token.children or ()


def blocks(page: Path) -> list[Block]:
    found = []
    for token in tokens(page):
        if token.type == "fence":
            language, *marks = token.info.split() or [""]
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(page.name, language, tuple(marks), token.content, line))
    return found


def links(page: Path) -> list[str]:
    return [str(token.attrs["href"]) for token in _inline(page) if token.type == "link_open"]


def code_spans(page: Path) -> list[str]:
    return [token.content for token in _inline(page) if token.type == "code_inline"]


@cache
def anchors(page: Path) -> set[str]:
    """The fragments that GitHub gives to the page's headings."""
    found: list[str] = []
    for before, token in zip(tokens(page), tokens(page)[1:], strict=False):
        if before.type == "heading_open":
            words = "".join(child.content for child in token.children or ())
            name = anchor(words)
            found.append(f"{name}-{found.count(name)}" if name in found else name)
    return set(found)
