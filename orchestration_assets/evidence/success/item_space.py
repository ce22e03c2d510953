"""Items as points of a dense space: features of their profiles, and directions of their terms."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from orchestration_assets.evidence.item_inputs import Floats32, ItemInputs
from orchestration_assets.evidence.item_terms import ItemTerms, Packed
from orchestration_assets.evidence.recorded_answers import Floats

# what case, white space and punctuation change is left out: the same item, written in another
# way, is to get the same services; so is the share of hedging words, which a single synonym moves
NUMBERS: Final = (
    "word_count",
    "token_estimate",
    "prose_word_count",
    "mean_word_length",
    "lexical_diversity",
    "repeated_trigram_share",
    "long_word_share",
    "function_word_share",
    "sentiment",
    "sentiment_density",
    "digit_share",
    "non_ascii_share",
    "pronoun_density",
    "url_density",
    "number_density",
    "table_row_count",
    "code_fence_count",
    "link_count",
    "tag_count",
    "entry_count",
    "depth_max",
    "function_count",
    "class_count",
    "import_count",
    "cyclomatic_complexity",
    "cyclomatic_mean",
    "nesting_max",
    "comment_density",
    "parse_error_share",
)
NAMES: Final = ("family", "prose_language", "language_guess", "extension")
_LEAST_ITEMS: Final = 10
_MOST_TERMS: Final = 8_192
_TERM_DIRECTIONS: Final = 32
_SEMANTIC_DIRECTIONS: Final = 32


@dataclass(frozen=True)
class TermWeights:
    """The ``V`` terms that count, ascending hashes, and how much each does (inverse document
    frequency); ``directions`` (V, D) of the items that they were learned from."""

    vocabulary: Packed
    inverse_frequencies: Floats32
    directions: Floats32
    unknown: float

    def matrix(self, terms: ItemTerms) -> Any:
        """(n, V) sparse weights; each row at length 1, terms beyond the vocabulary counted in."""
        from scipy.sparse import csr_matrix

        ids, items = terms.ids, terms.items
        at = np.minimum(np.searchsorted(self.vocabulary, ids), max(len(self.vocabulary) - 1, 0))
        known = self.vocabulary[at] == ids if len(self.vocabulary) else np.zeros(len(ids), np.bool_)
        frequency = 1.0 + np.log(np.maximum(terms.counts, 1))
        weights = frequency * np.where(
            known, self.inverse_frequencies[at] if len(self.vocabulary) else 0.0, self.unknown
        )
        squares = np.bincount(items[known], weights=weights[known] ** 2, minlength=len(terms))
        weights = weights / np.sqrt(np.where(squares > 0.0, squares, 1.0))[items]
        shape = (len(terms), len(self.vocabulary))
        return csr_matrix((weights[known], (items[known], at[known])), shape=shape)


@dataclass(frozen=True)
class ItemSpace:
    """Where items stand, as learned from the items of training.

    ``centres`` and ``scales`` are of the features :data:`NUMBERS` after ln(1 + |x|);
    ``names`` are the pairs of feature and value that each has a coordinate of 0 or 1;
    ``semantic`` (D, 32) directions of embedded words, or None.
    """

    centres: Floats
    scales: Floats
    names: tuple[tuple[str, str], ...]
    terms: TermWeights
    semantic: Floats32 | None

    def shape(self, items: ItemInputs) -> Floats:
        """(n, features) standardised numbers and names of profiles."""
        numbers = (_dampened(items) - self.centres) / self.scales
        numbers = np.clip(np.where(np.isnan(numbers), 0.0, numbers), -5.0, 5.0)
        named = [
            pc.equal(items.profiles[feature], value).fill_null(False).to_numpy(zero_copy_only=False)
            for feature, value in self.names
        ]
        return np.column_stack([numbers, *named]).astype(np.float64)

    def topics(self, items: ItemInputs) -> Floats:
        """(n, D) where the items' terms and embedded words lie."""
        if items.terms is None:
            coordinates = np.zeros((len(items), self.terms.directions.shape[1]))
        else:
            coordinates = np.asarray(self.terms.matrix(items.terms) @ self.terms.directions)
        if self.semantic is None:
            return coordinates.astype(np.float64)
        embedded = (
            np.zeros((len(items), self.semantic.shape[1]))
            if items.semantic is None
            else items.semantic @ self.semantic
        )
        return np.hstack([coordinates, embedded]).astype(np.float64)


def fit_item_space(items: ItemInputs, seed: int) -> ItemSpace:
    """The space of ``items``; without any outcome."""
    dampened = _dampened(items)
    known = ~np.isnan(dampened)
    counts = np.maximum(known.sum(axis=0), 1)
    centres = np.where(known, dampened, 0.0).sum(axis=0) / counts
    squares = np.where(known, (dampened - centres) ** 2, 0.0).sum(axis=0) / counts
    scales = np.where(squares > 1e-12, np.sqrt(squares), 1.0)
    names = tuple((feature, value) for feature in NAMES for value in _common_values(items, feature))
    semantic = None
    if items.semantic is not None and items.semantic.shape[1]:
        semantic = _directions(items.semantic, _SEMANTIC_DIRECTIONS, seed)
    return ItemSpace(centres, scales, names, _fit_terms(items.terms, seed), semantic)


def _dampened(items: ItemInputs) -> Floats:
    numbers = items.numbers(NUMBERS)
    dampened: Floats = np.sign(numbers) * np.log1p(np.abs(numbers))
    return dampened


def _common_values(items: ItemInputs, feature: str) -> list[str]:
    counted = pc.value_counts(items.profiles[feature]).to_pylist()
    values = [(entry["values"], entry["counts"]) for entry in counted if entry["values"]]
    return sorted(
        value for value, count in values if _LEAST_ITEMS <= count <= len(items) - _LEAST_ITEMS
    )


def _fit_terms(terms: ItemTerms | None, seed: int) -> TermWeights:
    if terms is None or not len(terms.packed):
        return TermWeights(
            np.zeros(0, np.uint32), np.zeros(0, np.float32), np.zeros((0, 0), np.float32), 0.0
        )
    ids, frequencies = np.unique(terms.ids, return_counts=True)
    kept = np.flatnonzero(frequencies >= min(2, len(terms)))
    kept = np.sort(kept[np.argsort(-frequencies[kept], kind="stable")[:_MOST_TERMS]])
    n_items = len(terms)
    inverse = np.log((1.0 + n_items) / (1.0 + frequencies[kept])).astype(np.float32)
    undirected = TermWeights(
        ids[kept], inverse, np.zeros((len(kept), 0), np.float32), float(np.log1p(n_items))
    )
    directions = _directions(undirected.matrix(terms), _TERM_DIRECTIONS, seed)
    return TermWeights(undirected.vocabulary, inverse, directions, undirected.unknown)


def _directions(matrix: Any, most: int, seed: int) -> Floats32:
    """(columns, D) leading right singular vectors (Halko et al. 2011), of a signed order."""
    from sklearn.utils.extmath import randomized_svd

    size = min(most, *(length - 1 for length in matrix.shape))
    if size < 1:
        return np.zeros((matrix.shape[1], 0), np.float32)
    _, _, right = randomized_svd(matrix, n_components=size, n_iter=4, random_state=seed)
    return np.ascontiguousarray(right.T, dtype=np.float32)
