"""Natural language of the item's prose, by the py3langid model."""

from functools import cache
from importlib.metadata import version as installed_version
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from resources.ai_services.contract import EmbeddedService
from resources.ai_services.natural_languages import NATURAL_LANGUAGES
from resources.ai_services.readings import abstained, answered
from resources.prose import prose_of

_MAX_CHARS: Final = 1024


@cache
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # Its other labels are dialects and "no language", which the vocabulary has not.
    model.set_languages(sorted(set(model.labels) & set(NATURAL_LANGUAGES)))
    return model


# An ideograph or a kana says about as much as this many letters of an alphabet.
_IDEOGRAPH_LETTERS: Final = 3
_IDEOGRAPHS_FROM: Final = "\u3040"
_MIN_LETTERS: Final = 12
# Below this the model's best language is hardly better than its second.
_MIN_CONFIDENCE: Final = 0.2
# Two letters' worth of doubt: texts under 40 letters are right less often than the model
# believes (87 % of those it gives .95 or more), longer ones about as often.
_DOUBT_LETTERS: Final = 2


class LangidService(EmbeddedService):
    """Asks py3langid about the first kilobyte of the item's prose."""

    name: ClassVar[str] = "langid"
    version: ClassVar[str] = f"1-py3langid-{installed_version('py3langid')}"
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.3

    def answer(self, question: Question) -> Reading:
        item = question.item
        prose = prose_of(item.text, str(item.profile.get("family", "prose")))[:_MAX_CHARS]
        letters = sum(
            _IDEOGRAPH_LETTERS if letter >= _IDEOGRAPHS_FROM else 1
            for letter in prose
            if letter.isalpha()
        )
        if letters < _MIN_LETTERS:
            return abstained(f"only {letters} letters of prose")
        trust = letters / (letters + _DOUBT_LETTERS)
        ranked = [(label, float(share) * trust) for label, share in _model().rank(prose)]
        if ranked[0][1] < _MIN_CONFIDENCE:
            return abstained(f"no language stands out in {letters} letters of prose")
        return answered(question, ranked, f"character statistics of {letters} letters of prose")
