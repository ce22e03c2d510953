"""Generated support tickets with a known label, and services of known accuracy that read them.

A ticket is easy when it speaks of one concern, hard when it names a second one in passing: then
services err more, and often in favour of the second. Everything follows from the number of the
ticket and the seed, so that a server knows the truth of a ticket from its text alone.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LABELS: Final = ("billing", "delivery", "login", "defect", "cancellation")

_CONCERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "billing": (
        "My card was charged twice for the same order.",
        "The invoice shows an amount that I never agreed to.",
        "The discount is missing from my last bill.",
        "Please correct the tax on the invoice of this month.",
    ),
    "delivery": (
        "The parcel has not arrived although it left a week ago.",
        "The courier brought the box to a wrong address.",
        "Tracking has shown the same depot for days.",
        "Half of the shipment is missing.",
    ),
    "login": (
        "I cannot sign in since I changed my password.",
        "The code for the second factor never reaches my phone.",
        "My account is locked and the link to unlock it is dead.",
        "The page sends me back to the sign-in form every time.",
    ),
    "defect": (
        "The screen stays black when I switch the device on.",
        "The hinge broke on the second day.",
        "The battery is empty after twenty minutes.",
        "It makes a grinding noise and then stops.",
    ),
    "cancellation": (
        "Please end my subscription at the next possible date.",
        "I no longer want the order and ask you to stop it.",
        "Close my contract, I have found another provider.",
        "I withdraw from the purchase within the period of return.",
    ),
}
_OPENINGS: Final = ("Hello,", "Good morning,", "Dear support,", "Hi there,", "To whom it concerns,")
_FILLERS: Final = (
    "I have been a customer for many years and was always content so far.",
    "I tried the help pages first, without success.",
    "A colleague of mine had the same experience last spring.",
    "You can reach me in the afternoon.",
    "I would be glad about a quick answer.",
    "The reference stands in the subject of this message.",
)
_IN_PASSING: Final = "Besides, as an aside:"
_REFERENCE: Final = re.compile(r"Reference T(\d{6})")
_HARD_SHARE: Final = 0.35
_SECOND_CONCERN: Final = 0.7
"""How often an error about a hard ticket names its second concern."""


@dataclass(frozen=True, slots=True)
class SupportTicket:
    """``second`` is the concern that is named in passing; None when the ticket is easy."""

    number: int
    text: str
    label: str
    second: str | None


@dataclass(frozen=True, slots=True)
class Skill:
    """A service: how often it is right about easy and hard tickets, and its US dollars a million
    tokens that it reads and writes."""

    easy: float
    hard: float
    input_usd: float
    output_usd: float


SKILLS: Final[Mapping[str, Skill]] = {
    "small": Skill(0.92, 0.52, 0.15, 0.6),
    "medium": Skill(0.95, 0.74, 1.0, 4.0),
    "large": Skill(0.98, 0.91, 10.0, 40.0),
}


def ticket(number: int, seed: int) -> SupportTicket:
    """The ticket of this number, from 0 to 999999."""
    chance = random.Random(f"ticket {seed} {number}")
    label = chance.choice(LABELS)
    second = None
    if chance.random() < _HARD_SHARE:
        second = chance.choice([other for other in LABELS if other != label])
    body = [chance.choice(_CONCERNS[label]), *chance.sample(_FILLERS, chance.randint(1, 4))]
    if second is not None:
        body.append(f"{_IN_PASSING} {chance.choice(_CONCERNS[second])}")
    chance.shuffle(body)
    text = " ".join([chance.choice(_OPENINGS), *body, f"Reference T{number:06d}."])
    return SupportTicket(number, text, label, second)


def number_in(text: str) -> int | None:
    """The number of the ticket that a prompt holds; None when there is none in it."""
    reference = _REFERENCE.search(text)
    return int(reference[1]) if reference else None


def number_in_path(path: str) -> int:
    """The number of the ticket whose record id ends the path."""
    return int(path[-6:])


def answer(service: str, about: SupportTicket, seed: int) -> tuple[str, float]:
    """What a service says about a ticket, always the same: a label and a confidence in [0, 1].

    Confidences tell right answers from wrong ones a little, and are too high.
    """
    skill = SKILLS[service]
    # what is hard for one service is hard for the others: half of the chance is shared
    shared = random.Random(f"luck {seed} {about.number}").random()
    chance = random.Random(f"{service} {seed} {about.number}")
    share = skill.easy if about.second is None else skill.hard
    luck = shared if chance.random() < 0.5 else chance.random()
    right = luck < share
    confidence = 0.5 + 0.5 * chance.betavariate(5.0 if right else 3.0, 2.0)
    if right:
        return about.label, round(confidence, 2)
    if about.second is not None and chance.random() < _SECOND_CONCERN:
        return about.second, round(confidence, 2)
    wrong = [label for label in LABELS if label != about.label]
    return chance.choice(wrong), round(confidence, 2)
