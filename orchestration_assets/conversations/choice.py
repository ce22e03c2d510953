"""What of a thread may be shown for a question, and in which order it gives way.

Each earlier message and fact has a score in [0, 1], the weighted sum of relevance, importance and
recency (Park et al. 2023, Generative Agents, section 4.1, where the three weigh the same).
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np

from orchestration_assets.conversations.brevity import beginning
from orchestration_assets.conversations.thread_log import ThreadLog
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import MemoryLevel, MemoryPiece

DECAY: Final = 0.995
"""Recency is this to the power of the messages since (Park et al. 2023)."""


class _Weights(NamedTuple):
    """What relevance, importance and recency count for; together 1."""

    relevance: float
    importance: float
    recency: float


_EVENT: Final = _Weights(0.90, 0.05, 0.05)
_FACT: Final = _Weights(0.90, 0.05, 0.05)
_CORE: Final = 4.0
_LATEST: Final = 3.0
_FIRM: Final = 3
"""The last messages, which the one at hand replies to, come before all but the core."""
_SUMMARY_GIVEN: Final = 2.5
_RECENT: Final = 0.2
_RECENT_DECAY: Final = 0.97
"""Other recent messages have this priority, times the decay to the power of the messages since."""
_FACT_FACTOR: Final = 1.1
"""Facts are shorter than the messages that state them: they come before these."""
_STATED_FACTOR: Final = 0.8
"""A message whose facts are shown tells little more."""
_SUMMARY: Final = 0.2
_MOST_SENTENCES: Final = 24
_ASKED_FOR: Final = 0.3
"""What a fact replaced is shown where the fact's relevance is at least this."""
_NOTED: Final = 0.5
"""What a message replaced is told beside it where its relevance is at least this."""
_MOST_BEFORE: Final = 3
"""Of what a fact replaced so many values are shown, the latest."""
_SAME_SUBJECT: Final = 0.5
"""Facts about the subject of one that the question is about are about it by so much of its
relevance: a question may name a thing by what is known of it."""
_SUMMARY_CHARS: Final = 400
_SOUGHT_CHARS: Final = 8_000
"""What an item is about shows within so many characters."""


def chosen_pieces(
    log: ThreadLog, messages: int, config: ConversationConfig, text: str
) -> Iterator[MemoryPiece]:
    """The pieces that may be shown of the first ``messages`` of a thread."""
    yield from _core(config)
    if not messages:
        return
    recent = max(0, messages - config.recent)
    text = text[:_SOUGHT_CHARS]
    relevance = log.messages_index.scores(text, messages)
    facts, stating = _facts(log, messages, config.facts, text, relevance)
    yield from facts
    notes = _Notes(log, messages)
    events = _events(log, messages, recent, config.events, relevance, stating, notes)
    yield from events
    shown = {one.number for one in events} | stating
    yield from _summary(log, messages, recent, shown)
    yield from _recent(log, messages, recent, relevance, notes)


def _core(config: ConversationConfig) -> Iterator[MemoryPiece]:
    for place, words in enumerate(config.core):
        yield MemoryPiece(MemoryLevel.CORE, words, _CORE + 1.0 / (1 + place))


def _recent(
    log: ThreadLog, messages: int, first: int, relevance: Any, notes: "_Notes"
) -> Iterator[MemoryPiece]:
    """The last messages: the firm ones, and others by age, or by what they tell of the question
    where that is more."""
    ages = messages - 1 - np.arange(first, messages)
    importance = np.array(log.importance[first:messages])
    scores = _scores(_EVENT, relevance[first:], importance, ages).tolist()
    for place in range(first, messages):
        age = messages - 1 - place
        priority = max(scores[place - first], _RECENT * _RECENT_DECAY**age)
        if age < _FIRM:
            priority = _LATEST - 0.01 * age
        note = notes.of(place) if relevance[place] >= _NOTED else ""
        yield _message(log, place, MemoryLevel.RECENT, priority, note)


def _message(
    log: ThreadLog, place: int, level: MemoryLevel, priority: float, note: str = ""
) -> MemoryPiece:
    message = log.taken[place].message
    brief = log.briefs[place]
    text = message.text
    if note:
        text, brief = f"{text}{note}", brief or text
    return MemoryPiece(level, text, priority, brief, message.number, message.speaker)


def _scores(weights: _Weights, relevance: Any, importance: Any, ages: Any) -> Any:
    return np.round(
        weights.relevance * relevance
        + weights.importance * importance
        + weights.recency * DECAY**ages,
        9,
    )


def best_places(scores: Any, at_most: int) -> list[int]:
    """The places of the highest scores, the best first; of equal ones the later."""
    places = np.arange(len(scores))
    if 0 < at_most < len(scores):
        # only what may be among them is put in order
        places = np.nonzero(scores >= np.partition(scores, -at_most)[-at_most])[0]
    order = np.lexsort((-places, -scores[places]))
    return [int(place) for place in places[order[:at_most]]]


def _facts(
    log: ThreadLog, messages: int, at_most: int, text: str, of_messages: Any
) -> tuple[list[MemoryPiece], set[int | None]]:
    """The facts in force that are shown, and the numbers of the messages that state them."""
    _, size = log.ends(messages)
    last = log.number(messages)
    standing = log.facts.standing(size, last)
    if not len(standing) or not at_most:
        return [], set()
    places = np.array(log.fact_messages[:size])[standing]
    own = log.facts_index.scores(text, size)[standing]
    relevance = _with_same_subject(log, standing, np.maximum(own, of_messages[places]))
    importance = np.array(log.fact_importance[:size])[standing]
    scores = _scores(_FACT, relevance, importance, messages - 1 - places)
    chosen = best_places(scores, at_most)
    pieces = [
        _fact(log, int(standing[one]), float(scores[one]) * _FACT_FACTOR, float(relevance[one]))
        for one in chosen
    ]
    return pieces, {one.number for one in pieces}


def _with_same_subject(log: ThreadLog, standing: Any, relevance: Any) -> Any:
    """The relevance of facts, with what it is by their subject."""
    subjects = log.facts.subjects(standing)
    best = np.zeros(int(subjects.max()) + 1)
    np.maximum.at(best, subjects, relevance)
    best[0] = 0.0
    return np.maximum(relevance, _SAME_SUBJECT * best[subjects])


def _fact(log: ThreadLog, place: int, priority: float, relevance: float) -> MemoryPiece:
    stated = log.facts[place]
    fact = stated.fact
    name = ", ".join(filter(None, (fact.subject, fact.attribute)))
    brief = f"{name}: {fact.value}" if name else fact.value
    note = _before(log, place) if relevance >= _ASKED_FOR else ""
    text = f"{brief} ({note})" if note else brief
    shorter = brief if text != brief else ""
    return MemoryPiece(MemoryLevel.FACT, text, priority, shorter, fact.number, stated.speaker)


def _before(log: ThreadLog, place: int) -> str:
    """What a fact replaced, or may have replaced; "" for neither."""
    before = [
        f"{one.fact.value} [{one.fact.number}]"
        for one in islice(log.facts.before(place), _MOST_BEFORE)
    ]
    if before:
        return f"before: {', '.join(before)}"
    perhaps = log.facts.perhaps_before(place)
    return f"before, perhaps: {perhaps.fact.value} [{perhaps.fact.number}]" if perhaps else ""


class _Notes:
    """What messages have replaced whose values have no names, by the place of the message."""

    def __init__(self, log: ThreadLog, messages: int) -> None:
        self._log = log
        self._places: dict[int, list[int]] = {}
        _, size = log.ends(messages)
        last = log.number(messages)
        for place in log.facts.noted(size, last).tolist():
            self._places.setdefault(log.fact_messages[place], []).append(place)

    def of(self, message: int) -> str:
        """The note of a message; "" where it replaces nothing."""
        places = self._places.get(message, ())[:_MOST_BEFORE]
        parts = dict.fromkeys(filter(None, (_before(self._log, place) for place in places)))
        return f" ({'; '.join(parts)})" if parts else ""


def _events(
    log: ThreadLog,
    messages: int,
    before: int,
    at_most: int,
    relevance: Any,
    stating: set[int | None],
    notes: _Notes,
) -> list[MemoryPiece]:
    if not before or not at_most:
        return []
    ages = messages - 1 - np.arange(before)
    importance = np.array(log.importance[:before])
    scores = _scores(_EVENT, relevance[:before], importance, ages)
    chosen = best_places(scores, at_most)
    return [
        _message(
            log,
            place,
            MemoryLevel.EVENT,
            float(scores[place])
            * (_STATED_FACTOR if log.taken[place].message.number in stating else 1.0),
            notes.of(place) if relevance[place] >= _NOTED else "",
        )
        for place in chosen
    ]


def _summary(
    log: ThreadLog, messages: int, before: int, shown: set[int | None]
) -> Iterator[MemoryPiece]:
    """A summary that a task gave, the latest; else sentences of what is not shown otherwise."""
    given = [place for place in log.summaries if place < messages]
    if given:
        words = log.taken[given[-1]].summary or ""
        short = beginning(words, _SUMMARY_CHARS)
        brief = short if len(short) < len(words) else ""
        yield MemoryPiece(MemoryLevel.SUMMARY, words, _SUMMARY_GIVEN, brief)
        return
    size, _ = log.ends(before)
    scores = np.array(log.sentence_importance[:size])
    left = _MOST_SENTENCES
    for place in best_places(scores, _MOST_SENTENCES + 8 * len(shown)):
        sentence = log.sentences[place]
        message = log.taken[sentence.message].message
        if message.number in shown:
            continue
        if not left:
            return
        left -= 1
        yield MemoryPiece(
            MemoryLevel.SUMMARY,
            sentence.text,
            _SUMMARY * float(scores[place]),
            number=message.number,
            speaker=message.speaker,
        )
