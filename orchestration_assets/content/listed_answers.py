"""Answers listed under letters on a sheet of questions, and verdicts that name one of them.

What a letter means is read from the row that it stands in: the labels of a policy may have changed
since the sheet was written. A verdict may also say that none of them is right, or that nobody can
tell.
"""

import re
from collections.abc import Collection, Sequence
from string import ascii_lowercase
from typing import Any, Final

from orchestration_assets.text.visible_text import visible_text

MOST_LISTED: Final = len(ascii_lowercase)
NONE_OF_THEM: Final = "none of them"
"""The verdict that no answer of any service is right."""

_LINE: Final = re.compile(r"([a-z])\) (.*\S)\s*")
_BEGINNING: Final = re.compile(r"\s*a\) ")
_LETTER: Final = re.compile(r"\(?([a-z])([).:]?)", re.IGNORECASE)
_QUOTE: Final = "[\"'\u2018\u2019\u201c\u201d]"
_QUOTED_LETTER: Final = re.compile(f"{_QUOTE}([a-z]){_QUOTE}", re.IGNORECASE)
_NONE: Final = re.compile(
    r"none of (?:them|these|the answers)(?: is| are)?(?: right)?", re.IGNORECASE
)
_CANNOT_TELL: Final = re.compile(
    "(?:i )?(?:cannot|can not|can['\u2019]?t) (?:tell|say)", re.IGNORECASE
)


class LetterError(ValueError):
    """A letter that names no listed answer, or may be an answer itself; the message has the
    remedy."""


def can_be_listed(answer: str, longest: int) -> bool:
    """Whether an answer stands on one line of the listing, in full and as it is."""
    one_line = answer == answer.strip() and len(answer.splitlines()) == 1
    return one_line and len(answer) <= longest and visible_text(answer) == answer


def lettered(answers: Sequence[str]) -> str:
    """At most 26 answers as one cell: ``a) markdown``, and so on, each on a line of its own."""
    pairs = zip(ascii_lowercase, answers, strict=False)
    return "\n".join(f"{letter}) {answer}" for letter, answer in pairs)


def listed(cell: Any) -> tuple[str, ...]:
    """The answers of a cell of :func:`lettered`, or of a list of texts; none when it is neither."""
    if isinstance(cell, list):
        return tuple(cell) if all(isinstance(one, str) for one in cell) else ()
    lines = [line for line in cell.splitlines() if line.strip()] if isinstance(cell, str) else []
    matches = [_LINE.fullmatch(line) for line in lines]
    answers = tuple(match[2] for match in matches if match is not None)
    letters = "".join(match[1] for match in matches if match is not None)
    return answers if lines and letters == ascii_lowercase[: len(lines)] else ()


def is_letter(verdict: str) -> bool:
    """Whether a verdict may stand for a listed answer."""
    return _LETTER.fullmatch(verdict) is not None


def is_damaged(cell: Any) -> bool:
    """Whether a cell was a listing, of which no letter can be told any more."""
    if not isinstance(cell, str) or _BEGINNING.match(cell) is None:
        return False
    answers = listed(cell)
    # line ends that became spaces leave one answer, which holds the others
    return not answers or (len(answers) == 1 and " b) " in answers[0])


def named_answer(verdict: str, answers: Sequence[str], labels: Collection[str] = ()) -> str:
    """The answer that a verdict stands for: of ``a``, ``a)``, ``(a)`` or ``A`` the first one
    listed, of ``"a"`` the letter itself, of anything else what it says.

    ``labels`` are answers beside those listed. Raises LetterError.
    """
    quoted = _QUOTED_LETTER.fullmatch(verdict)
    if quoted is not None:
        return quoted[1]
    match = _LETTER.fullmatch(verdict) if answers else None
    if match is None or (match[2] and verdict in (*answers, *labels)):
        return verdict
    place, marked = ascii_lowercase.index(match[1].lower()), bool(match[2])
    itself = not marked and verdict in (*answers, *labels)
    if place >= len(answers):
        if itself:
            return verdict
        last = ascii_lowercase[min(len(answers), MOST_LISTED) - 1]
        raise LetterError(
            f"no listed answer has the letter {match[1]!r}, the letters go from a to {last}; if "
            f'the answer is that letter, write "{match[1]}" in quotation marks'
        )
    if itself and answers[place] != verdict:
        raise LetterError(
            f"{verdict!r} may be the listed answer {answers[place]!r} or the answer {verdict!r} "
            f'itself: write {verdict}) for the first, "{verdict}" in quotation marks for the second'
        )
    return answers[place]


def says_none(verdict: str) -> bool:
    """Whether a verdict says that no answer is right."""
    return _NONE.fullmatch(verdict) is not None


def cannot_tell(verdict: str) -> bool:
    """Whether a verdict says that nobody can tell."""
    return _CANNOT_TELL.fullmatch(verdict) is not None
