"""The answers to other tasks as a prompt shows them: redacted, and cut to a share of the window."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.record_answers import RecordAnswer, value_text
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.context_window import fit
from orchestration_assets.text.redaction import redact, without_turn_marks


class AnswerFields(dict[str, str]):
    """The fields of a record as text, "" where it has none; as a whole it reads like the record."""

    def __missing__(self, field: str) -> str:
        return ""

    def __str__(self) -> str:
        return "; ".join(f"{name}: {value}" for name, value in self.items())


ShownAnswer = str | AnswerFields


class ShownAnswers(NamedTuple):
    """Task -> its answer, "" for none; how many are cut; what was redacted in each part."""

    by_task: Mapping[str, ShownAnswer]
    cut: int
    redacted: Sequence[Mapping[str, int]]


def shown_answers(
    answers: Sequence[tuple[str, Answer | None]], kinds: Collection[SensitiveKind], tokens: int
) -> ShownAnswers:
    """The answers as a prompt names them, in ``tokens`` tokens at most, shared alike.

    Every task keeps its place: an answer that is too long loses its end, not its name.
    """
    by_task: dict[str, ShownAnswer] = {}
    redacted: list[Mapping[str, int]] = []
    cut = 0
    for task, answer in answers:
        share = tokens // len(answers)
        if answer is None:
            # as a text it is empty, and so is every field of it
            by_task[task] = AnswerFields()
            continue
        if isinstance(answer, RecordAnswer):
            parts = {name: value_text(value) for name, value in answer.values}
        else:
            parts = {"": shown(answer) or ""}
        texts: dict[str, str] = {}
        is_cut = False
        for name, text in parts.items():
            safe = redact(without_turn_marks(text), kinds)
            fitted = fit(safe.text, share // max(len(parts), 1))
            texts[name] = fitted.text
            is_cut |= fitted.tokens < fitted.tokens_whole
            redacted.append(safe.counts)
        by_task[task] = AnswerFields(texts) if isinstance(answer, RecordAnswer) else texts[""]
        cut += is_cut
    return ShownAnswers(by_task, cut, redacted)
