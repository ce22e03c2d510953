"""One item's profile: steps in stages, each begun only while time remains.

The basic features come first and always; then text, structure, code and scores. The input of a
step is bounded by what a KiB of it costs: text features read 16,384 characters, of a longer item a
sample of sections (see :mod:`orchestration_assets.profiling.sampling`); code features read its
beginning, secrets the first 32,768 characters. Counts are scaled up to the whole.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from orchestration_assets.profiling.characters import Characters, load_classes
from orchestration_assets.profiling.code import (
    CODE_LANGUAGES,
    DOCUMENT_LANGUAGES,
    CodePiece,
    code_chars,
    code_features,
    document_features,
    load_language,
    part_to_parse,
)
from orchestration_assets.profiling.deadline import Deadline, Stage
from orchestration_assets.profiling.kind import ContentKind, detect_kind, fence_language
from orchestration_assets.profiling.lines import line_features
from orchestration_assets.profiling.markup import outline
from orchestration_assets.profiling.sampling import TextSample, sample, sample_evenly
from orchestration_assets.profiling.scores import scores
from orchestration_assets.profiling.sensitive import (
    PERSONAL_DIGITS_LEAST,
    SECRET_CHARS,
    SECRET_CHARS_LEAST,
    personal_data_count,
    secret_count,
)
from orchestration_assets.profiling.text import (
    Values,
    line_count,
    load_vocabularies,
    prose_features,
    url_count,
)
from orchestration_assets.schemas.enums import Family, FeatureFamily
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES
from orchestration_assets.text.notebooks import is_notebook, notebook_as_markdown
from orchestration_assets.text.prose import PROSE_CHARS, fenced_code, prose_of
from orchestration_assets.text.token_estimates import token_estimate

TEXT_CHARS: Final = PROSE_CHARS
"""How much of an item the text features read, in characters."""

Sampler = Callable[[str, int], TextSample]
"""Samples at most so many characters of a longer text."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much of an item is read: ``text_chars`` characters, chosen by ``sampler`` where it is
    longer, and as many of its first ones as code as ``code_chars`` says for the language."""

    text_chars: int = TEXT_CHARS
    sampler: Sampler = sample
    code_chars: Callable[[str], int] = code_chars


_DEFAULT_LIMITS: Final = ReadLimits()
_EXACT_CHARS: Final = 1 << 20
_MAX_PIECES: Final = 64
# A parser that is told to stop may go on for as long again before it listens.
_PARSE_SHARE: Final = 0.5
_DECIMALS: Final = 6
# In shorter texts a search of bytes is faster than the overhead of arrays.
_SHORT_CHARS: Final = 1024
_NO_CODE: Final[Values] = {
    feature.name: None for feature in FEATURES if feature.family is FeatureFamily.CODE
}
_MAY_FENCE: Final = frozenset({Family.PROSE, Family.MARKUP})
_NO_DOCUMENT: Final[Values] = {"entry_count": None, "depth_max": None}


@dataclass(frozen=True, slots=True)
class Profile:
    """The features of one item, and how they were computed.

    ``features`` has every name of FEATURE_NAMES; None where a feature does not apply or was cut.
    ``features_missing`` names those that were cut: a parse that ran wild, or the deadline.
    ``cut_by_clock`` is whether the deadline cut: only then may an equal item have another profile.
    ``coverage`` is the share of the characters that the text features have seen, in [0, 1]. The
    clocks are in milliseconds.
    """

    features: Values
    features_missing: tuple[str, ...]
    cut_by_clock: bool
    coverage: float
    preprocess_ms: float
    features_ms: float
    complexity_ms: float
    aggregation_ms: float


def profile(
    path: str,
    text: str,
    *,
    size_bytes: int,
    clock: Callable[[], float] = time.thread_time,
    limits: ReadLimits = _DEFAULT_LIMITS,
) -> Profile:
    """The profile of one item: ``path`` names it, ``text`` is its decoded content.

    Never raises, whatever the text. Equal arguments give equal features, unless the deadline cut
    some: ``clock``, in seconds, decides only that. By default it is the thread's processor time,
    so that other work on the machine cuts nothing. ``limits`` serves comparisons of samplers.
    """
    kind = detect_kind(path, text)
    # Before the clock starts: the first item of a language must not pay for all that follow.
    _load(kind, text)
    # A thread cannot compute for longer than time passes, and to ask the system for its processor
    # time takes fifty times as long as to read a clock.
    deadline = Deadline(clock, time.perf_counter if clock is time.thread_time else None)
    with deadline.stage(Stage.PREPROCESS):
        item = _Item(kind, text, size_bytes, deadline, limits)
    for stage, steps in _STEPS.items():
        with deadline.stage(stage):
            for step in steps:
                if deadline.passed():
                    break
                item.values.update(step(item))
    values = item.values
    return Profile(
        features={
            name: round(value, _DECIMALS) if type(value) is float else value
            for name, value in zip(FEATURE_NAMES, map(values.get, FEATURE_NAMES), strict=True)
        },
        features_missing=tuple(name for name in FEATURE_NAMES if name not in values),
        cut_by_clock=deadline.ran_out,
        coverage=round(item.coverage, _DECIMALS),
        preprocess_ms=deadline.elapsed_ms[Stage.PREPROCESS],
        features_ms=deadline.elapsed_ms[Stage.FEATURES],
        complexity_ms=deadline.elapsed_ms[Stage.COMPLEXITY],
        aggregation_ms=deadline.elapsed_ms[Stage.AGGREGATION],
    )


def load_everything() -> None:
    """Loads every grammar and word list now rather than at the first item that needs it: about
    0.4 s, once a process."""
    for language in (*CODE_LANGUAGES, *DOCUMENT_LANGUAGES):
        load_language(language)
    load_classes("\u00e9")
    load_vocabularies()


def _load(kind: ContentKind, text: str) -> None:
    load_language(kind.language)
    load_classes(text)
    load_vocabularies()
    if kind.family in _MAY_FENCE and (
        text.find("```", 0, _EXACT_CHARS) >= 0
        or text.find("~~~", 0, _EXACT_CHARS) >= 0
        or is_notebook(text)
    ):
        for language in CODE_LANGUAGES:
            load_language(language)


class _Item:
    """An item while it is profiled: what the steps read, and the values so far."""

    def __init__(
        self,
        kind: ContentKind,
        text: str,
        size_bytes: int,
        deadline: Deadline,
        limits: ReadLimits,
    ) -> None:
        self.deadline = deadline
        self.limits = limits
        self.kind = kind
        self.raw = text
        self.text = notebook_as_markdown(text) if is_notebook(text) else text
        whole = len(self.text) <= limits.text_chars
        self.sample = (
            TextSample((self.text,)) if whole else limits.sampler(self.text, limits.text_chars)
        )
        self.window = self.text if whole else self.sample.text
        self.coverage = len(self.window) / len(self.text) if self.text else 1.0
        self.scale = 1 / self.coverage if self.coverage else 1.0
        self.characters = Characters.from_text(self.window)
        self.word_count = self.characters.word_count()
        tokens = (
            token_estimate(self.window)
            if len(self.window) < _SHORT_CHARS
            else self.characters.token_count()
        )
        self.values: Values = {
            "byte_count": size_bytes,
            "char_count": len(text),
            "line_count": _estimated_line_count(self.text),
            "word_count": round(self.word_count * self.scale),
            "token_estimate": round(tokens * self.scale),
            "extension": self.kind.extension,
            "has_extension": bool(self.kind.extension),
            "has_shebang": self.kind.has_shebang,
            "family": self.kind.family.value,
            "language_guess": self.kind.language,
        }


def _estimated_line_count(text: str) -> int:
    if len(text) <= _EXACT_CHARS:
        return line_count(text)
    part = sample_evenly(text, _EXACT_CHARS)
    return round(part.count("\n") * len(text) / len(part))


def _scaled(values: Values, scale: float) -> Values:
    """Counts of the part read as estimates for the whole."""
    if scale == 1.0:
        return values
    return {
        name: round(value * scale) if isinstance(value, int) and name not in _UNSCALED else value
        for name, value in values.items()
    }


# Maxima; and imports, which stand at the beginning, and that is always read.
_UNSCALED: Final = frozenset(
    {"max_line_chars", "cyclomatic_max", "nesting_max", "depth_max", "import_count"}
)


def _characters(item: _Item) -> Values:
    return item.characters.shares()


def _lines(item: _Item) -> Values:
    return line_features(item.window)


def _densities(item: _Item) -> Values:
    return item.characters.densities(item.word_count, url_count(item.window))


def _outline(item: _Item) -> Values:
    return _scaled(outline(item.window, item.kind.family, item.kind.extension), item.scale)


def _prose(item: _Item) -> Values:
    prose = prose_of(item.window, item.kind.family)
    return _scaled(prose_features(prose), item.scale)


def _sensitive(item: _Item) -> Values:
    numbers = item.characters.digit_count >= PERSONAL_DIGITS_LEAST
    personal = personal_data_count(item.window, item.characters.long_numbers() if numbers else ())
    if item.raw is item.window:
        head, characters = item.window, item.characters
    else:
        head = item.raw[:SECRET_CHARS]
        characters = Characters.from_text(head)
    return {
        "secret_count": secret_count(head, characters.long_tokens(SECRET_CHARS_LEAST)),
        "personal_data_count": round(personal * item.scale),
    }


def _code(item: _Item) -> Values:
    """Code features by the item's own grammar; in markdown, by those of its fenced code.

    A grammar reads the item's beginning: sections from here and there have no common syntax, and
    measured worse (see benchmarks/sampling.py).
    """
    values: Values = {**_NO_CODE, **_NO_DOCUMENT}
    language = item.kind.language
    out_of_time = partial(item.deadline.passed, _PARSE_SHARE)
    if language in CODE_LANGUAGES:
        part = part_to_parse(item.text, language, item.limits.code_chars(language))
        features = code_features([CodePiece(part, language)], out_of_time)
        return {**_NO_DOCUMENT, **_scaled(features, len(item.text) / max(len(part), 1))}
    if language in DOCUMENT_LANGUAGES:
        part = part_to_parse(item.text, language, item.limits.code_chars(language))
        features = document_features(CodePiece(part, language), out_of_time)
        if not features:
            for name in ("parse_error_share", *_NO_DOCUMENT):
                del values[name]
        values.update(_scaled(features, len(item.text) / max(len(part), 1)))
    if item.kind.family in _MAY_FENCE and not out_of_time():
        pieces, share = _fences(item.window, item.limits.code_chars)
        values.update(_scaled(code_features(pieces, out_of_time), item.scale / share))
    return values


def _fences(text: str, max_chars: Callable[[str], int]) -> tuple[list[CodePiece], float]:
    """The fenced code that has a grammar, as far as its cost permits, and the share it is of."""
    pieces: list[CodePiece] = []
    found_chars = 0
    share_left = 1.0
    for info, code in fenced_code(text):
        language = fence_language(info)
        if language in CODE_LANGUAGES:
            found_chars += len(code)
            cost = len(code) / max_chars(language)
            if cost <= share_left and len(pieces) < _MAX_PIECES:
                share_left -= cost
                pieces.append(CodePiece(code, language))
    taken_chars = sum(len(piece.text) for piece in pieces)
    return pieces, taken_chars / found_chars if taken_chars else 1.0


def _scores(item: _Item) -> Values:
    return scores(item.values)


_STEPS: Final[dict[Stage, tuple[Callable[[_Item], Values], ...]]] = {
    Stage.FEATURES: (
        _characters,
        _lines,
        _densities,
        _outline,
        _prose,
        _sensitive,
    ),
    Stage.COMPLEXITY: (_code,),
    Stage.AGGREGATION: (_scores,),
}
