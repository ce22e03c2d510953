"""The base of tone services: scores English sentences and states a confidence."""

from abc import abstractmethod
from typing import ClassVar, Final, NamedTuple

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstention
from orchestration_assets.text.function_words import ENGLISH, likely_language
from orchestration_assets.text.prose import prose_of
from orchestration_assets.text.sentences import sentences_of
from orchestration_assets.text.words import prose_words

MAX_SENTENCES: Final = 32
_MAX_CHARS: Final = 8_192
# A short exclamation has no function words; letters beyond ASCII speak against English then.
_SHORT_WORDS: Final = 8
# Set by judgement, not measured: so many words of tone give half of the confidence.
_HALF_CONFIDENCE_HITS: Final = 3.0
_MAX_CONFIDENCE: Final = 0.95
_MIN_AGREEMENT_FACTOR: Final = 0.5


class SentenceTone(NamedTuple):
    """A sentence's tone in [-1, 1], and how many words of the lexicon it has."""

    tone: float
    hits: int


class LexiconTone(EmbeddedService):
    """The mean tone of the sentences, neutral ones included, on the task's scale.

    The lowest value of the scale is -1 (negative), the highest 1 (positive). Confidence grows
    with the number of words of tone and shrinks where sentences contradict each other.
    """

    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.SCORE})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})

    @abstractmethod
    def tone_of(self, sentence: str) -> SentenceTone:
        """The tone of one sentence."""

    def answer(self, question: Question) -> Reading:
        item = question.item
        family = item.family
        prose = prose_of(item.text[:_MAX_CHARS], family)
        words = prose_words(prose)
        language = likely_language(words)
        if language != ENGLISH and not (
            language is None and 0 < len(words) <= _SHORT_WORDS and prose.isascii()
        ):
            return abstention("the prose is not English" if words else "no prose")
        tones = [self.tone_of(sentence) for sentence in sentences_of(prose, MAX_SENTENCES, family)]
        hits = sum(tone.hits for tone in tones)
        if not hits:
            return abstention(f"no word of tone in {len(tones)} sentences")
        total = sum(tone.tone for tone in tones)
        extent = sum(abs(tone.tone) for tone in tones)
        agreement = abs(total) / extent if extent else 1.0
        confidence = (
            hits
            / (hits + _HALF_CONFIDENCE_HITS)
            * (_MIN_AGREEMENT_FACTOR + (1 - _MIN_AGREEMENT_FACTOR) * agreement)
        )
        low, high = question.task.scale
        mean = max(-1.0, min(total / len(tones), 1.0))
        return Reading(
            Status.OK,
            answer=round(low + (mean + 1) / 2 * (high - low), 4),
            confidence=round(_MAX_CONFIDENCE * confidence, 4),
            evidence=f"{hits} words of tone in {len(tones)} sentences, agreement {agreement:.2f}",
        )
