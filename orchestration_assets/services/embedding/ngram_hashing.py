"""A vector of hashed character n-grams of a content's words."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.embedding.hashed_features import vector_of_hashes
from orchestration_assets.services.embedding.vector_readings import vector_reading
from orchestration_assets.services.readings import abstention
from orchestration_assets.text.word_memory import WordMemory

_MAX_CHARS: Final = 8_192
_SHORTEST: Final = 3
_LONGEST: Final = 5
_MAX_WORD: Final = 64
_TOKEN = re.compile(r"\w+")


def _ngram_hashes(words: Sequence[str]) -> list[Any]:
    """The hash of each run of 3 to 5 characters of each word between two spaces, as
    analyzer="char_wb" takes them; int32, those of one word together."""
    import numpy as np

    from orchestration_assets.text.murmur_hashes import murmur_hashes

    ngrams = [_ngrams(word) for word in words]
    hashes = murmur_hashes(list(chain.from_iterable(ngrams)))
    return list(np.split(hashes, np.cumsum([len(of_word) for of_word in ngrams])[:-1]))


_HASHES = WordMemory(1 << 14, _ngram_hashes)


def _ngrams(word: str) -> list[str]:
    padded = f" {word[:_MAX_WORD]} "
    return [
        padded[start : start + length]
        for length in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(padded) - length + 1)
    ]


class NgramHashing(EmbeddedService):
    """Hashes the 3- to 5-grams of characters within words, each at 1 + ln(occurrences).

    Reads the content as it is, markup and code included: no list of words, no parser.
    """

    name: ClassVar[str] = "ngram_hashing"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    expected_ms: ClassVar[float] = 2.0

    def answer(self, question: Question) -> Reading:
        import numpy as np

        words = Counter(_TOKEN.findall(question.item.text[:_MAX_CHARS].lower()))
        if not words:
            return abstention("no words")
        known = _HASHES.of(words)
        hashes = [known[word] for word in words]
        sizes = [len(one) for one in hashes]
        occurs = np.repeat(np.fromiter(words.values(), np.float64, len(words)), sizes)
        distinct, place = np.unique(np.concatenate(hashes), return_inverse=True)
        weights = 1 + np.log(np.bincount(place, occurs))
        evidence = f"{len(distinct)} distinct character n-grams of {len(words)} words, hashed"
        return vector_reading(vector_of_hashes(distinct, weights), len(words), evidence)
