"""What a service is shown and what it says: plain values that cross every wall."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from orchestration_assets.schemas.answers import Answer, is_answer
from orchestration_assets.schemas.conversations import ConversationMemory
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.parts import ItemPart, PartAnswer, TaskParts
from orchestration_assets.schemas.record_fields import RecordField
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.tool_use import TaskTools, ToolTurn

OBJECTION: Final = "objection"
"""What a service reads that can be asked again, with what is wrong with its answer."""


@dataclass(frozen=True)
class Item:
    """One accepted item with its content, as services see it.

    ``path`` is relative to the source, for people and for services that read the name;
    ``text`` is the decoded content; ``profile`` maps feature names to values.
    """

    item_id: str
    content_hash: str
    path: str
    text: str
    profile: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The family of its content type, as profiled; prose where there is no profile."""
        return str(self.profile.get("family", "prose"))

    @cached_property
    def data(self) -> bytes:
        """The content as UTF-8, for services that want bytes."""
        return self.text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another answer that the service considered, with its confidence in [0, 1]."""

    answer: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one service said to one question.

    ``confidence`` is the service's own probability in [0, 1] that the answer is right (None
    when it offers none). ``evidence`` says in a few words what the answer rests on; ``reason``
    says why there is no answer. An ``ok`` reading always has an answer, and so has a ``fallback``
    one, which another service gave.
    """

    status: Status
    answer: Answer | None = None
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    evidence: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.status in (Status.OK, Status.FALLBACK)) != is_answer(self.answer):
            raise ValueError(f"a reading is ok or fallback when it has an answer, got {self!r}")
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must lie in [0, 1], got {self.confidence}")


@dataclass(frozen=True, slots=True)
class ValueRule:
    """What an answer must satisfy, and why.

    ``rule`` is an expression, or, where it ``asks`` a service, a question in words that the service
    answers with yes or no. What follows where it is not satisfied is ``otherwise``: services are
    asked again, at most ``attempts`` times (``repair``), another one is asked (``escalate``), the
    one named by ``escalate_to`` or else the next that the plan admits, people decide (``review``),
    or the item has no answer (``fail``).
    """

    rule: str
    because: str = ""
    otherwise: str = "repair"
    attempts: int = 1
    asks: str = ""
    escalate_to: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A question asked of items, ``question`` in words.

    ``labels`` is the closed set of label answers, if there is one; ``scale`` the lowest and
    highest score. Two answers whose distance reaches ``disagree_at`` (0..1) disagree. What a
    disagreement would change: labels that stand together in one of ``near_synonyms`` nothing,
    scores something across one of ``bands``, the places where bands of the scale meet. ``fields``
    are those of a record; ``quotes``: whether services are asked what its values rest on;
    ``value_rules``: what an answer must satisfy. ``checks`` is the task about whose answer this one
    asks, as the only thing that was answered before. ``parts``: of which parts of an item it is
    asked, None where it is asked of whole items. ``own_kind`` is the kind of a plug-in that stands
    on ``kind``, if there is one, and ``own_kind_version`` tells when it answers otherwise.
    ``tools``: what services may call for an answer, None for nothing. ``redact_answers``: all
    that is taken out of answers before they are kept, None where the policy does not say.
    """

    name: str
    version: str
    kind: AnswerKind
    labels: tuple[str, ...] = ()
    scale: tuple[float, float] = (0.0, 1.0)
    disagree_at: float = 1.0
    question: str = ""
    near_synonyms: tuple[tuple[str, ...], ...] = ()
    bands: tuple[float, ...] = ()
    fields: tuple[RecordField, ...] = ()
    quotes: bool = False
    value_rules: tuple[ValueRule, ...] = ()
    checks: str = ""
    parts: TaskParts | None = None
    own_kind: str = ""
    own_kind_version: str = ""
    tools: TaskTools | None = None
    redact_answers: tuple[SensitiveKind, ...] | None = None


@dataclass(frozen=True, slots=True)
class NearItem:
    """An item of earlier content that is close to the one asked about, with its settled answer.

    ``similarity`` is the cosine of both contents, in (0, 1]; ``answer`` is shown as text. The
    ``text`` is there once it was read.
    """

    batch: str
    item_id: str
    path: str
    content_hash: str
    similarity: float
    answer: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with the answer that a service gave, for it to look again: ``words`` say what
    should hold."""

    answer: Answer
    words: str


@dataclass(frozen=True, slots=True)
class Question:
    """One task about one item.

    ``earlier`` holds what earlier steps, rounds or waves answered. ``coverage`` is the share of
    the content that the item's text holds: below 1 the text is an excerpt. ``near`` holds earlier
    items, the nearest first, for services that are shown them; ``near_unread`` counts those whose
    text could not be read, or not in time. ``answers`` holds what stands of the tasks that come
    before this one, None where nothing does, for services that are shown it. ``objection``: the
    service is asked again, since its answer violates a rule. ``part`` is the part that the item's
    text is; ``parts`` holds what was answered about each, for a service that joins. ``passages``
    are those of knowledge that were found for the item, the best first. ``memory`` is what is
    remembered of the messages before the item, in its conversation. ``turns`` are the calls of
    tools so far, with their results; no more may be made unless ``tools_open``. ``tool_data`` names
    the data that tools answer from.
    """

    task: Task
    item: Item
    earlier: tuple[tuple[str, Reading], ...] = ()
    coverage: float = 1.0
    near: tuple[NearItem, ...] = ()
    near_unread: int = 0
    answers: tuple[tuple[str, Answer | None], ...] = ()
    objection: Objection | None = None
    part: ItemPart | None = None
    parts: tuple[PartAnswer, ...] = ()
    passages: tuple[RetrievedPassage, ...] = ()
    memory: ConversationMemory | None = None
    turns: tuple[ToolTurn, ...] = ()
    tools_open: bool = True
    tool_data: str = ""
