"""All that was noted of the messages of a thread: only ever added to.

A memory of a thread is a length of such a log. Memories of one thread share it, so that a message
costs what it is long, and not what was said before; where two memories go on differently from the
same message, the later one copies what they share.
"""

from array import array
from threading import RLock
from typing import Final, NamedTuple

from orchestration_assets.conversations.brevity import brief_of, whole_sentences
from orchestration_assets.conversations.content_words import content_words
from orchestration_assets.conversations.fact_ledger import FactLedger
from orchestration_assets.conversations.importance import WordSurprise, importance
from orchestration_assets.conversations.relevance import GrowingIndex
from orchestration_assets.conversations.sentence_cues import asks
from orchestration_assets.conversations.statements import statements_of
from orchestration_assets.conversations.typed_values import ValueKind
from orchestration_assets.conversations.value_mentions import value_mentions
from orchestration_assets.schemas.conversations import Fact, Message

_READ: Final = 16_384
"""Characters of a message that tell what it is about."""
_QUESTION: Final = 1_000
"""Characters of a question that tell what its answer is about."""
_LOOSE: Final = 0.5
"""How something is in words ("the gate is open") matters less than what has a name or a number."""


class Taken(NamedTuple):
    """What was taken up at once: a message, with facts and a summary where a task gave them."""

    message: Message
    facts: tuple[Fact, ...] | None
    summary: str | None


class NotedSentence(NamedTuple):
    """A sentence that a summary may choose. ``message`` is the place of its message, from 0."""

    message: int
    text: str


class ThreadLog:
    """The messages of a thread with what is known of each by itself and by those before it.

    ``importance``, ``fact_importance`` and ``sentence_importance`` are in [0, 1]. ``briefs`` holds
    what may stand for a message, "" where nothing shorter tells it; ``fact_messages`` the places of
    the messages that state the facts.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.taken: list[Taken] = []
        self.importance = array("d")
        self.briefs: list[str] = []
        self.sentences: list[NotedSentence] = []
        self.sentence_importance = array("d")
        self.facts = FactLedger()
        self.fact_importance = array("d")
        self.fact_messages = array("Q")
        self.messages_index = GrowingIndex()
        self.facts_index = GrowingIndex()
        self.summaries: list[int] = []
        self._ends = array("Q")
        self._surprise = WordSurprise()
        self._speakers: tuple[str | None, str | None] = (None, None)

    def add(self, taken: Taken) -> None:
        """Takes up one more message."""
        message = taken.message
        text = message.text[:_READ]
        before = self.taken[-1].message if self.taken else None
        answers = before is not None and before.speaker != message.speaker and asks(before.text)
        score = importance(text, self._surprise.of(text), answers=answers)
        self._add_sentences(message, score)
        self._surprise.add(text)
        self._add_facts(taken, score, before, answers=answers)
        self.messages_index.add(f"{message.speaker or ''} {text}")
        self.importance.append(score)
        if taken.summary is not None:
            self.summaries.append(len(self.taken))
        self.taken.append(taken)
        self._ends.extend((len(self.sentences), len(self.facts)))

    def beginning(self, messages: int) -> "ThreadLog":
        """A log of its own of the first ``messages``."""
        log = ThreadLog()
        for taken in self.taken[:messages]:
            log.add(taken)
        return log

    def number(self, messages: int) -> int:
        """The number of the last of the first ``messages``; 0 of none."""
        return self.taken[messages - 1].message.number if messages else 0

    def ends(self, messages: int) -> tuple[int, int]:
        """How many sentences and facts there are in the first ``messages``."""
        if not messages:
            return 0, 0
        return self._ends[2 * messages - 2], self._ends[2 * messages - 1]

    def _add_sentences(self, message: Message, score: float) -> None:
        parts = whole_sentences(message.text)
        scores = [score]
        if len(parts) > 1:
            scores = [importance(part, self._surprise.of(part)) for part in parts]
        for part, own in zip(parts, scores, strict=False):
            self.sentences.append(NotedSentence(len(self.taken), part))
            self.sentence_importance.append(own)
        self.briefs.append(brief_of(message.text, parts, scores))

    def _add_facts(
        self, taken: Taken, score: float, before: Message | None, *, answers: bool
    ) -> None:
        message = taken.message
        text = message.text[:_READ]
        last, other = self._speakers
        addressee = last if message.speaker != last else other
        if message.speaker != last:
            self._speakers = (message.speaker, last)
        known = len(self.facts)
        if taken.facts is None:
            said = statements_of(message.text, message.speaker, addressee)
            self.facts.add_statements(message, said)
            question = before.text[:_QUESTION] if answers and before is not None else ""
            mentions = value_mentions(text, message.speaker, addressee, question)
            self.facts.add_mentions(message, mentions)
            self.facts.add_words(content_words(text))
        else:
            self.facts.add_facts(message, taken.facts)
        for place in range(known, len(self.facts)):
            fact = self.facts[place].fact
            words = fact.sentence or f"{fact.subject} {fact.attribute} {fact.value}"
            self.facts_index.add(f"{message.speaker or ''} {words}")
            loose = not fact.attribute and self.facts[place].kind == ValueKind.WORDS
            self.fact_importance.append(score * _LOOSE if loose else score)
            self.fact_messages.append(len(self.taken))
