"""One item's profile: the steps in their stages, each begun only while time remains.

The basic features come first and always; then text, structure, code and scores. Text features
and code features read the first 16,384 characters, secrets the first 32,768: the caps keep a step
within the limit, since only parsing is cut short while it runs. Counts are scaled up from the
part read to the whole.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from orchestration_assets.profiling.code import (
    CODE_LANGUAGES,
    code_features,
    load_language,
    parsed_part,
)
from orchestration_assets.profiling.deadline import Deadline, Stage
from orchestration_assets.profiling.kind import Kind, kind_of
from orchestration_assets.profiling.markup import outline
from orchestration_assets.profiling.scores import scores
from orchestration_assets.profiling.text import (
    Values,
    character_shares,
    line_count,
    line_features,
    prose_features,
    secret_count,
    token_estimate,
    word_densities,
    words_of,
)
from orchestration_assets.schemas.enums import Family, FeatureFamily
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES
from resources.prose import PROSE_CHARS, prose_of

TEXT_CHARS: Final = PROSE_CHARS
"""How much of an item the text features read, in characters."""

_DECIMALS: Final = 6
_NO_CODE: Final[Values] = {
    feature.name: None for feature in FEATURES if feature.family is FeatureFamily.CODE
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What one item looks like.

    ``features`` has every name of FEATURE_NAMES; None where a feature does not apply or was cut.
    ``features_missing`` names those that the deadline cut. ``coverage`` is the share of the
    characters that the text features have seen, in [0, 1]. The clocks are in milliseconds.
    """

    features: Values
    features_missing: tuple[str, ...]
    coverage: float
    preprocess_ms: float
    features_ms: float
    complexity_ms: float
    aggregation_ms: float


def profile(
    path: str, text: str, *, size_bytes: int, clock: Callable[[], float] = time.perf_counter
) -> Profile:
    """The profile of one item: ``path`` names it, ``text`` is its decoded content.

    Never raises, whatever the text. Equal arguments give equal features, unless the deadline cut
    some: ``clock``, in seconds, decides only that.
    """
    kind = kind_of(path, text)
    # Before the clock starts: the first item of a language must not pay for all that follow.
    load_language(kind.language)
    deadline = Deadline(clock)
    with deadline.stage(Stage.PREPROCESS):
        item = _Item(kind, text, size_bytes, deadline)
    for stage, steps in _STEPS.items():
        with deadline.stage(stage):
            for step in steps:
                if deadline.passed():
                    break
                item.values.update(step(item))
    values = item.values
    return Profile(
        features={name: _rounded(values.get(name)) for name in FEATURE_NAMES},
        features_missing=tuple(name for name in FEATURE_NAMES if name not in values),
        coverage=round(len(item.window) / len(text), _DECIMALS) if text else 1.0,
        preprocess_ms=deadline.elapsed_ms[Stage.PREPROCESS],
        features_ms=deadline.elapsed_ms[Stage.FEATURES],
        complexity_ms=deadline.elapsed_ms[Stage.COMPLEXITY],
        aggregation_ms=deadline.elapsed_ms[Stage.AGGREGATION],
    )


class _Item:
    """An item while it is profiled: what the steps read, and the values so far."""

    def __init__(self, kind: Kind, text: str, size_bytes: int, deadline: Deadline) -> None:
        self.deadline = deadline
        self.text = text
        self.window = text[:TEXT_CHARS]
        self.kind = kind
        self.scale = len(text) / len(self.window) if text else 1.0
        window_words = words_of(self.window)
        self.window_word_count = len(window_words)
        # A prose text is its own prose, so its words are split only once.
        self._words_of_prose = window_words if self.kind.family is Family.PROSE else None
        self.values: Values = {
            "byte_count": size_bytes,
            "char_count": len(text),
            "line_count": line_count(text),
            "word_count": round(len(window_words) * self.scale),
            "token_estimate": round(token_estimate(self.window) * self.scale),
            "extension": self.kind.extension,
            "has_extension": bool(self.kind.extension),
            "has_shebang": self.kind.has_shebang,
            "family": self.kind.family.value,
            "language_guess": self.kind.language,
        }

    def prose(self) -> tuple[str, list[str]]:
        """The prose and its words."""
        prose = prose_of(self.window, self.kind.family)
        words = self._words_of_prose
        return prose, words_of(prose) if words is None else words


def _scaled(values: Values, scale: float) -> Values:
    """Counts of the part read as estimates for the whole."""
    return {
        name: round(value * scale) if isinstance(value, int) and name not in _MAXIMA else value
        for name, value in values.items()
    }


_MAXIMA: Final = frozenset({"max_line_chars", "cyclomatic_max", "nesting_max"})


def _characters(item: _Item) -> Values:
    return character_shares(item.window)


def _lines(item: _Item) -> Values:
    return line_features(item.window)


def _densities(item: _Item) -> Values:
    return word_densities(item.window, item.window_word_count)


def _outline(item: _Item) -> Values:
    return _scaled(outline(item.window, item.kind.family, item.kind.extension), item.scale)


def _prose(item: _Item) -> Values:
    prose, words = item.prose()
    return _scaled(prose_features(prose, words), item.scale)


def _secrets(item: _Item) -> Values:
    return {"secret_count": secret_count(item.text)}


def _code(item: _Item) -> Values:
    if item.kind.language not in CODE_LANGUAGES:
        return _NO_CODE
    part = parsed_part(item.text)
    values = code_features(part, item.kind.language, item.deadline.passed)
    return _scaled(values, len(item.text) / len(part) if part else 1.0)


def _scores(item: _Item) -> Values:
    return scores(item.values)


_STEPS: Final[dict[Stage, tuple[Callable[[_Item], Values], ...]]] = {
    Stage.FEATURES: (
        _characters,
        _lines,
        _densities,
        _secrets,
        _outline,
        _prose,
    ),
    Stage.COMPLEXITY: (_code,),
    Stage.AGGREGATION: (_scores,),
}


def _rounded(value: str | int | float | bool | None) -> str | int | float | bool | None:
    return round(value, _DECIMALS) if isinstance(value, float) else value
