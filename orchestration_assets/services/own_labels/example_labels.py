"""Your own labels by a few example texts of each: the nearest examples decide."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstained, answered
from orchestration_assets.text.words import words_of

_LEAST_LIKENESS: Final = 0.02
# How sharply the likenesses of labels are told apart. Set by judgement.
_SHARPNESS: Final = 12.0
_BEST: Final = 0.95


class ExampleLabelParameters(BaseModel):
    """``examples``: label -> short texts that are of this label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    examples: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(min_length=2)


class ExampleLabels(EmbeddedService):
    """Cosine of TF-IDF vectors (Salton and Buckley 1988) between the item and labelled examples.

    A label is as near as its nearest example; confidence is a softmax over the labels, at most
    .95, and dampened where even the nearest example is far.
    """

    name: ClassVar[str] = "example_labels"
    expected_ms: ClassVar[float] = 0.5
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    Parameters: ClassVar[type[BaseModel]] = ExampleLabelParameters
    parameters: ExampleLabelParameters

    @cached_property
    def _vectors(self) -> list[tuple[str, dict[str, float]]]:
        return [
            (label, self._vector(words_of(text, "prose")))
            for label, texts in self.parameters.examples.items()
            for text in texts
        ]

    @cached_property
    def _rarity(self) -> dict[str, float]:
        texts = [text for texts in self.parameters.examples.values() for text in texts]
        occurs = Counter(word for text in texts for word in set(words_of(text, "prose")))
        return {word: math.log((1 + len(texts)) / count) for word, count in occurs.items()}

    def _vector(self, words: Sequence[str]) -> dict[str, float]:
        known = Counter(word for word in words if word in self._rarity)
        weights = {w: (1 + math.log(n)) * self._rarity[w] for w, n in known.items()}
        length = math.sqrt(sum(weight**2 for weight in weights.values()))
        return {word: weight / length for word, weight in weights.items()} if length else {}

    def answer(self, question: Question) -> Reading:
        family = str(question.item.profile.get("family", "prose"))
        mine = self._vector(words_of(question.item.text, family))
        nearest: dict[str, float] = {}
        for label, vector in self._vectors:
            likeness = sum(weight * vector.get(word, 0.0) for word, weight in mine.items())
            nearest[label] = max(nearest.get(label, 0.0), likeness)
        top = max(nearest.values())
        if top < _LEAST_LIKENESS:
            return abstained("unlike every example")
        odds = {label: math.exp(_SHARPNESS * (near - top)) for label, near in nearest.items()}
        sure = min(1.0, math.sqrt(top) + 0.5) * _BEST
        total = sum(odds.values())
        ranked = sorted(
            ((label, sure * part / total) for label, part in odds.items()),
            key=lambda pair: (-pair[1], pair[0]),
        )
        if len(ranked) > 1 and ranked[0][1] - ranked[1][1] < 1e-9:
            return abstained(f"as like {ranked[0][0]} as {ranked[1][0]}")
        return answered(
            question, ranked, f"likeness {top:.2f} to the nearest {ranked[0][0]} example"
        )
