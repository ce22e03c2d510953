"""The facts of a conversation, as they were stated, and which of them gave way to which.

Facts are only ever added, and each one says from which message on it is superseded: one ledger
answers for every earlier length of the conversation too.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from orchestration_assets.conversations.statements import MessageStatement, telling_words
from orchestration_assets.schemas.conversations import Fact, Message

OFFLINE: Final = "offline rules"
"""The source of facts that no task found."""
_LEAST_OVERLAP: Final = 0.5
"""Names of the same thing, of which one is part of the other, share at least so many words."""
_NEAR: Final = 6
"""A value alone ("no, Thursday") corrects what was stated in so many messages before."""
_IN_FORCE: Final = 2**63 - 1
"""The number of no message."""


@dataclass(frozen=True, slots=True)
class StatedFact:
    """A fact with who stated it, and the place in the ledger of the one that it replaced."""

    fact: Fact
    speaker: str | None
    kind: str
    words: frozenset[str]
    replaces: int | None


class FactLedger:
    """All facts so far, in the order that they were stated."""

    def __init__(self) -> None:
        self._stated: list[StatedFact] = []
        self._superseded = array("q")
        self._subjects: dict[str, int] = {"": 0}
        self._subject_of = array("q")
        self._standing: dict[str, set[int]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._stated)

    def __getitem__(self, place: int) -> StatedFact:
        return self._stated[place]

    def superseded_by(self, place: int, until: int) -> int | None:
        """The number of the message that replaced a fact, up to that number; None: it stands."""
        number = self._superseded[place]
        return number if number <= until else None

    def standing(self, size: int, until: int) -> Any:
        """The places of those of the first ``size`` facts that are in force after the message of
        that number: int64, ascending."""
        return np.nonzero(np.array(self._superseded[:size]) > until)[0]

    def subjects(self, places: Any) -> Any:
        """A number for the subject of each of these facts, whatever its case; 0 for none."""
        return np.array(self._subject_of)[places]

    def facts(self, size: int, until: int) -> Iterator[Fact]:
        """The first ``size`` facts as they stand after the message of a number."""
        for place, stated in enumerate(self._stated[:size]):
            yield replace(stated.fact, superseded_by=self.superseded_by(place, until))

    def before(self, place: int) -> Iterator[StatedFact]:
        """What a fact replaced that had another value, the latest first."""
        stated = self._stated[place]
        value = stated.fact.value
        while stated.replaces is not None:
            stated = self._stated[stated.replaces]
            if stated.fact.value.casefold() != value.casefold():
                yield stated
                value = stated.fact.value

    def add_statements(self, message: Message, statements: Iterable[MessageStatement]) -> None:
        """Takes up what offline rules found in a message.

        A statement replaces the one in force about the same when its words say that something
        changed, when its speaker made the earlier one, or when it says the same again. Otherwise
        both stand, as stated by whom; and what a speaker only believes replaces nothing.
        """
        for one in statements:
            if one.elliptic:
                self._add_ellipsis(message, one)
                continue
            fact = self._fact(message, one.subject, one.attribute, one.value)
            same = self._same(one)
            if one.believed and any(self._equal(place, one.value) for place in same):
                continue
            given_way = (
                [] if one.believed else [p for p in same if self._gives_way(p, one, message)]
            )
            self._add(fact, message.speaker, one.kind.value, one.words, given_way)

    def add_facts(self, message: Message, facts: Iterable[Fact]) -> None:
        """Takes up facts that a task found: they replace those of the same subject and
        attribute."""
        for fact in facts:
            words = telling_words(fact.subject, fact.attribute)
            same = [
                place for place in self._candidates(words) if self._stated[place].words == words
            ]
            stated = replace(fact, number=message.number, item_id=message.item_id)
            self._add(replace(stated, superseded_by=None), message.speaker, "", words, same)

    def _add_ellipsis(self, message: Message, one: MessageStatement) -> None:
        for place in range(len(self._stated) - 1, -1, -1):
            earlier = self._stated[place]
            if earlier.fact.number < message.number - _NEAR:
                return
            if earlier.kind == one.kind.value and self._superseded[place] == _IN_FORCE:
                fact = earlier.fact
                said = self._fact(message, fact.subject, fact.attribute, one.value)
                self._add(said, message.speaker, earlier.kind, earlier.words, [place])
                return

    def _same(self, one: MessageStatement) -> list[int]:
        """The facts in force about the same subject and attribute; for words of change, else none,
        the one whose name is a part of this one's or the other way round."""
        # "noon" may follow "10:30" where the attribute says that both are times
        any_kind = one.changes and bool(one.attribute)
        held = [
            place
            for place in self._candidates(one.words)
            if any_kind or self._stated[place].kind == one.kind.value
        ]
        equal = [place for place in held if self._stated[place].words == one.words]
        if equal or not one.changes:
            return equal
        near = [
            (len(words & one.words) / len(words | one.words), place)
            for place in held
            if (words := self._stated[place].words) < one.words or one.words < words
        ]
        best = max(near, default=(0.0, -1))
        return [best[1]] if best[0] >= _LEAST_OVERLAP else []

    def _candidates(self, words: frozenset[str]) -> list[int]:
        return sorted(set().union(*(self._standing.get(word, ()) for word in words)))

    def _gives_way(self, place: int, one: MessageStatement, message: Message) -> bool:
        if one.believed or one.several:
            return one.several and self._equal(place, one.value)
        same_speaker = self._stated[place].speaker == message.speaker
        return one.changes or same_speaker or self._equal(place, one.value)

    def _equal(self, place: int, value: str) -> bool:
        return self._stated[place].fact.value.casefold() == value.casefold()

    def _fact(self, message: Message, subject: str, attribute: str, value: str) -> Fact:
        return Fact(subject, attribute, value, message.number, message.item_id, OFFLINE)

    def _add(
        self,
        fact: Fact,
        speaker: str | None,
        kind: str,
        words: frozenset[str],
        given_way: list[int],
    ) -> None:
        place = len(self._stated)
        subject = fact.subject.casefold()
        self._superseded.append(_IN_FORCE)
        self._subject_of.append(self._subjects.setdefault(subject, len(self._subjects)))
        for earlier in given_way:
            self._superseded[earlier] = fact.number
            for word in self._stated[earlier].words:
                self._standing[word].discard(earlier)
        self._stated.append(StatedFact(fact, speaker, kind, words, max(given_way, default=None)))
        for word in words:
            self._standing[word].add(place)
