"""Tone by the subjectivity lexicon of Pattern: adjectives as reviews of products use them."""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from statistics import fmean
from typing import ClassVar, Final, NamedTuple

from orchestration_assets.services.tone.lexicon_tone import LexiconTone, SentenceTone

# In TextBlob's package; read as a file, because importing textblob imports all of NLTK (2-5 s).
_LEXICON: Final = "textblob/en/en-sentiment.xml"
_ENTRY = re.compile(
    r'<word form="([^"]+)"[^>]*? pos="([A-Z]+)"[^>]*? polarity="([-.\d]+)"'
    r'[^>]*? intensity="([.\d]+)"'
)
_WORD = re.compile(r"[a-z]+(?:['\u2019-][a-z]+)*")
_NEGATIONS: Final = frozenset("no not never without neither nor cannot hardly".split())
# "not bad" is half as good as "bad" is bad.
_NEGATION_FACTOR: Final = -0.5
# A negation reaches over an adverb and an article: "not a very good".
_NEGATION_WORDS: Final = 3
_NEUTRAL: Final = 0.05


class _RatedWord(NamedTuple):
    polarity: float
    intensity: float
    is_adverb: bool


@cache
def _lexicon() -> Mapping[str, _RatedWord]:
    """Word -> the means of its senses; polarity in [-1, 1], intensity in [0.5, 2]."""
    path = Path(str(distribution("textblob").locate_file(_LEXICON)))
    senses: dict[str, list[_RatedWord]] = defaultdict(list)
    for form, part, polarity, intensity in _ENTRY.findall(path.read_text("utf-8")):
        senses[form].append(_RatedWord(float(polarity), float(intensity), part == "RB"))
    return {
        form: _RatedWord(
            fmean(sense.polarity for sense in listed),
            fmean(sense.intensity for sense in listed),
            any(sense.is_adverb for sense in listed),
        )
        for form, listed in senses.items()
    }


class AdjectiveTone(LexiconTone):
    """The mean polarity of a sentence's rated words, after De Smedt and Daelemans 2012.

    An adverb before a rated word multiplies its polarity by the adverb's intensity; a negation
    among the three words before it turns the polarity round and halves it.
    """

    name: ClassVar[str] = "adjective_tone"
    expected_ms: ClassVar[float] = 0.6

    def tone_of(self, sentence: str) -> SentenceTone:
        lexicon = _lexicon()
        words = _WORD.findall(sentence.lower())
        polarities: list[float] = []
        rated_words: list[str] = []
        for place, word in enumerate(words):
            rated = lexicon.get(word)
            if rated is None or abs(rated.polarity) < _NEUTRAL:
                continue
            polarity = rated.polarity
            before = words[max(place - _NEGATION_WORDS, 0) : place]
            if before and (adverb := lexicon.get(before[-1])) and adverb.is_adverb:
                polarity *= adverb.intensity
            if any(w in _NEGATIONS or w.endswith(("n't", "n\u2019t")) for w in before):
                polarity *= _NEGATION_FACTOR
            polarities.append(max(-1.0, min(polarity, 1.0)))
            rated_words.append(word)
        return SentenceTone(fmean(polarities) if polarities else 0.0, rated_words)
