"""Long dialogues with facts planted in them, and questions whose answers are known."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks._dialogue_words import (
    ASKED_AS,
    DAYS,
    DOMAINS,
    OTHERS,
    PEOPLE,
    THINGS,
    Domain,
    Drawn,
    Forms,
)
from orchestration_assets.schemas.conversations import Message

_LENGTHS: Final = (200, 2_000)
_FACTS: Final = (24, 48)
_UPDATED: Final = (0.35, 0.12)
"""Shares of the facts that are updated, and updated again."""
_CONTRADICTED: Final = 0.15
_ASKED_AT: Final = (0.5, 0.75, 1.0)
_QUESTIONS: Final = 12
"""Questions at each of these shares of the dialogue."""
_MENTIONS: Final = 0.35
"""Share of the chat that speaks of a subject or an attribute."""
_OTHER_WORDS: Final = 0.4
"""Share of the questions that call an attribute otherwise than the messages did."""
_PAIR_SHARE, _CHAIN_SHARE = 0.2, 0.15


@dataclass(frozen=True)
class Said:
    """A value as a message of this number gave it."""

    number: int
    value: str
    speaker: str


@dataclass
class Planted:
    """A fact: what it is of, and what was said of it, in order. ``other`` is what somebody else
    states without correcting it."""

    subject: str
    attribute: str
    of_speaker: bool
    said: list[Said] = field(default_factory=list)
    other: Said | None = None


@dataclass(frozen=True)
class Need:
    """What an answer needs of a fact: its values until the question, in order."""

    subject: str
    said: tuple[Said, ...]
    other: Said | None = None


@dataclass(frozen=True)
class DialogueQuestion:
    """A question after so many messages, and the facts that its answer needs."""

    after: int
    text: str
    kind: str
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Dialogue:
    """Messages, numbered from 1, questions in the order that they are asked, and the facts that
    the messages were written to state."""

    domain: str
    messages: tuple[Message, ...]
    questions: tuple[DialogueQuestion, ...]
    planted: tuple[Planted, ...]


def dialogue(seed: int, forms: Forms) -> Dialogue:
    """The dialogue of a seed; 200 to 2,000 messages of two to four speakers."""
    rng = random.Random(f"{seed} dialogue")
    domain = DOMAINS[seed % len(DOMAINS)]
    speakers = rng.sample(PEOPLE, rng.randint(2, 4))
    length = round(_LENGTHS[0] * (_LENGTHS[1] / _LENGTHS[0]) ** rng.random())
    planted, texts = _planted(rng, domain, speakers, forms, length)
    messages = []
    for number in range(1, length + 1):
        speaker, text = texts.get(number) or (rng.choice(speakers), _chat(rng, forms, domain))
        messages.append(Message(f"{seed:08x}{number:08x}", number, text, speaker))
    questions = tuple(_questions(rng, planted, forms, length))
    return Dialogue(domain.name, tuple(messages), questions, tuple(planted))


def _planted(
    rng: random.Random, domain: Domain, speakers: Sequence[str], forms: Forms, length: int
) -> tuple[list[Planted], dict[int, tuple[str, str]]]:
    """The facts, and the messages that hold them, by number."""
    free = list(range(1, length + 1))
    rng.shuffle(free)
    texts: dict[int, tuple[str, str]] = {}
    used: set[str] = set()
    slots = [
        *((s, a, drawn, False) for s in domain.subjects for a, drawn in domain.of_subjects),
        *((s, a, drawn, True) for s in speakers for a, drawn in domain.of_speakers),
    ]
    rng.shuffle(slots)
    facts: list[Planted] = []
    for subject, attribute, drawn, own in slots[: rng.randint(*_FACTS)]:
        fact = Planted(subject, attribute, own)
        updates = sum(rng.random() < share for share in _UPDATED[: 1 + (rng.random() < 0.5)])
        numbers = sorted(free.pop() for _ in range(1 + updates))
        for place, number in enumerate(numbers):
            value = _unused(rng, drawn, used)
            speaker = subject if own else rng.choice(speakers)
            old = fact.said[-1].value if fact.said else ""
            given = _statement_forms(forms, own, updated=place > 0)
            texts[number] = (speaker, _filled(rng.choice(given), subject, attribute, value, old))
            fact.said.append(Said(number, value, speaker))
        if not own and not updates and rng.random() < _CONTRADICTED:
            _contradict(rng, fact, speakers, forms, free, texts, _unused(rng, drawn, used))
        for _ in range(rng.randint(0, 2)):
            value = _unused(rng, drawn, used)
            who = rng.choice(speakers)
            words = _filled(rng.choice(forms.distractors), subject, attribute, value, "")
            texts[free.pop()] = (who, words)
        facts.append(fact)
    return facts, texts


def _contradict(
    rng: random.Random,
    fact: Planted,
    speakers: Sequence[str],
    forms: Forms,
    free: list[int],
    texts: dict[int, tuple[str, str]],
    value: str,
) -> None:
    others = [one for one in speakers if one != fact.said[-1].speaker]
    later = [number for number in free if number > fact.said[-1].number]
    if not later:
        return
    number, speaker = later[0], rng.choice(others)
    free.remove(number)
    words = _filled(rng.choice(forms.contradictions), fact.subject, fact.attribute, value, "")
    texts[number] = (speaker, words)
    fact.other = Said(number, value, speaker)


def _statement_forms(forms: Forms, own: bool, *, updated: bool) -> Sequence[str]:
    if own:
        return forms.own_updates if updated else forms.own_statements
    return forms.updates if updated else forms.statements


def _unused(rng: random.Random, drawn: Drawn, used: set[str]) -> str:
    while True:
        value = drawn(rng)
        if value not in used:
            used.add(value)
            return value


def _filled(form: str, subject: str, attribute: str, value: str, old: str) -> str:
    text = form.format(s=subject, a=attribute, v=value, old=old or value)
    return text[0].upper() + text[1:] if form[0] == "{" else text


def _chat(rng: random.Random, forms: Forms, domain: Domain) -> str:
    count = rng.choice((1, 1, 2, 3))
    given = [rng.choice(forms.chat) for _ in range(count)]
    if rng.random() < _MENTIONS:
        given[0] = rng.choice(forms.mentions)
    return " ".join(
        form.format(
            n=rng.randint(2, 60),
            m=rng.randint(3, 500),
            p=rng.choice(OTHERS),
            w=rng.choice(THINGS),
            d=rng.choice(DAYS),
            s=rng.choice(domain.subjects),
            a=rng.choice(domain.of_subjects)[0],
        )
        for form in given
    )


def _called(rng: random.Random, attribute: str) -> str:
    """The attribute as a question calls it."""
    others = ASKED_AS.get(attribute, ())
    return rng.choice(others) if others and rng.random() < _OTHER_WORDS else attribute


def _questions(
    rng: random.Random, planted: Sequence[Planted], forms: Forms, length: int
) -> Iterator[DialogueQuestion]:
    for share in _ASKED_AT:
        after = round(length * share)
        known = [fact for fact in planted if fact.said[0].number <= after]
        for fact in rng.sample(known, min(_QUESTIONS, len(known))):
            yield _question(rng, fact, known, forms, after)


def _question(
    rng: random.Random, fact: Planted, known: Sequence[Planted], forms: Forms, after: int
) -> DialogueQuestion:
    need = _need(fact, after)
    drawn = rng.random()
    same = [
        one
        for one in known
        if one.subject == fact.subject and one is not fact and not one.of_speaker
    ]
    if drawn < _CHAIN_SHARE and same and not fact.of_speaker and len(need.said) == 1:
        second = rng.choice(same)
        words = rng.choice(forms.chains).format(
            v=need.said[-1].value, a=fact.attribute, a2=_called(rng, second.attribute)
        )
        return DialogueQuestion(
            after, words, "two, one leads to the other", (_need(second, after),)
        )
    if drawn < _CHAIN_SHARE + _PAIR_SHARE:
        second = rng.choice([one for one in known if one is not fact] or [fact])
        words = rng.choice(forms.pairs).format(
            s=fact.subject,
            a=_called(rng, fact.attribute),
            s2=second.subject,
            a2=_called(rng, second.attribute),
        )
        return DialogueQuestion(after, words, "two", (need, _need(second, after)))
    form = rng.choice(forms.own_questions if fact.of_speaker else forms.questions)
    words = form.format(s=fact.subject, a=_called(rng, fact.attribute))
    kind = "updated" if len(need.said) > 1 else "contradicted" if need.other else "one"
    return DialogueQuestion(after, words, kind, (need,))


def _need(fact: Planted, after: int) -> Need:
    other = fact.other if fact.other and fact.other.number <= after else None
    return Need(fact.subject, tuple(one for one in fact.said if one.number <= after), other)
