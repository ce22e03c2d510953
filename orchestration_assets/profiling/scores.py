"""Five scores in [0, 1], derived from the features alone: first estimates for rules to order by.

Every score is the weighted mean of its terms. A term is the saturating ratio
``rise(x, half) = x / (x + half)``, 0 at 0 and 1/2 at ``half``, or its complement; it never reaches
1, so no score sticks to the top. A term whose feature does not apply to the item (it has no prose,
no code) takes no part, so a short text without one is not called simple for that; a score without
a term is 0. The terms are densities, shares and means, so no score depends on an item's length.
Each score is monotone in each of its features, rising unless the table says falling.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from orchestration_assets.profiling.text import Values

Numbers = Mapping[str, float]


class Term(NamedTuple):
    """A part of a score. It applies where the feature ``needs`` does; "" applies everywhere."""

    weight: float
    needs: str
    value: Callable[[Numbers], float]
    others: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every feature that the term reads."""
        return (self.needs, *self.others) if self.needs else self.others


class Score(NamedTuple):
    """The terms of a score, and every feature that they read."""

    terms: tuple[Term, ...]
    inputs: frozenset[str]


def _score(*terms: Term) -> Score:
    return Score(terms, frozenset(name for term in terms for name in term.inputs))


def scores(values: Values) -> Values:
    """All scores of one item. A score is missing when a feature that it reads is not in
    ``values``; None there means that the feature does not apply."""
    known = values.keys()
    numbers = {name: float(values[name] or 0) for name in known & _INPUTS}
    return {
        name: _mean(score, values, numbers)
        for name, score in SCORES.items()
        if score.inputs <= known
    }


def _mean(score: Score, values: Values, numbers: Numbers) -> float:
    total = weighted = 0.0
    for weight, needs, value, _ in score.terms:
        if not needs or values[needs] is not None:
            total += weight
            weighted += weight * value(numbers)
    return weighted / total if total else 0.0


def rise(x: float, half: float) -> float:
    """x / (x + half) for x >= 0: from 0 towards 1, 1/2 at ``half``."""
    return x / (x + half)


def _rising(weight: float, name: str, half: float, above: float = 0.0) -> Term:
    """A term that rises with what a feature has ``above`` a level."""
    return Term(weight, name, lambda x: rise(max(x[name] - above, 0.0), half))


def _falling(weight: float, name: str, half: float) -> Term:
    return Term(weight, name, lambda x: 1 - rise(x[name], half))


def _dense(weight: float, names: tuple[str, ...], half: float, per: str) -> Term:
    """A term that rises with the sum of several counts per 100 of another."""
    return Term(
        weight,
        "",
        lambda x: rise(100 * sum(map(x.__getitem__, names)) / max(x[per], 1.0), half),
        (*names, per),
    )


_DEFINITIONS: Final = ("function_count", "class_count")
_MARKS: Final = ("heading_count", "list_item_count", "table_row_count", "code_fence_count")

SCORES: Final[dict[str, Score]] = {
    # How far the text is laid out: outline marks and definitions per 100 words, indentation in
    # columns, blank lines, tags per 100 words.
    "structure_score": _score(
        _dense(0.5, (*_MARKS, *_DEFINITIONS), 3, "word_count"),
        _rising(0.2, "indent_depth", 3),
        _rising(0.15, "blank_line_share", 0.15),
        _dense(0.15, ("tag_count",), 20, "word_count"),
    ),
    # How varied the language is: diversity, variation of sentence length, quotation marks per 100
    # words, share of the words that are prose. It does not see whether a text is original.
    "creativity_score": _score(
        _rising(0.45, "lexical_diversity", 80),
        _rising(0.25, "sentence_variation", 0.6),
        _rising(0.15, "quote_density", 2),
        Term(
            0.15,
            "",
            lambda x: min(x["prose_word_count"] / max(x["word_count"], 1.0), 1.0),
            ("prose_word_count", "word_count"),
        ),
    ),
    # How much is notation and terms: punctuation and symbols among the characters, numbers per 100
    # words, definitions, imports and fences per 100 lines, length of words above 4 characters.
    "technicality_score": _score(
        _rising(0.35, "punctuation_share", 0.08),
        _rising(0.25, "number_density", 8),
        _dense(0.25, (*_DEFINITIONS, "import_count", "code_fence_count"), 8, "line_count"),
        _rising(0.15, "mean_word_length", 2, above=4),
    ),
    # How much is left open or implied: words of doubt, pronouns and question marks per 100 words,
    # and prose that names little, falling with capitalised words.
    "ambiguity_score": _score(
        _rising(0.35, "hedge_density", 2),
        _rising(0.35, "pronoun_density", 6),
        _rising(0.15, "question_density", 1),
        _falling(0.15, "entity_density", 4),
    ),
    # How hard it is to follow: words a sentence, branching of functions, mean depth of blocks,
    # share of long words, diversity.
    "complexity_score": _score(
        _rising(0.25, "mean_sentence_words", 20),
        _rising(0.2, "cyclomatic_mean", 2, above=1),
        _rising(0.2, "nesting_mean", 2),
        _rising(0.2, "long_word_share", 0.3),
        _rising(0.15, "lexical_diversity", 80),
    ),
}
"""The scores by name; falling in ``word_count``, ``line_count`` and ``entity_density``."""

_INPUTS: Final = frozenset[str]().union(*(score.inputs for score in SCORES.values()))
