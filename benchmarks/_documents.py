"""Generated invoices, reminders and letters in five layouts and three languages, truth known.

Everything follows from the seed and the number of the document. What misleads readers is there on
purpose: due dates beside dates, net sums beside totals, numbers of delivery notes and customers,
the invoice that a letter speaks of, and the date at which a mail was sent.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from benchmarks._document_layouts import LAYOUTS, Pairs, Sheet, rendered
from benchmarks._document_words import (
    GOODS,
    LANGUAGES,
    Language,
    company,
    money,
    person,
    quantity,
    written_date,
)
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, PLAIN_ENTRY, FieldType, RecordField

KINDS: Final = ("invoice", "letter", "reminder")
CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF")
FIELDS: Final = (
    RecordField("kind", FieldType.LABEL, required=True, labels=KINDS),
    RecordField("number", FieldType.TEXT, description="number of the invoice, or reference"),
    RecordField("date", FieldType.DATE, description="day on which it was written"),
    RecordField("due_date", FieldType.DATE, description="day by which to pay"),
    RecordField("supplier", FieldType.TEXT, description="who writes and is to be paid"),
    RecordField("customer", FieldType.TEXT, description="who is to pay"),
    RecordField("currency", FieldType.LABEL, labels=CURRENCIES),
    RecordField("total", FieldType.NUMBER, description="to be paid, with tax", tolerance=0.005),
    RecordField("vat", FieldType.NUMBER, description="amount of the tax", tolerance=0.005),
    RecordField("paid", FieldType.BOOLEAN, description="whether it says that it has been paid"),
    RecordField(
        "lines",
        FieldType.LIST,
        fields=(
            RecordField("item", FieldType.TEXT, required=True),
            RecordField("quantity", FieldType.NUMBER),
            RecordField("amount", FieldType.NUMBER, tolerance=0.005),
        ),
    ),
    RecordField("people", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
)
TASK: Final = Task(
    "document_facts",
    "1",
    AnswerKind.RECORD,
    question="What does this invoice, reminder or letter say?",
    fields=FIELDS,
    disagree_at=0.0,
)
_KIND_SHARES: Final = (0.62, 0.22, 0.16)
_CURRENCIES: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("USD", "GBP", "EUR"),
    "de": ("EUR", "EUR", "CHF"),
    "fr": ("EUR", "EUR", "CHF"),
}
_RATES: Final[Mapping[str, tuple[int, ...]]] = {"en": (20, 8), "de": (19, 7), "fr": (20, 10)}
_FIRST_DAY: Final = date(2023, 1, 2)
_DAYS_TO_PAY: Final = (7, 10, 14, 14, 30, 30, 45)
_BY_SYMBOL: Final = 0.4
_ENDINGS: Final = {"markdown": "md", "html": "html", "mail": "eml"}

Beside = Mapping[str, tuple[str | float | bool, ...]]
"""Field -> values that stand in a document and could be taken for its value, the most misleading
first."""


@dataclass(frozen=True, slots=True)
class GeneratedDocument:
    """``numeric_dates``: whether day and month can be told apart by their order only."""

    number: int
    layout: str
    language: str
    text: str
    truth: RecordAnswer
    beside: Beside
    numeric_dates: bool

    @property
    def path(self) -> str:
        """The name of its file."""
        return f"{self.number:06d}.{_ENDINGS.get(self.layout, 'txt')}"


@dataclass(frozen=True, slots=True)
class _Line:
    item: str
    quantity: float
    cents: int


def document(number: int, seed: int) -> GeneratedDocument:
    """The document of this number; layouts and languages take turns."""
    chance = random.Random(f"document {seed} {number}")
    layout = LAYOUTS[number % len(LAYOUTS)]
    language = LANGUAGES[chance.choice(sorted(LANGUAGES))]
    kind = chance.choices(KINDS, _KIND_SHARES)[0]
    if kind == "letter":
        draft = _letter(chance, language)
    else:
        draft = _invoice(chance, language, reminds=kind == "reminder")
    sheet, values, beside = draft.sheet, draft.values, draft.beside
    truth = RecordAnswer(
        tuple((f.name, values[f.name]) for f in FIELDS if values.get(f.name) is not None)
    )
    text = rendered(sheet, layout, chance)
    return GeneratedDocument(
        number, layout, language.code, text, truth, beside, draft.numeric_dates
    )


def documents(count: int, seed: int) -> list[GeneratedDocument]:
    """The documents of the numbers from 0."""
    return [document(number, seed) for number in range(count)]


@dataclass(frozen=True, slots=True)
class _Draft:
    sheet: Sheet
    values: Mapping[str, FieldValue]
    beside: Beside
    numeric_dates: bool


def _plain(names: Sequence[str]) -> tuple[RecordAnswer, ...]:
    return tuple(RecordAnswer(((ENTRY, name),)) for name in names)


def _code(chance: random.Random, prefixes: Sequence[str], day: date) -> str:
    prefix = chance.choice(prefixes)
    form = chance.choice(("{p}-{y}-{n:04d}", "{p}{y}/{n:03d}", "{p}-{n:06d}", "{y}{n:05d}"))
    return form.format(p=prefix, y=day.year, n=chance.randrange(100, 100_000))


def _day(chance: random.Random) -> date:
    return _FIRST_DAY + timedelta(days=chance.randrange(1_100))


@dataclass(frozen=True, slots=True)
class _Writer:
    """How one document writes its amounts and days."""

    language: Language
    currency: str
    marks: tuple[str, str]
    date_form: str
    by_symbol: bool

    def cash(self, cents: int) -> str:
        return money(cents, self.marks, self.currency, by_symbol=self.by_symbol)

    def day(self, day: date) -> str:
        return written_date(day, self.date_form, self.language)

    @property
    def numeric_dates(self) -> bool:
        return self.date_form in ("day/month", "month/day")


def _writer(chance: random.Random, language: Language) -> _Writer:
    return _Writer(
        language,
        chance.choice(_CURRENCIES[language.code]),
        chance.choice(language.money),
        chance.choice(language.dates),
        chance.random() < _BY_SYMBOL,
    )


@dataclass(frozen=True, slots=True)
class _Bill:
    """What an invoice or a reminder is about; what is None or empty does not stand in it."""

    reminds: bool
    number: str
    day: date
    due: date | None
    earlier: date | None
    supplier: str
    customer: str
    lines: tuple[_Line, ...]
    shows_lines: bool
    rate: int
    paid: bool | None
    contact: str
    buyer: str
    note: str
    account: str

    @property
    def net(self) -> int:
        return sum(line.cents for line in self.lines)

    @property
    def tax(self) -> int:
        return round(self.net * self.rate / 100)


def _bill(chance: random.Random, language: Language, *, reminds: bool) -> _Bill:
    def sometimes(share: float) -> bool:
        return chance.random() < share

    word = chance.choice
    day = _day(chance)
    return _Bill(
        reminds=reminds,
        number=_code(chance, language.invoice_prefixes, day),
        day=day,
        due=day + timedelta(days=word(_DAYS_TO_PAY)) if reminds or sometimes(0.8) else None,
        earlier=day - timedelta(days=word(range(3, 40))) if reminds or sometimes(0.5) else None,
        supplier=company(chance, language),
        customer=company(chance, language),
        lines=_lines(chance, language),
        shows_lines=not reminds or sometimes(0.4),
        rate=word(_RATES[language.code]) if sometimes(0.85) else 0,
        paid=False if reminds else word((True, False, None)),
        contact=person(chance) if sometimes(0.7) else "",
        buyer=person(chance) if sometimes(0.4) else "",
        note=_code(chance, language.note_prefixes, day) if sometimes(0.45) else "",
        account=str(chance.randrange(10_000, 99_999)) if sometimes(0.4) else "",
    )


def _invoice(chance: random.Random, language: Language, *, reminds: bool) -> _Draft:
    write = _writer(chance, language)
    bill = _bill(chance, language, reminds=reminds)
    word, labels = chance.choice, language.labels
    rows = [
        (line.item, quantity(line.quantity, write.marks), write.cash(line.cents))
        for line in bill.lines
    ]
    sheet = Sheet(
        title=word(language.titles["reminder" if reminds else "invoice"]),
        sender=bill.supplier,
        recipient=bill.customer,
        sent=bill.day + timedelta(days=chance.randrange(0, 4)),
        pairs=_bill_pairs(bill, write, chance),
        recipient_label=word(labels["recipient"]),
        header=tuple(word(labels[name]) for name in ("item", "quantity", "amount")),
        rows=tuple(rows) if bill.shows_lines else (),
        sums=_bill_sums(bill, write, chance),
        remarks=_bill_remarks(bill, language, chance),
        greeting=word(language.greetings),
        closing=word(language.closings),
    )
    return _Draft(sheet, _bill_values(bill, write), _beside_bill(bill), write.numeric_dates)


def _bill_pairs(bill: _Bill, write: _Writer, chance: random.Random) -> Pairs:
    labels, word = write.language.labels, chance.choice
    rest = [
        ("due", write.day(bill.due) if bill.due else ""),
        ("date" if bill.reminds else "delivered", write.day(bill.earlier) if bill.earlier else ""),
        ("note", bill.note),
        ("account", bill.account),
        ("contact", bill.contact),
        ("buyer", bill.buyer),
    ]
    chance.shuffle(rest)
    first = [
        ("number", bill.number),
        ("reminder_date" if bill.reminds else "date", write.day(bill.day)),
    ]
    return tuple((word(labels[name]), value) for name, value in [*first, *rest] if value)


def _bill_sums(bill: _Bill, write: _Writer, chance: random.Random) -> Pairs:
    labels, word = write.language.labels, chance.choice
    total = (word(labels["open" if bill.reminds else "total"]), write.cash(bill.net + bill.tax))
    if not bill.rate:
        return (total,)
    net = (word(labels["net"]), write.cash(bill.net))
    return net, (f"{word(labels['vat'])} {bill.rate} %", write.cash(bill.tax)), total


def _bill_remarks(bill: _Bill, language: Language, chance: random.Random) -> tuple[str, ...]:
    said = [language.thanks] if bill.rate else [language.thanks, language.tax_free]
    if bill.reminds:
        said.insert(0, language.reminding)
    elif bill.paid is not None:
        said.insert(0, language.paid if bill.paid else language.unpaid)
    return tuple(map(chance.choice, said))


def _bill_values(bill: _Bill, write: _Writer) -> dict[str, FieldValue]:
    people = [name for name in (bill.contact, bill.buyer) if name]
    values: dict[str, FieldValue | None] = {
        "kind": "reminder" if bill.reminds else "invoice",
        "number": bill.number,
        "date": bill.day.isoformat(),
        "due_date": bill.due.isoformat() if bill.due else None,
        "supplier": bill.supplier,
        "customer": bill.customer,
        "currency": write.currency,
        "total": (bill.net + bill.tax) / 100,
        "vat": bill.tax / 100 if bill.rate else None,
        "paid": bill.paid,
        "lines": tuple(map(_entry, bill.lines)) if bill.shows_lines else None,
        "people": _plain(people) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _beside_bill(bill: _Bill) -> Beside:
    day, due, earlier = (
        one.isoformat() if one else "" for one in (bill.day, bill.due, bill.earlier)
    )
    net, last = bill.net / 100, bill.lines[-1].cents / 100
    dates = (earlier, due) if bill.reminds else (due, earlier)
    return {
        "kind": ("invoice",) if bill.reminds else ("reminder",) if due else (),
        "number": tuple(code for code in (bill.note, bill.account) if code),
        "date": tuple(one for one in dates if one),
        "due_date": (day, earlier) if bill.reminds else (day,),
        "supplier": (bill.customer,),
        "customer": (bill.supplier,),
        "total": (net, last) if bill.rate else (last,) if len(bill.lines) > 1 else (),
        "vat": (float(bill.rate), net) if bill.rate else (),
        "people": (bill.supplier, bill.customer),
    }


def _entry(line: _Line) -> RecordAnswer:
    return RecordAnswer(
        (("item", line.item), ("quantity", line.quantity), ("amount", line.cents / 100))
    )


def _lines(chance: random.Random, language: Language) -> tuple[_Line, ...]:
    count = chance.choices((1, 2, 3, 4, 6, 9), (2, 3, 4, 3, 2, 1))[0]
    lines = []
    for name in chance.sample(GOODS[language.code], count):
        pieces = float(chance.choice((1, 1, 2, 3, 5, 10, 12, 1.5)))
        lines.append(_Line(name, pieces, round(pieces * chance.randrange(150, 60_000))))
    return tuple(lines)


def _letter(chance: random.Random, language: Language) -> _Draft:
    write, word = _writer(chance, language), chance.choice
    day = _day(chance)
    supplier, customer = company(chance, language), company(chance, language)
    reference = _code(chance, language.letter_prefixes, day) if chance.random() < 0.7 else ""
    people = [person(chance) for _ in range(word((1, 1, 2, 3)))]
    pairs = [(word(language.labels["letter_date"]), write.day(day))]
    if reference:
        pairs.insert(0, (word(language.labels["reference"]), reference))
    aside, beside = _aside(chance, write, day)
    meetings = [word(language.meetings).format(person=one) for one in people[1:]]
    sheet = Sheet(
        title=word(language.titles["letter"]),
        sender=supplier,
        recipient=customer,
        sent=day + timedelta(days=chance.randrange(0, 3)),
        pairs=tuple(pairs),
        recipient_label=word(language.labels["reader"]),
        header=(),
        rows=(),
        sums=(),
        remarks=(word(language.letter_openings), *aside, *meetings),
        greeting=word(language.greetings),
        closing=f"{word(language.closings)}\n{people[0]}",
    )
    values: dict[str, FieldValue] = {
        "kind": "letter",
        "date": day.isoformat(),
        "supplier": supplier,
        "customer": customer,
        "people": _plain(people),
    }
    if reference:
        values["number"] = reference
    names = {"supplier": (customer,), "customer": (supplier,), "people": (supplier, customer)}
    return _Draft(sheet, values, {**beside, **names}, write.numeric_dates)


def _aside(chance: random.Random, write: _Writer, day: date) -> tuple[list[str], Beside]:
    """What a letter says of an invoice and of a deadline, none of which is its own."""
    said: list[str] = []
    dates: list[str] = []
    beside: dict[str, tuple[str | float | bool, ...]] = {}
    if chance.random() < 0.6:
        told = day - timedelta(days=chance.randrange(10, 90))
        number = _code(chance, write.language.invoice_prefixes, told)
        cents = chance.randrange(2_000, 900_000)
        said.append(
            chance.choice(write.language.speaking_of).format(
                number=number, day=write.day(told), amount=write.cash(cents)
            )
        )
        dates.append(told.isoformat())
        beside = {
            "kind": ("invoice", "reminder"),
            "number": (number,),
            "currency": (write.currency,),
            "total": (cents / 100,),
        }
    if chance.random() < 0.35:
        until = day + timedelta(days=chance.choice((7, 14, 21)))
        said.append(chance.choice(write.language.answer_by).format(day=write.day(until)))
        dates.append(until.isoformat())
        beside["due_date"] = (until.isoformat(),)
    return said, {**beside, "date": tuple(dates)}
