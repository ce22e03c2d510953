"""Questions as a page holds them for its script: compact, in order, and within a size."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from markupsafe import Markup

from orchestration_assets.reporting.formatting import cut, one_line
from orchestration_assets.reporting.question_rows import (
    NOT_KNOWN,
    Pair,
    QuestionRow,
    SaidAnswer,
)

_BYTES: Final = 480_000
_SHOWN: Final = 40
_PATH: Final = 400
_ANSWER: Final = 240
_STANDS, _DISSENTS, _SILENT = 1, 2, 4
_NO_RISK: Final = -1
# the least that a page must escape within a script element, and what older readers stumble over
_UNSAFE: Final = {ord(one): f"\\u{ord(one):04x}" for one in "<>&'\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class ListLayout:
    """What a list can be narrowed to, and its columns after the first, by name and in words."""

    shows: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]


OF_BATCH: Final = ListLayout(
    shows=(
        ("differ", "where services differ"),
        ("disputed", "disputed"),
        ("unanswered", "without an answer"),
    ),
    columns=(
        ("task", "Task"),
        ("family", "Family"),
        ("said", "Readings"),
        ("kinds", "How they differ"),
        ("severity", "Severity"),
        ("risk", "Risk"),
    ),
)


OF_COMPARISON: Final = ListLayout(
    shows=(
        ("changed", "answers that changed"),
        ("dearer", "dearer"),
        ("slower", "slower"),
        ("riskier", "riskier"),
        ("before", "only before"),
        ("after", "only after"),
        ("same", "the same answer"),
    ),
    columns=(
        ("task", "Task"),
        ("family", "Family"),
        ("said", "Answers"),
        ("kinds", "What happened"),
        ("risk", "Risk"),
        ("cost", "Cost"),
        ("time", "Time"),
    ),
)


@dataclass(frozen=True, slots=True)
class QuestionList:
    """The first of ``total`` questions, in a page.

    ``shown`` are written out for readers without scripts; ``rows`` are all that the page holds,
    as JSON, and ``words`` the names and texts that they refer to.
    """

    shown: tuple[QuestionRow, ...]
    rows: tuple[str, ...]
    words: str
    total: int
    layout: ListLayout

    @property
    def left_out(self) -> int:
        """How many are not in the page."""
        return self.total - len(self.rows)

    @property
    def data(self) -> Markup:
        """JSON that stands within a script element."""
        layout = f'"shows":{_json(self.layout.shows)},"columns":{_json(self.layout.columns)}'
        rows = ",".join(self.rows)
        whole = f'{{{layout},{self.words},"total":{self.total},"rows":[{rows}]}}'
        return Markup(whole.translate(_UNSAFE))  # noqa: S704 -- nothing in it ends the element

    def shortened(self, most: int) -> "QuestionList":
        """The same with at most so many rows."""
        return replace(self, shown=self.shown[:most], rows=self.rows[:most])


def listed_answer(text: str) -> str:
    """An answer as the list writes it: one line, visible, not too long."""
    return cut(one_line(text), _ANSWER)


@dataclass
class _Words:
    """Every word once: rows name it by its number. ``size`` is in bytes of JSON."""

    numbers: dict[Any, int] = field(default_factory=dict)
    size: int = 0

    def number(self, word: Any) -> int:
        if word not in self.numbers:
            self.numbers[word] = len(self.numbers)
            self.size += _size(_json(word))
        return self.numbers[word]


def question_list(
    rows: Iterable[QuestionRow],
    total: int,
    layout: ListLayout = OF_BATCH,
    most_bytes: int = _BYTES,
) -> QuestionList:
    """As many of the first ``rows`` as ``most_bytes`` of UTF-8 take, of ``total`` in all.

    Services, tasks, families, kinds, standings, pairs, texts and folders stand once; rows name
    them by their place.
    """
    names = ("services", "tasks", "families", "kinds", "standings", "pairs", "texts", "folders")
    words = {name: _Words() for name in names}
    kept: list[str] = []
    shown: list[QuestionRow] = []
    size = 0
    for row in rows:
        written = _json(_compact(row, words))
        size += _size(written)
        if size + sum(one.size for one in words.values()) > most_bytes:
            break
        kept.append(written)
        if len(shown) < _SHOWN:
            shown.append(row)
    lists = ",".join(f'"{name}":{_json(list(one.numbers))}' for name, one in words.items())
    return QuestionList(tuple(shown), tuple(kept), lists, total, layout)


def _size(written: str) -> int:
    return len(written.encode("utf-8", "replace")) + 1


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _compact(row: QuestionRow, words: dict[str, _Words]) -> list[Any]:
    """[folder, name, task, family, standing, severity in per cent, risk in per mille or -1, kinds,
    answers, pairs in dispute, pairs that differ otherwise]; of a comparison also what changed."""
    path = cut(row.path, _PATH)
    folder, slash, name = path.rpartition("/")
    return [
        words["folders"].number(folder + slash),
        name,
        words["tasks"].number(row.task),
        words["families"].number(cut(row.family, 60)),
        words["standings"].number(row.standing.value),
        round(100 * row.severity),
        _per_mille(row.error_risk),
        [words["kinds"].number(kind) for kind in row.kinds],
        [_answer(one, words) for one in row.said],
        _pairs(row.disputes, words),
        _pairs(row.differences, words),
        *([_change(row.change)] if row.change else []),
    ]


def _change(change: Sequence[float]) -> list[float]:
    """USD and ms to three digits, risks in per mille."""
    *spent, risk_before, risk_after = change
    risks = [_per_mille(None if one == NOT_KNOWN else one) for one in (risk_before, risk_after)]
    return [*(float(f"{one:.3g}") for one in spent), *risks]


def _per_mille(risk: float | None) -> int:
    return _NO_RISK if risk is None else round(1000 * risk)


def _pairs(pairs: Sequence[Pair], words: dict[str, _Words]) -> list[int]:
    return [words["pairs"].number(pair) for pair in pairs]


def _answer(one: SaidAnswer, words: dict[str, _Words]) -> list[Any]:
    """[flags, services, answer]: a text, or its pieces, of which every second one is marked."""
    flags = _STANDS * one.stands + _DISSENTS * one.dissents + (0 if one.answered else _SILENT)
    services = [words["services"].number(service) for service in one.services]
    if not any(piece.unique for piece in one.pieces):
        return [flags, services, words["texts"].number(listed_answer(one.text))]
    return [flags, services, alternating(one)]


def alternating(one: SaidAnswer) -> list[str]:
    """The pieces of an answer, plain and marked in turn, the first one plain; cut where it is
    too long."""
    pieces, left = [""], _ANSWER
    for piece in one.pieces:
        text = cut(one_line(piece.text), left)
        left -= len(text)
        if piece.unique == bool(len(pieces) % 2):
            pieces.append(text)
        else:
            pieces[-1] += text
        if left <= 1:
            pieces[-1] += "" if text.endswith("…") else "…"
            break
    return pieces
