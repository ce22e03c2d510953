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

from orchestration_assets.conversations.content_words import content_words
from orchestration_assets.conversations.mention_links import (
    CHANGED,
    PERHAPS,
    SAID_AGAIN,
    UNNAMED,
    MentionLinks,
    owners_differ,
)
from orchestration_assets.conversations.statements import MessageStatement, telling_words
from orchestration_assets.conversations.topics import Topic
from orchestration_assets.conversations.typed_values import ValueKind
from orchestration_assets.conversations.value_mentions import ValueMention, value_key
from orchestration_assets.schemas.conversations import Fact, Message

OFFLINE: Final = "offline rules"
"""The source of facts that no task found."""
_LEAST_OVERLAP: Final = 0.5
"""Names of the same thing, of which one is part of the other, share at least so many words."""
_MOST_NAMED: Final = 2
"""A name in more messages is a topic rather than a value."""
_NEAR: Final = 6
"""A value alone ("no, Thursday") corrects what was stated in so many messages before."""
_IN_FORCE: Final = 2**63 - 1
"""The number of no message."""


@dataclass(frozen=True, slots=True)
class StatedFact:
    """A fact with who stated it, and the places in the ledger of the one that it replaced and of
    the one that it may have replaced, which stands beside it."""

    fact: Fact
    speaker: str | None
    kind: str
    words: frozenset[str]
    replaces: int | None
    topic: Topic
    perhaps: int | None


class FactLedger:
    """All facts so far, in the order that they were stated."""

    def __init__(self) -> None:
        self._stated: list[StatedFact] = []
        self._superseded = array("q")
        self._subjects: dict[str, int] = {"": 0}
        self._subject_of = array("q")
        self._named = array("b")
        self._noted = array("b")
        self._standing: dict[str, set[int]] = defaultdict(set)
        self._links = MentionLinks()

    def __len__(self) -> int:
        return len(self._stated)

    def __getitem__(self, place: int) -> StatedFact:
        return self._stated[place]

    def superseded_by(self, place: int, until: int) -> int | None:
        """The number of the message that replaced a fact, up to that number; None: it stands."""
        number = self._superseded[place]
        return number if number <= until else None

    def standing(self, size: int, until: int) -> Any:
        """The places of those of the first ``size`` facts with a name that are in force after the
        message of that number: int64, ascending. What has none is told by its message."""
        named = np.array(self._named[:size], dtype=bool)
        return np.nonzero(named & self._in_force(size, until))[0]

    def noted(self, size: int, until: int) -> Any:
        """The same of those without a name that replaced another one, or may have."""
        noted = np.array(self._noted[:size], dtype=bool)
        return np.nonzero(noted & self._in_force(size, until))[0]

    def _in_force(self, size: int, until: int) -> Any:
        return np.array(self._superseded[:size]) > until

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

    def perhaps_before(self, place: int) -> StatedFact | None:
        """What a fact may have replaced; both stand."""
        other = self._stated[place].perhaps
        return self._stated[other] if other is not None else None

    def add_words(self, words: Iterable[str]) -> None:
        """Takes up the different words of a message, after its facts."""
        self._links.weights.add(words)

    def add_mentions(self, message: Message, mentions: Iterable[ValueMention]) -> None:
        """Takes up the values of a message that no form of sentence names.

        A value supersedes the one in force of the same sort whose sentence is most like its own, if
        it is like enough; where it is less so, both stand and are told together. Of two values of a
        sort in one sentence, of which one is in force, the other one takes its place. What is only
        believed takes no place.
        """
        named = [
            (one.kind, value_key(one.fact.value, one.kind))
            for one in self._stated_by(message.number)
        ]
        groups: dict[tuple[int, str], list[ValueMention]] = {}
        for one in mentions:
            is_named = any(kind == one.kind and one.key in value for kind, value in named)
            if not is_named and self._may_be_value(one):
                groups.setdefault((one.sentence, one.kind.value), []).append(one)
        for group in groups.values():
            self._add_group(message, group)

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
            by = telling_words(message.speaker or "")
            # what a number counts is a word of its sentence
            value = "" if one.kind is ValueKind.NUMBER else one.value
            said = content_words(one.sentence.replace(value, " ") if value else one.sentence)
            of_speaker = one.of_speaker and bool(by)
            topic = Topic(said | (one.words - by), one.words, frozenset(), by, of_speaker)
            perhaps = None
            if not same and one.kind not in (ValueKind.WORDS, ValueKind.NAME) and not one.believed:
                given_way, perhaps = self._place_of(
                    message, one.kind.value, topic, one.value, changed=one.changes
                )
            self._add(fact, message.speaker, one.kind.value, one.words, given_way, topic, perhaps)

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

    def _stated_by(self, number: int) -> Iterator[StatedFact]:
        for stated in reversed(self._stated):
            if stated.fact.number != number:
                return
            yield stated

    def _may_be_value(self, one: ValueMention) -> bool:
        """A name that the thread speaks of again and again is what is spoken of."""
        if one.kind is not ValueKind.NAME:
            return True
        held = self._links.weights.held
        return min(map(held, telling_words(one.value)), default=0) <= _MOST_NAMED

    def _add_group(self, message: Message, group: list[ValueMention]) -> None:
        """The values of one sort in one sentence."""
        old = {one.key: place for one in group if (place := self._again(one, message)) is not None}
        if len({one.key for one in group}) > len(old) > 0:
            group = [one for one in group if one.key not in old and not one.denied]
            if group:
                self._add_mention(message, group[0], sorted(old.values()), None)
            group = group[1:]
        group = [one for one in group if not one.denied]
        taken: set[int] = set()
        for one in group:
            if one.believed:
                given_way, perhaps = list[int](), None
            else:
                topic = _topic(one, message)
                given_way, perhaps = self._place_of(
                    message, one.kind.value, topic, one.value, changed=one.changes
                )
            if one.may_be_owner and given_way and not self._equal(given_way[0], one.value):
                given_way, perhaps = [], given_way[0]
            free = [place for place in given_way if place not in taken]
            taken.update(free)
            self._add_mention(message, one, free, perhaps)

    def _again(self, one: ValueMention, message: Message) -> int | None:
        """The fact in force that a mention names again."""
        topic = _topic(one, message)
        for near in self._links.near(one.kind.value, topic, lambda at: self._stated[at].topic):
            earlier = self._stated[near.place]
            if value_key(earlier.fact.value, earlier.kind) == one.key:
                return near.place
        return None

    def _add_mention(
        self, message: Message, one: ValueMention, given_way: list[int], perhaps: int | None
    ) -> None:
        topic = _topic(one, message)
        fact = replace(self._fact(message, "", "", one.value), sentence=one.said)
        words: frozenset[str] = frozenset()
        for place in given_way:
            earlier = self._stated[place]
            if earlier.words and earlier.words <= one.words | one.context:
                named = earlier.fact
                fact = self._fact(message, named.subject, named.attribute, one.value)
                words = earlier.words
        self._add(fact, message.speaker, one.kind.value, words, given_way, topic, perhaps)

    def _place_of(
        self, message: Message, kind: str, topic: Topic, value: str, *, changed: bool
    ) -> tuple[list[int], int | None]:
        """What a value supersedes, and what it may supersede."""
        key = value_key(value, kind)
        for likeness, place in self._links.near(kind, topic, lambda at: self._stated[at].topic):
            earlier = self._stated[place]
            if earlier.fact.number == message.number:
                continue
            if value_key(earlier.fact.value, kind) == key:
                return [place], None
            least = min(
                CHANGED if changed else 1.01,
                SAID_AGAIN if earlier.speaker == message.speaker else 1.01,
            )
            if owners_differ(topic, earlier.topic):
                continue
            # the attribute is said again, where it has a name
            named = telling_words(earlier.fact.attribute) <= topic.all_words
            is_name = kind == ValueKind.NAME
            if named and likeness >= (max(least, SAID_AGAIN) if is_name else least):
                return [place], None
            may = likeness >= (PERHAPS if named and not is_name else UNNAMED)
            return [], place if may else None
        return [], None

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
        topic: Topic | None = None,
        perhaps: int | None = None,
    ) -> None:
        about = topic or Topic(words)
        place = len(self._stated)
        subject = fact.subject.casefold()
        self._superseded.append(_IN_FORCE)
        self._subject_of.append(self._subjects.setdefault(subject, len(self._subjects)))
        for earlier in given_way:
            self._superseded[earlier] = fact.number
            for word in self._stated[earlier].words:
                self._standing[word].discard(earlier)
            self._links.discard(earlier, self._stated[earlier].kind, self._stated[earlier].topic)
        replaced = max(given_way, default=None)
        self._named.append(not fact.sentence)
        self._noted.append(bool(fact.sentence) and (replaced is not None or perhaps is not None))
        self._stated.append(StatedFact(fact, speaker, kind, words, replaced, about, perhaps))
        self._links.add(place, kind, about)
        for word in words:
            self._standing[word].add(place)


def _topic(one: ValueMention, message: Message) -> Topic:
    speaker = telling_words(message.speaker or "")
    return Topic(one.words, one.context, one.owners, speaker, one.of_speaker)
