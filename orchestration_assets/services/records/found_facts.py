"""Facts that have a form of their own: dates, amounts, addresses, telephones and identifiers."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import ClassVar, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstention
from orchestration_assets.services.records.field_labels import name_words
from orchestration_assets.services.records.record_readings import Found, record_reading
from orchestration_assets.services.records.typed_values import coerced
from orchestration_assets.text.sensitive.addresses import mail_addresses
from orchestration_assets.text.sensitive.numbers import phone_numbers
from orchestration_assets.text.sensitive.spans import character_classes
from orchestration_assets.text.written_amounts import currency_of, written_amounts
from orchestration_assets.text.written_dates import settled_in, written_dates
from orchestration_assets.text.written_identifiers import IdentifierScheme, written_identifiers
from orchestration_assets.text.written_urls import written_urls

MAX_CHARS: Final = 262_144
_MOST_FOUND: Final = 5000
_MOST_ENTRIES: Final = 200
_LONGEST_TEXT: Final = 4000


class FactKind(StrEnum):
    """What is looked for; the schemes of identifiers by their own names too."""

    DATES = "dates"
    AMOUNTS = "amounts"
    CURRENCIES = "currencies"
    EMAILS = "emails"
    URLS = "urls"
    PHONE_NUMBERS = "phone numbers"
    IDENTIFIERS = "identifiers"
    DOI = "doi"
    ISBN = "isbn"
    CVE = "cve"
    RFC = "rfc"
    ARXIV = "arxiv"
    IBAN = "iban"


_NAMED: Final = {
    FactKind.DATES: "date day mentioned_date document_date",
    FactKind.AMOUNTS: "amount price money cost fee payment",
    FactKind.CURRENCIES: "currency",
    FactKind.EMAILS: "email email_address mail_address e_mail contact_email",
    FactKind.URLS: "url link web_address web_page website homepage home_page hyperlink uri",
    FactKind.PHONE_NUMBERS: "phone phone_number telephone_number",
    FactKind.IDENTIFIERS: "identifier id reference reference_number code document_number",
    FactKind.DOI: "doi",
    FactKind.ISBN: "isbn",
    FactKind.CVE: "cve vulnerability",
    FactKind.RFC: "rfc",
    FactKind.ARXIV: "arxiv arxiv_id",
    FactKind.IBAN: "iban account_number bank_account",
}
_KINDS: Final = {name_words(name): kind for kind, names in _NAMED.items() for name in names.split()}
_SCHEMES: Final = {
    FactKind(scheme.value): scheme for scheme in IdentifierScheme if scheme != "code"
}
# How often what has the form is the thing, set by judgement; a single one of several is a guess.
_SURE: Final = {
    FactKind.DATES: 0.9,
    FactKind.AMOUNTS: 0.9,
    FactKind.CURRENCIES: 0.9,
    FactKind.EMAILS: 0.97,
    FactKind.URLS: 0.97,
    FactKind.PHONE_NUMBERS: 0.85,
    FactKind.IDENTIFIERS: 0.8,
}
_SURE_SCHEME: Final = 0.95
_ONE_OF_MANY: Final = 0.6
_CURRENCY_NAMES: Final = frozenset((("currency",), ("unit",)))
_SCHEME_NAMES: Final = frozenset((("scheme",), ("kind",), ("type",)))


class FoundFactParameters(BaseModel):
    """``finds``: field -> what it holds: dates, amounts, currencies, emails, urls, phone numbers,
    identifiers, or one scheme of these: doi, isbn, cve, rfc, arxiv, iban."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    finds: Mapping[str, FactKind] = Field(default_factory=dict)


class _Fact(NamedTuple):
    """One fact: as text, the words of the content, and what else is known of it by name."""

    value: str
    words: str
    number: float | None = None
    currency: str = ""
    scheme: str = ""


class FoundFacts(EmbeddedService):
    """Finds dates, amounts with a currency, mail and web addresses, telephones and identifiers.

    Which of them a field holds says its name (``dates``, ``links``, ``doi``), or the parameters.
    Identifiers are DOI, ISBN and IBAN with right check digits, CVE, RFC, arXiv, and numbers of
    papers such as ``INV-2026-17``. A list has each once, in the order of the content, 200 at most;
    a single field what occurs most often, the first of several. Dates are ISO 8601, amounts
    ``1234.5 EUR``; entries with fields of their own take the number, currency or scheme by name.
    """

    name: ClassVar[str] = "found_facts"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.RECORD})
    expected_ms: ClassVar[float] = 1.5
    Parameters: ClassVar[type[BaseModel]] = FoundFactParameters
    parameters: FoundFactParameters

    def answer(self, question: Question) -> Reading:
        kinds = {
            field.name: kind
            for field in question.task.fields
            if (kind := self.parameters.finds.get(field.name) or kind_of(field)) is not None
        }
        if not kinds:
            return abstention("no field is named after a fact that has a form")
        text = question.item.text[:MAX_CHARS]
        facts = {
            kind: [*islice(_facts(text, kind), _MOST_FOUND)] for kind in sorted(set(kinds.values()))
        }
        found = {}
        for field in question.task.fields:
            if field.name in kinds:
                kind = kinds[field.name]
                told = _list(field, facts[kind]) if field.fields else _one(field, facts[kind])
                if told is not None:
                    sure = told.confidence * _SURE.get(kind, _SURE_SCHEME)
                    found[field.name] = told._replace(confidence=sure)
        looked_for = ", ".join(sorted(set(kinds.values())))
        return record_reading(question, found, f"none found of: {looked_for}")


@lru_cache(maxsize=512)
def kind_of(field: RecordField) -> FactKind | None:
    """What a field holds by its name; None where the name does not say, or its type is another's.

    Of a list, the last word says it (``due_dates``); of a single field, the whole name.
    """
    words = name_words(field.name)
    kind = _KINDS.get(words)
    if kind is None and field.type is FieldType.LIST:
        kind = _KINDS.get(words[-2:]) or _KINDS.get(words[-1:])
    if field.type is FieldType.LIST:
        return kind
    fitting = {FieldType.DATE: FactKind.DATES, FieldType.NUMBER: FactKind.AMOUNTS}
    if field.type in fitting:
        return kind if kind is fitting[field.type] else None
    if field.type is FieldType.LABEL:
        return kind if kind is FactKind.CURRENCIES else None
    return kind if field.type is FieldType.TEXT else None


def _facts(text: str, kind: FactKind) -> Iterator[_Fact]:
    if kind in _FINDERS:
        return _FINDERS[kind](text)
    scheme = _SCHEMES.get(kind)
    return (
        _Fact(name, text[start:end], scheme=given.value)
        for start, end, name, given in written_identifiers(text)
        if scheme is None or given is scheme
    )


def _dates(text: str) -> Iterator[_Fact]:
    for start, end, iso in written_dates(text, settled_in(text)):
        if iso is not None:
            yield _Fact(iso, text[start:end])


def _amounts(text: str) -> Iterator[_Fact]:
    for amount in written_amounts(text):
        words = text[amount.start : amount.end]
        yield _Fact(str(amount), words, amount.value, amount.currency)


def _currencies(text: str) -> Iterator[_Fact]:
    for amount in written_amounts(text):
        yield _Fact(amount.currency, text[amount.start : amount.end])


def _emails(text: str) -> Iterator[_Fact]:
    for start, end in mail_addresses(text):
        yield _Fact(text[start:end], text[start:end])


def _urls(text: str) -> Iterator[_Fact]:
    for _, _, url in written_urls(text):
        yield _Fact(url, url)


def _phone_numbers(text: str) -> Iterator[_Fact]:
    for start, end in sorted(set(phone_numbers(text, character_classes(text)))):
        yield _Fact(" ".join(text[start:end].split()), text[start:end])


_FINDERS: Final[Mapping[FactKind, Callable[[str], Iterator[_Fact]]]] = {
    FactKind.DATES: _dates,
    FactKind.AMOUNTS: _amounts,
    FactKind.CURRENCIES: _currencies,
    FactKind.EMAILS: _emails,
    FactKind.URLS: _urls,
    FactKind.PHONE_NUMBERS: _phone_numbers,
}


def _list(field: RecordField, facts: Sequence[_Fact]) -> Found | None:
    entries: dict[RecordAnswer, _Fact] = {}
    for fact in facts:
        entry = _entry(field, fact)
        if entry and len(entries) < _MOST_ENTRIES:
            entries.setdefault(entry, fact)
    if not entries:
        return None
    quotes = tuple(
        (f"[{place}]" if name == ENTRY and field.plain else f"[{place}].{name}", fact.words)
        for place, (entry, fact) in enumerate(entries.items())
        for name, _ in entry.values
    )
    first = next(iter(entries.values()))
    return Found(tuple(entries), 1.0, quotes, first.words)


def _entry(field: RecordField, fact: _Fact) -> RecordAnswer:
    values: list[tuple[str, FieldValue]] = []
    told = False
    for one in field.fields:
        words = name_words(one.name)
        if words in _CURRENCY_NAMES and fact.currency:
            given: str | float | None = fact.currency
        elif words in _SCHEME_NAMES and fact.scheme:
            given = fact.scheme
        elif told:
            continue
        else:
            given = _fitting(one, fact)
            told = given is not None
        value = None if given is None else coerced(given, one)
        if value is not None:
            values.append((one.name, value))
    return RecordAnswer(tuple(values) if told else ())


def _fitting(field: RecordField, fact: _Fact) -> str | float | None:
    """What a field takes of a fact: a number field of an amount its number, in its own currency."""
    if field.type is FieldType.NUMBER:
        currency = currency_of(field.unit) if field.unit else None
        return None if currency and fact.currency != currency else fact.number
    if field.type in (FieldType.TEXT, FieldType.DATE, FieldType.LABEL):
        return fact.value if len(fact.value) <= _LONGEST_TEXT else None
    return None


def _one(field: RecordField, facts: Sequence[_Fact]) -> Found | None:
    """What occurs most often, the first of several; less sure the smaller its part of all is."""
    values = [
        (value, fact)
        for fact in facts
        if (given := _fitting(field, fact)) is not None
        and (value := coerced(given, field)) is not None
    ]
    if not values:
        return None
    counts = Counter(value for value, _ in values)
    best, times = max(counts.items(), key=lambda pair: pair[1])
    fact = next(fact for value, fact in values if value == best)
    share = times / len(values)
    return Found(best, _ONE_OF_MANY + (1 - _ONE_OF_MANY) * share, (("", fact.words),), fact.words)
