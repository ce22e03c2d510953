"""What dialogues are made of: domains with subjects, attributes and values; and forms to say it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

Drawn = Callable[[random.Random], str]


@dataclass(frozen=True)
class Forms:
    """Wordings by what they do. Those with ``own`` are of a speaker about himself; ``mentions``
    speak of a subject or an attribute and say nothing of it."""

    statements: Sequence[str]
    own_statements: Sequence[str]
    updates: Sequence[str]
    own_updates: Sequence[str]
    contradictions: Sequence[str]
    distractors: Sequence[str]
    questions: Sequence[str]
    own_questions: Sequence[str]
    pairs: Sequence[str]
    chains: Sequence[str]
    mentions: Sequence[str]
    chat: Sequence[str]


@dataclass(frozen=True)
class Domain:
    """What a dialogue is about. ``subjects`` are named freely; ``of_subjects`` and ``of_speakers``
    are attributes with what draws a value of each."""

    name: str
    subjects: Sequence[str]
    of_subjects: Sequence[tuple[str, Drawn]]
    of_speakers: Sequence[tuple[str, Drawn]]


PEOPLE: Final = (
    *("Ann", "Boris", "Chloe", "Dario", "Esther", "Farid", "Greta", "Hugo", "Ines", "Jonas"),
    *("Katja", "Liam", "Mina", "Noel", "Olga", "Pavel", "Quinn", "Rosa", "Sven", "Tara"),
)
OTHERS: Final = (
    *("Ulla", "Viktor", "Wanda", "Xavier", "Yara", "Zeno", "Alma", "Bruno", "Carla", "Dimitri"),
    *("Elif", "Felix", "Gloria", "Henrik", "Irma", "Jasper", "Kira", "Lorenz", "Maya", "Nadir"),
)
THINGS: Final = (
    *("coffee", "kettle", "umbrella", "whiteboard", "lamp", "stapler", "bicycle", "cake", "plant"),
    *("parcel", "charger", "notebook", "window", "guitar", "sandwich", "carpet", "ladder", "soup"),
)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_HEADS: Final = "Ka Lo Mi Ter Bra Sol Ven Dor Fi Nor Pel Ru Sta Wil Zan Hal".split()
_TAILS: Final = "mar rin des to lia vek nova stad bert mund cor lis dane ward pine".split()
_COLOURS: Final = "teal ochre crimson ivory slate amber olive navy plum sand".split()


def _date(rng: random.Random) -> str:
    day, month = rng.randint(1, 28), rng.choice(_MONTHS)
    return rng.choice(
        (f"{day} {month}", f"{month} {day}", f"2027-{rng.randint(1, 12):02}-{day:02}")
    )


def _time(rng: random.Random) -> str:
    return f"{rng.randint(6, 22)}:{rng.choice(('00', '15', '30', '45', '10', '50'))}"


def _money(rng: random.Random) -> str:
    value = rng.randint(11, 990) * rng.choice((10, 100))
    return rng.choice((f"{value:,} EUR", f"${value:,}", f"{value} euros"))


def _number(rng: random.Random) -> str:
    return f"{rng.randint(100, 9_999)}"


def _code(rng: random.Random) -> str:
    return f"{rng.choice('ABCDEFGHKLMNPRSTVW')}{rng.choice('XYZKRT')}-{rng.randint(1_000, 99_999)}"


def _room(rng: random.Random) -> str:
    return f"{rng.choice('ABCDEFG')}{rng.randint(1, 9)}{rng.randint(10, 99)}"


def _name(rng: random.Random) -> str:
    return rng.choice(_HEADS) + rng.choice(_TAILS)


def _person(rng: random.Random) -> str:
    return f"{rng.choice(OTHERS)} {_name(rng)}"


def _street(rng: random.Random) -> str:
    return f"{rng.randint(2, 190)} {_name(rng)} {rng.choice(('Street', 'Road', 'Lane'))}"


def _mail(rng: random.Random) -> str:
    return f"{_name(rng).lower()}{rng.randint(1, 99)}@{_name(rng).lower()}.example"


def _phone(rng: random.Random) -> str:
    return f"+49 30 555{rng.randint(1_000, 9_999)}"


def _degrees(rng: random.Random) -> str:
    return f"{rng.randint(-80, 240)} degrees"


def _colour(rng: random.Random) -> str:
    return f"{rng.choice(_COLOURS)} {rng.randint(10, 99)}"


ASKED_AS: Final = {
    "deadline": ("last day", "cut-off"),
    "budget": ("money", "funds"),
    "lead": ("boss", "person in charge"),
    "server": ("machine", "host"),
    "ticket number": ("ticket", "issue"),
    "meeting room": ("room", "place to meet"),
    "desk": ("place to sit", "seat in the office"),
    "extension": ("internal number", "number to dial"),
    "start date": ("first day",),
    "email address": ("mail", "e-mail"),
    "price": ("cost", "amount to pay"),
    "departure time": ("time to leave", "departure"),
    "booking code": ("reservation", "confirmation code"),
    "date": ("day",),
    "contact": ("person to call",),
    "street address": ("street", "location"),
    "passport number": ("passport",),
    "phone number": ("phone", "number to call"),
    "order number": ("order", "purchase number"),
    "delivery date": ("arrival", "day of delivery"),
    "refund": ("money back", "reimbursement"),
    "technician": ("repair person", "mechanic"),
    "warehouse": ("depot", "storage"),
    "customer number": ("client number", "customer id"),
    "address": ("place to send things to",),
    "colour": ("paint", "shade"),
    "contractor": ("builder", "company"),
    "estimate": ("quote", "expected cost"),
    "brand": ("make", "manufacturer"),
    "permit number": ("permit", "licence"),
    "doctor": ("physician",),
    "temperature": ("heat", "degrees"),
    "supplier": ("vendor", "source"),
    "batch number": ("lot", "batch"),
    "owner": ("responsible person",),
    "supervisor": ("adviser",),
}
"""What some questions call an attribute."""
DOMAINS: Final = (
    Domain(
        "projects",
        ("Project Atlas", "the Borealis launch", "Cobalt", "the Delphi migration", "Project Ember"),
        (
            *(("deadline", _date), ("budget", _money), ("lead", _person), ("server", _name)),
            *(("ticket number", _code), ("meeting room", _room), ("code name", _name)),
        ),
        (("desk", _room), ("extension", _number), ("start date", _date), ("email address", _mail)),
    ),
    Domain(
        "travel",
        ("the hotel in Lisbon", "the Oslo flight", "the ferry to Crete", "the Kyoto tour"),
        (
            *(("price", _money), ("departure time", _time), ("booking code", _code)),
            *(("date", _date), ("contact", _person), ("street address", _street)),
        ),
        (
            ("seat", _room),
            ("passport number", _code),
            ("birthday", _date),
            ("phone number", _phone),
        ),
    ),
    Domain(
        "support",
        (
            "the washing machine",
            "the grey laptop",
            "the router",
            "the coffee grinder",
            "the scanner",
        ),
        (
            *(("order number", _code), ("delivery date", _date), ("refund", _money)),
            *(("model", _code), ("technician", _person), ("warehouse", _name)),
        ),
        (("customer number", _code), ("address", _street), ("phone number", _phone)),
    ),
    Domain(
        "home",
        ("the kitchen", "the attic", "the north bathroom", "the garage", "the boiler", "the fence"),
        (
            *(("colour", _colour), ("contractor", _person), ("estimate", _money)),
            *(("inspection date", _date), ("brand", _name), ("permit number", _code)),
        ),
        (("shoe size", _number), ("doctor", _person), ("locker code", _number), ("dog", _name)),
    ),
    Domain(
        "laboratory",
        (
            "sample K7",
            "the second centrifuge",
            "the yeast culture",
            "the Hartmann study",
            "sample Q2",
        ),
        (
            *(("temperature", _degrees), ("supplier", _name), ("batch number", _code)),
            *(("cost", _money), ("owner", _person), ("due date", _date), ("shelf", _room)),
        ),
        (("badge number", _number), ("bench", _room), ("supervisor", _person)),
    ),
)
