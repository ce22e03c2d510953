"""Which field the label of a value names: by the field's name, and by other words for it."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

from orchestration_assets.schemas.record_fields import RecordField

EXACT: Final = 1.0
_QUALIFIED: Final = 0.97
_ENDS_WITH: Final = 0.8
_OTHER_THING: Final = 0.6
_BEGINS_WITH: Final = 0.75
_SHORTER: Final = 0.65
_LONGEST: Final = 60
_MOST_WORDS: Final = 8
_MOST_MORE: Final = 3
_SAME: Final = {
    **dict.fromkeys(("no", "nr", "num", "n\u00ba", "n\u00b0", "\u2116", "#"), "number"),
    **{"qty": "quantity", "amt": "amount", "desc": "description", "descr": "description"},
    **{"tel": "phone", "telephone": "phone", "dept": "department", "addr": "address"},
    **{"mail": "email", "ref": "reference", "organisation": "organization", "licence": "license"},
    **{"people": "person", "persons": "person"},
}
_PARTICLES: Final = frozenset(
    "the a an your our please le la les l de du des d der die das el los del notre votre".split()
)
_JOINS: Final = frozenset(("of", "for", "due", "in", "per", "from", "to", "by", "and"))
_TAILS: Final = frozenset(("of", "for", "due", "by", "amount", "name", "sum", "value"))
# words after which a label means something else, and heads that mean little without what is before
_LESS: Final = frozenset(
    "sub sous zwischen subtotal net netto nett excl excluding excluded without before ohne hors ht "
    "exkl no old previous".split()
)
_BARE: Final = frozenset(
    "number date name code id address type amount price value key time day".split()
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CODE: Final = re.compile(r"[_.:$\\=<>/]\w|[`{}]")
_ASIDE: Final = re.compile(r"[(\[].*|(?<=\s)\d{1,4}(?:[.,]\d{1,2})?\s?%?\s*\Z|[-\s]%\s*\Z")
_WORD: Final = re.compile(r"[^\W_]+[\u00b0]?|#|\u2116")

Words = tuple[str, ...]


@lru_cache(maxsize=4096)
def folded(label: str) -> Words:
    """The words of a label or name without case, plural, particles and common abbreviations."""
    found = _WORD.findall(label[:_LONGEST].casefold())
    if "e" in found[:1] and found[1:2] == ["mail"]:
        found = found[1:]
    words = tuple(_singular(_SAME.get(word, word)) for word in found)
    return tuple(word for word in words if word not in _PARTICLES) or words


def name_words(name: str) -> Words:
    """The words of a field's name: ``invoice_number``, ``invoiceNumber``."""
    return folded(_CAMEL.sub(" ", name))


def _singular(word: str) -> str:
    if len(word) < 4 or word[-1] != "s" or word.endswith(("ss", "us", "is")):
        return _SAME.get(word, word)
    word = word[:-3] + "y" if word.endswith("ies") else word[:-1]
    word = word[:-1] if word.endswith(("sse", "xe", "che")) else word
    return _SAME.get(word, word)


@dataclass(frozen=True, slots=True)
class FieldLabels:
    """The labels of several fields.

    ``exact`` maps the words of a label to the numbers of the fields that they name in full;
    ``forms`` are all labels of each field; ``ends`` the first and last words of these;
    ``beginnings`` is what every spelling of these begins with, and whether it is the whole word.
    """

    exact: Mapping[Words, tuple[int, ...]]
    forms: tuple[tuple[Words, ...], ...]
    ends: frozenset[str]
    beginnings: tuple[tuple[str, bool], ...]

    def lines_in(self, lines: Sequence[str]) -> list[int]:
        """The lines that may have a label in them, by number: few of most texts."""
        folded_lines = [line.casefold() for line in lines]
        text = "\n".join(folded_lines)
        starts = [0, *accumulate(len(line) + 1 for line in folded_lines)]
        found: set[int] = set()
        for beginning, is_whole in self.beginnings:
            place = text.find(beginning)
            while place >= 0:
                number = bisect_right(starts, place) - 1
                end = place + len(beginning)
                if not is_whole or not (
                    text[place - 1 : place].isalpha() or text[end : end + 1].isalpha()
                ):
                    found.add(number)
                    end = starts[number + 1]
                place = text.find(beginning, end)
        return sorted(found)

    def fields_of(self, label: str, *, partly: bool = True) -> tuple[tuple[int, float], ...]:
        """The fields that a label may name, by number, with how plainly in (0, 1].

        1 where it is the name of the field or another label of it; .97 with something in brackets
        or a rate behind; and, only where it is no field's in full, .8 where it ends with it
        (*Invoice total*), .6 where that says little by itself (*Customer number* for ``number``),
        .75 where it begins with it (*Total due*), .65 where it is a part of it (*Number* for
        ``invoice_number``). A *Subtotal* is no total.
        """
        if not label or len(label) > _LONGEST:
            return ()
        words = folded(label)
        if words in self.exact:
            return tuple((number, EXACT) for number in self.exact[words])
        if " " not in label and _CAMEL.search(label) and (words := name_words(label)) in self.exact:
            return tuple((number, EXACT) for number in self.exact[words])
        if not label.isalpha():
            # "Total (EUR)", "VAT 20 %"
            bare = folded(_ASIDE.sub("", label))
            if bare != words and bare in self.exact:
                return tuple((number, _QUALIFIED) for number in self.exact[bare])
            words = bare or words
        # names of programs are not parts of speech: "a_number", "self.title"
        if not partly or not 0 < len(words) <= _MOST_WORDS or _CODE.search(label):
            return ()
        if words[0] not in self.ends and words[-1] not in self.ends:
            return ()
        return tuple(
            (number, strength)
            for number, forms in enumerate(self.forms)
            if (strength := max((_partly(words, form) for form in forms), default=0.0))
        )


def _partly(words: Words, form: Words) -> float:
    more = len(words) - len(form)
    if 0 < more <= _MOST_MORE:
        if _LESS & set(words):
            return 0.0
        if words[more:] == form and not _JOINS & set(words):
            return _OTHER_THING if form[0] in _BARE else _ENDS_WITH
        if words[: len(form)] == form and words[len(form)] in _TAILS:
            return _BEGINS_WITH
    elif more < 0 and (form[-len(words) :] == words or form[: len(words)] == words):
        return _SHORTER
    return 0.0


def field_labels(
    fields: Sequence[RecordField], others: Mapping[str, Iterable[str]], before: str = ""
) -> FieldLabels:
    """The labels of fields: their names, and what ``others`` has by path (``lines.item``)."""
    forms = tuple(
        tuple(
            dict.fromkeys(
                filter(
                    None,
                    [name_words(one.name), *map(folded, others.get(f"{before}{one.name}", ()))],
                )
            )
        )
        for one in fields
    )
    exact: dict[Words, tuple[int, ...]] = {}
    for number, labels in enumerate(forms):
        for label in labels:
            exact[label] = (*exact.get(label, ()), number)
    ends = {word for labels in forms for label in labels for word in (label[0], label[-1])}
    return FieldLabels(exact, forms, frozenset(ends), _beginnings(ends))


def _beginnings(words: Iterable[str]) -> tuple[tuple[str, bool], ...]:
    begins: set[tuple[str, bool]] = set()
    for word in words:
        # the last letter changes in a plural
        begins.add((word[:-1], False) if len(word) > 2 else (word, True))
        begins |= {(other, True) for other, same in _SAME.items() if same == word}
    return tuple(sorted(begins))
