"""Labels of the user's own, by words and phrases for each."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstention, label_reading
from orchestration_assets.text.visible_text import visible_text

_MAX_CHARS: Final = 32_768
# One word may stand anywhere by chance; what a label needs beyond it. Set by judgement.
_PRIOR: Final = 1.0
_MAX_CONFIDENCE: Final = 0.97
_SAID: Final = 5
"""Phrases that evidence names."""


class WordLabelParameters(BaseModel):
    """``labels``: label -> words and phrases, case ignored, that speak for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(min_length=2)


class WordLabels(EmbeddedService):
    """Counts which label's words and phrases occur, each distinct one more than its repetitions.

    A label's weight is the sum over its phrases of 1 + ln(occurrences); its confidence is its
    share of all weights and a prior of 1, at most .97.
    """

    name: ClassVar[str] = "word_labels"
    expected_ms: ClassVar[float] = 0.2
    Parameters: ClassVar[type[BaseModel]] = WordLabelParameters
    parameters: WordLabelParameters

    @cached_property
    def _patterns(self) -> dict[str, list[re.Pattern[str]]]:
        return {
            label: [
                re.compile(rf"(?<!\w){re.escape(phrase.casefold())}(?!\w)") for phrase in phrases
            ]
            for label, phrases in self.parameters.labels.items()
        }

    def answer(self, question: Question) -> Reading:
        text = question.item.text[:_MAX_CHARS].casefold()
        weights: dict[str, float] = {}
        phrases_by_label: dict[str, list[str]] = {}
        for label, patterns in self._patterns.items():
            for phrase, pattern in zip(self.parameters.labels[label], patterns, strict=True):
                if count := len(pattern.findall(text)):
                    weights[label] = weights.get(label, 0.0) + 1 + math.log(count)
                    phrases_by_label.setdefault(label, []).append(phrase)
        if not weights:
            return abstention("none of the labels' words occurs")
        total = sum(weights.values()) + _PRIOR
        ranked = sorted(
            ((label, min(weight / total, _MAX_CONFIDENCE)) for label, weight in weights.items()),
            key=lambda pair: (-pair[1], pair[0]),
        )
        if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
            return abstention(f"{ranked[0][0]} and {ranked[1][0]} weigh the same")
        return label_reading(question, ranked, f"says {_quoted(phrases_by_label[ranked[0][0]])}")


def _quoted(phrases: Sequence[str]) -> str:
    """The first five, each as a whole between quotation marks: what stands so in evidence is marked
    where people see the content."""
    return ", ".join(f"“{visible_text(phrase)}”" for phrase in phrases[:_SAID])
