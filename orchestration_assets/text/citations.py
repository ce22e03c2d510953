"""Citations in an answer: which passages its sentences name, and whether these bear them out."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from orchestration_assets.text.function_words import stop_words_for
from orchestration_assets.text.sentences import sentences_of
from orchestration_assets.text.words import prose_words

_CITED: Final = re.compile(r"\[(\d{1,3}(?:\s?[,;]\s?\d{1,3})*)\]")
_NUMBER: Final = re.compile(r"\d+(?:[.,:/-]\d+)*")
_STEM: Final = 5
"""Words count as the same where they begin alike: an answer may bend what a passage says."""
_LEAST_SUPPORTED: Final = 0.5
_LEAST_TOLD: Final = 3
"""Of fewer words most may be other words for the same."""
_MOST_SENTENCES: Final = 200


class UnsupportedCitation(NamedTuple):
    """A sentence whose citation does not hold, how far it does not, in (0, 1], and why in words."""

    sentence: str
    missing: float
    reason: str


def unsupported_citations(answer: str, passages: Sequence[str]) -> Iterator[UnsupportedCitation]:
    """The sentences of an answer that cite, like [2], what was not shown or does not say it.

    ``passages`` are those that were shown, from number 1 on. A passage says what a sentence says if
    it has every number of it and, of three words and more, at least half, function words apart, by
    their first five letters.
    """
    for sentence in _cited_sentences(answer):
        numbers = {int(one) for found in _CITED.findall(sentence) for one in _NUMBER.findall(found)}
        if strangers := sorted(one for one in numbers if not 0 < one <= len(passages)):
            shown = f"{len(passages)} passages were shown" if passages else "no passage was shown"
            named = ", ".join(f"[{one}]" for one in strangers)
            yield UnsupportedCitation(sentence, 1.0, f"cites {named}, and {shown}")
            continue
        said = _CITED.sub(" ", sentence)
        shown_text = "\n".join(passages[one - 1] for one in sorted(numbers))
        if (finding := _missing(said, shown_text)) is not None:
            share, words = finding
            named = ", ".join(f"[{one}]" for one in sorted(numbers))
            yield UnsupportedCitation(sentence, share, f"{named} does not say {words}")


def _cited_sentences(answer: str) -> Iterator[str]:
    """Sentences with a citation; one that stands behind the full stop belongs to what is before."""
    moved = re.sub(r"([.!?])(\s*)((?:\[[\d ,;]+\]\s*)+)", r"\2\3\1 ", answer)
    for sentence in sentences_of(moved, _MOST_SENTENCES):
        if _CITED.search(sentence):
            yield " ".join(sentence.split())


def _missing(said: str, shown: str) -> tuple[float, str] | None:
    """The share of what is said that is not shown, and the words; None where enough is."""
    held_numbers = {_plain(one) for one in _NUMBER.findall(shown)}
    numbers = [one for one in _NUMBER.findall(said) if _plain(one) not in held_numbers]
    words = prose_words(said)
    left_out = stop_words_for(words)
    telling = list(dict.fromkeys(word for word in words if word not in left_out))
    held = {word[:_STEM] for word in prose_words(shown)}
    absent = [word for word in telling if word[:_STEM] not in held]
    share = len(absent) / len(telling) if telling else 0.0
    if not numbers and (share <= _LEAST_SUPPORTED or len(telling) < _LEAST_TOLD):
        return None
    words_said = ", ".join((*numbers, *absent)[:6])
    return (1.0 if numbers else share), words_said


def _plain(number: str) -> str:
    return number.replace(",", "").lstrip("0") or "0"
