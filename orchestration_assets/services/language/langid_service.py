"""Natural language of the item's prose, by the py3langid model."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.language.natural_languages import NATURAL_LANGUAGES
from orchestration_assets.services.readings import MAX_ALTERNATIVES, abstention, label_reading
from orchestration_assets.text.prose import prose_of
from orchestration_assets.text.spread_pieces import spread_pieces

# 1,024 characters in all
_PIECES: Final = 4
_PIECE_CHARS: Final = 256
_TOLD: Final = 1 + MAX_ALTERNATIVES


@cache
def _model() -> Any:
    import numpy as np
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    from orchestration_assets.services.language.byte_automaton import ByteAutomaton
    from orchestration_assets.services.language.half_rows import half_rows

    class Identifier(LanguageIdentifier):  # type: ignore[misc]
        """``seen_in`` holds what its automaton sees in some encoded texts, with how often: each
        feature where it is seen first, as counting them one by one has them."""

        __slots__ = ("automaton", "seen_in")

        def _raw_score(self, text: bytes) -> Any:
            if text in self.seen_in:
                features, times = self.seen_in[text]
                if len(features):
                    return np.log1p(times) @ self.nb_ptc[features] + self.nb_pc
            elif seen := Counter(self.automaton.features_of(text)):
                return self._sparse_score(seen, self.nb_ptc)
            # of nothing that is seen every language is as probable
            return np.zeros_like(self.nb_pc)

    model = Identifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.seen_in = {}
    model.automaton = ByteAutomaton.of_table(model.tk_nextmove, model.tk_row, model.tk_output)
    # a third of the model's memory, and what the automaton holds in a sixth of that
    model.tk_nextmove = model.tk_row = model.tk_output = model._rowbase = ()
    # Its other labels are dialects and "no language", which the vocabulary has not.
    model.set_languages(sorted(set(model.labels) & set(NATURAL_LANGUAGES)))
    # a text needs whole rows of the table, which choosing columns has left scattered in memory
    model.nb_ptc = half_rows(model.nb_ptc)
    # of all languages only those that were chosen are asked for
    model._full_model = None
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


# A piece is in a language when the model gives it at least this share, and it has so many letters.
_MIN_PIECE_SHARE: Final = 0.9
_MIN_PIECE_LETTERS: Final = 80
# A piece rules a language out when the model gives it at most this share.
_MAX_EXCLUDED_SHARE: Final = 0.02


class LangidService(EmbeddedService):
    """Asks py3langid about four pieces of the item's prose, together and one by one.

    Where pieces are surely in different languages, the confidence is the share of the commonest.
    """

    name: ClassVar[str] = "langid"
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.5

    @classmethod
    def prepare(cls) -> None:
        _model()

    def answer(self, question: Question) -> Reading:
        return _answer(question, _pieces(question))

    def answers(self, questions: Sequence[Question]) -> list[Reading]:
        from orchestration_assets.services.language.byte_automaton import FEW_TEXTS

        pieces_of = [_pieces(question) for question in questions]
        model = _model()
        # pieces are looked at one by one where there are several
        texts = {
            model._encode(text) for pieces in pieces_of for text in (" ".join(pieces), *pieces)
        }
        if len(texts) < FEW_TEXTS:
            return super().answers(questions)
        encoded = list(texts)
        model.seen_in = dict(zip(encoded, model.automaton.counted(encoded), strict=True))
        try:
            return list(map(_answer, questions, pieces_of))
        finally:
            model.seen_in = {}


def _pieces(question: Question) -> list[str]:
    whole = prose_of(question.item.text, question.item.family)
    return spread_pieces(whole, _PIECES, _PIECE_CHARS)


def _answer(question: Question, pieces: Sequence[str]) -> Reading:
    prose = " ".join(pieces)
    letters_of = list(map(_letters, pieces))
    letters = sum(letters_of)
    if letters < _MIN_LETTERS:
        return abstention(f"only {letters} letters of prose")
    trust = letters / (letters + _DOUBT_LETTERS)
    ranked = [(label, float(share) * trust) for label, share in _model().rank(prose)[:_TOLD]]
    if ranked[0][1] < _MIN_CONFIDENCE:
        return abstention(f"no language stands out in {letters} letters of prose")
    if len(shares := _language_shares(pieces, letters_of)) > 1:
        parts = ", ".join(f"{label} {share:.0%}" for label, share in shares)
        mixed = [(label, share * trust) for label, share in shares]
        return label_reading(question, mixed, f"a mixture: {parts} of {letters} letters of prose")
    return label_reading(question, ranked, f"character statistics of {letters} letters of prose")


def _letters(text: str) -> int:
    return sum(
        count * (_IDEOGRAPH_LETTERS if letter >= _IDEOGRAPHS_FROM else 1)
        for letter, count in Counter(text).items()
        if letter.isalpha()
    )


def _language_shares(pieces: Sequence[str], letters_of: Sequence[int]) -> list[tuple[str, float]]:
    """Languages that pieces are surely in, with their shares of such letters; the most first.

    Another language counts beside the commonest only when the pieces of each rule the other out:
    related languages are told apart by whole texts. Empty when no piece is sure, or is alone.
    """
    if len(pieces) < 2:
        return []
    letters_by_language: Counter[str] = Counter()
    sure: list[tuple[str, str]] = []
    for piece, letters in zip(pieces, letters_of, strict=True):
        if letters < _MIN_PIECE_LETTERS:
            continue
        best, share = _model().classify(piece)
        if share >= _MIN_PIECE_SHARE:
            letters_by_language[best] += letters
            sure.append((piece, best))
    shares = sorted(letters_by_language.items(), key=lambda entry: (-entry[1], entry[0]))
    if len(shares) < 2:
        return [(label, 1.0) for label, _ in shares]
    main, ruled_out_by = shares[0][0], _ruled_out_by(sure)
    kept = [
        (label, count)
        for label, count in shares
        if label == main or (label in ruled_out_by[main] and main in ruled_out_by[label])
    ]
    total = sum(count for _, count in kept)
    return [(label, count / total) for label, count in kept]


def _ruled_out_by(sure: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    """Language -> the languages that every piece surely in it rules out."""
    ruled_out_by: dict[str, set[str]] = {}
    for piece, best in sure:
        ranked = _model().rank(piece)
        ruled_out = {label for label, share in ranked if share <= _MAX_EXCLUDED_SHARE}
        ruled_out_by[best] = ruled_out_by.get(best, ruled_out) & ruled_out
    return ruled_out_by
