"""Five scores in [0, 1], derived from the features alone: first estimates for rules to order by.

Every score is a weighted mean of terms; the weights of one score add up to 1. A term is the
saturating ratio ``rise(x, half) = x / (x + half)``, 0 at 0 and 1/2 at ``half``, or its complement;
it never reaches 1, so no score sticks to the top. A feature that does not apply counts as 0.
Each score is monotone in each of its features, rising unless its docstring says falling.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from orchestration_assets.profiling.text import Values

Numbers = Mapping[str, float]


class Score(NamedTuple):
    """A score's formula and the features that it reads."""

    formula: Callable[[Numbers], float]
    inputs: tuple[str, ...]


def scores(values: Values) -> Values:
    """All scores of one item. A score is missing when a feature that it reads is not in
    ``values``; None there means that the feature does not apply."""
    return {
        name: score.formula({key: float(values[key] or 0) for key in score.inputs})
        for name, score in SCORES.items()
        if all(key in values for key in score.inputs)
    }


def rise(x: float, half: float) -> float:
    """x / (x + half) for x >= 0: from 0 towards 1, 1/2 at ``half``."""
    return x / (x + half)


def _per_100_lines(x: Numbers, *names: str) -> float:
    return 100 * sum(x[name] for name in names) / max(x["line_count"], 1)


def _structure(x: Numbers) -> float:
    """How far the text is laid out. 0.5 outline marks and definitions per 100 lines (half 10),
    0.2 indentation (half 3 columns), 0.15 blank lines (half 0.15), 0.15 tags (half 50 per 100
    lines)."""
    marks = _per_100_lines(
        x,
        "heading_count",
        "list_item_count",
        "table_row_count",
        "code_fence_count",
        "function_count",
        "class_count",
    )
    return (
        0.5 * rise(marks, 10)
        + 0.2 * rise(x["indent_depth"], 3)
        + 0.15 * rise(x["blank_line_share"], 0.15)
        + 0.15 * rise(_per_100_lines(x, "tag_count"), 50)
    )


def _technicality(x: Numbers) -> float:
    """How much is notation and terms. 0.35 punctuation and symbols (half 0.08 of the characters),
    0.25 numbers per 100 words (half 8), 0.25 definitions, imports and fences per 100 lines (half
    8), 0.15 length of words over 4 characters (half 2)."""
    notation = _per_100_lines(
        x, "function_count", "class_count", "import_count", "code_fence_count"
    )
    return (
        0.35 * rise(x["punctuation_share"], 0.08)
        + 0.25 * rise(x["number_density"], 8)
        + 0.25 * rise(notation, 8)
        + 0.15 * rise(max(x["mean_word_length"] - 4, 0), 2)
    )


def _ambiguity(x: Numbers) -> float:
    """How much is left open or implied. 0.35 words of doubt (half 2 per 100 words), 0.35 pronouns
    (half 6), 0.15 question marks (half 1); 0.15 for prose that names little, falling with
    capitalised words (half 4). Text without prose has none."""
    names_little = 1 - rise(x["entity_density"], 4) if x["prose_word_count"] else 0.0
    return (
        0.35 * rise(x["hedge_density"], 2)
        + 0.35 * rise(x["pronoun_density"], 6)
        + 0.15 * rise(x["question_density"], 1)
        + 0.15 * names_little
    )


def _complexity(x: Numbers) -> float:
    """How hard it is to follow, whatever its length. 0.25 words a sentence (half 20), 0.2 branching
    (cyclomatic mean over 1, half 2), 0.2 nesting (mean depth of blocks, half 2), 0.2 long words
    (half 0.3 of the words), 0.15 lexical diversity (half 80)."""
    return (
        0.25 * rise(x["mean_sentence_words"], 20)
        + 0.2 * rise(max(x["cyclomatic_mean"] - 1, 0), 2)
        + 0.2 * rise(x["nesting_mean"], 2)
        + 0.2 * rise(x["long_word_share"], 0.3)
        + 0.15 * rise(x["lexical_diversity"], 80)
    )


def _creativity(x: Numbers) -> float:
    """How varied the language is. 0.45 lexical diversity (half 80), 0.25 variation of sentence
    length (half 0.6), 0.15 quotation marks (half 2 per 100 words), 0.15 share of the words that
    are prose. It does not see whether a text is original."""
    prose_share = min(x["prose_word_count"] / max(x["word_count"], 1), 1)
    return (
        0.45 * rise(x["lexical_diversity"], 80)
        + 0.25 * rise(x["sentence_variation"], 0.6)
        + 0.15 * rise(x["quote_density"], 2)
        + 0.15 * prose_share
    )


SCORES: Final[dict[str, Score]] = {
    "structure_score": Score(
        _structure,
        (
            "line_count",
            "heading_count",
            "list_item_count",
            "table_row_count",
            "code_fence_count",
            "function_count",
            "class_count",
            "indent_depth",
            "blank_line_share",
            "tag_count",
        ),
    ),
    "creativity_score": Score(
        _creativity,
        (
            "lexical_diversity",
            "sentence_variation",
            "quote_density",
            "prose_word_count",
            "word_count",
        ),
    ),
    "technicality_score": Score(
        _technicality,
        (
            "line_count",
            "punctuation_share",
            "number_density",
            "function_count",
            "class_count",
            "import_count",
            "code_fence_count",
            "mean_word_length",
        ),
    ),
    "ambiguity_score": Score(
        _ambiguity,
        (
            "prose_word_count",
            "hedge_density",
            "pronoun_density",
            "question_density",
            "entity_density",
        ),
    ),
    "complexity_score": Score(
        _complexity,
        (
            "mean_sentence_words",
            "cyclomatic_mean",
            "nesting_mean",
            "long_word_share",
            "lexical_diversity",
        ),
    ),
}
"""The scores by name."""
