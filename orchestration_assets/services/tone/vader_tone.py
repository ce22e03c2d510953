"""Tone by VADER: words rated by people, with rules for negation, emphasis and contrast."""

from functools import cache
from typing import Any, ClassVar

from orchestration_assets.services.tone.lexicon_tone import LexiconTone, SentenceTone


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


class VaderTone(LexiconTone):
    """The compound score of vaderSentiment (Hutto and Gilbert 2014), sentence by sentence."""

    name: ClassVar[str] = "vader_tone"
    expected_ms: ClassVar[float] = 1.5

    def tone_of(self, sentence: str) -> SentenceTone:
        analyzer = _analyzer()
        words = (word.strip(".,;:!?\"'()") for word in sentence.lower().split())
        rated = [word for word in words if word in analyzer.lexicon]
        # Without a word of its lexicon VADER finds nothing but emoji.
        if not rated and sentence.isascii():
            return SentenceTone(0.0, ())
        compound = float(analyzer.polarity_scores(sentence)["compound"])
        return SentenceTone(compound, rated or ([sentence] if compound else ()))
