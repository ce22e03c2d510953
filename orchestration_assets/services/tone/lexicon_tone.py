"""The base of tone services: scores English sentences and states a confidence."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, NamedTuple

from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstention, quoted
from orchestration_assets.text.document_frequencies import OUT_OF, document_frequencies
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


# What a tenth of the documents of some kind use (*error*, *support*, *free*) is a term there and
# carries no tone by itself.
_COMMON: Final = OUT_OF // 10
# One telling word in a long reference is an accident: so many there must be a sentence, or for as
# many words as a sentence has where a page is one run of words.
_MIN_TELLING: Final = 0.3
_SENTENCE_WORDS: Final = 25
# A word that a whole text repeats is its term ("weak" of references): so many different ones tell.
_MIN_TELLING_WORDS: Final = 3
# A remark has no room for more than one word, which counts whatever it is.
_REMARK_SENTENCES: Final = 2
# And so far must the sentences be from neutral in the mean, whichever way: on a scale of 0 to 1.
_MIN_EXTENT: Final = 0.05


class SentenceTone(NamedTuple):
    """A sentence's tone in [-1, 1], and the words of the lexicon that it comes from."""

    tone: float
    words: Sequence[str]

    @property
    def telling(self) -> list[str]:
        """Those of the words that are not in common use as terms."""
        table, _ = document_frequencies()
        return [word for word in self.words if table.get(word, 0) < _COMMON]


class LexiconTone(EmbeddedService):
    """The mean tone of the sentences, neutral ones included, on the task's scale.

    Abstains where nothing shows that the text has a tone: reference documentation has words of the
    lexicon too, but they are its terms.

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
        sentences = sentences_of(prose, MAX_SENTENCES, family)
        tones = [self.tone_of(sentence) for sentence in sentences]
        hits = sum(len(tone.words) for tone in tones)
        if not hits:
            return abstention(f"no word of tone in {len(tones)} sentences")
        remark = family == Family.PROSE and len(sentences) <= _REMARK_SENTENCES
        telling = [word for tone in tones for word in tone.telling]
        units = max(len(sentences), sum(len(one.split()) for one in sentences) / _SENTENCE_WORDS)
        least = max(_MIN_TELLING * (units - 1), 1)
        if not remark and (
            len(telling) < least or len(set(telling)) < min(least, _MIN_TELLING_WORDS)
        ):
            return abstention(
                f"no tone: {len(telling)} of {hits} words of tone are no terms in "
                f"{len(tones)} sentences"
            )
        total = sum(tone.tone for tone in tones)
        extent = sum(abs(tone.tone) for tone in tones)
        if not remark and extent < _MIN_EXTENT * len(tones):
            return abstention(f"no tone: {extent / len(tones):.2f} from neutral in the mean")
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
            evidence=f"{hits} words of tone in {len(tones)} sentences, such as "
            f"{quoted(_strongest(tones))}; agreement {agreement:.2f}",
        )


def _strongest(tones: Sequence[SentenceTone]) -> Iterator[str]:
    """The words of tone, those of the sentences farthest from neutral first, terms last."""
    ordered = sorted(tones, key=lambda tone: -abs(tone.tone))
    for tone in ordered:
        yield from tone.telling
    for tone in ordered:
        yield from tone.words
