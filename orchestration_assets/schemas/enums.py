"""The closed vocabularies that tables, policy and code share."""

from enum import StrEnum
from typing import Final


class EntryOutcome(StrEnum):
    """What became of one listed entry or one record of it.

    ``unpacked`` is the outcome of a record file: its records have rows of their own. ``forgotten``:
    the content was removed on request, and is not taken in again.
    """

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    MOVED = "moved"
    DUPLICATE = "duplicate"
    GONE = "gone"
    SUPERSEDED = "superseded"
    UNPACKED = "unpacked"
    FORGOTTEN = "forgotten"
    REJECTED = "rejected"


class RejectReason(StrEnum):
    """Why an entry was rejected."""

    EMPTY = "empty"
    BINARY = "binary"
    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"
    UNREADABLE = "unreadable"
    SPECIAL_FILE = "special_file"
    LINK_LOOP = "link_loop"
    LINK_DANGLING = "link_dangling"
    LINK_OUTSIDE = "link_outside"
    LINK_FOLDER = "link_folder"
    VANISHED = "vanished"
    SLOW = "slow"
    MALFORMED = "malformed"
    REPEATED_ID = "repeated_id"
    BOMB = "bomb"


# reasons that may pass by themselves: such an entry is offered again
TRANSIENT: Final = frozenset({RejectReason.UNREADABLE, RejectReason.VANISHED, RejectReason.SLOW})


class ItemPresence(StrEnum):
    """What the corpus has of an item now."""

    PRESENT = "present"
    REJECTED = "rejected"
    GONE = "gone"
    SUPERSEDED = "superseded"
    FORGOTTEN = "forgotten"


class AnswerKind(StrEnum):
    """The kind of answer that a task asks for."""

    LABEL = "label"
    SET = "set"
    TEXT = "text"
    SCORE = "score"
    VECTOR = "vector"
    RECORD = "record"


class Status(StrEnum):
    """How one service's attempt at one task about one item ended.

    Only ``ok`` and ``abstained`` are cached; only ``ok`` takes part in disagreement. ``deferred``:
    the service was unavailable, and a later run asks again.
    """

    OK = "ok"
    ABSTAINED = "abstained"
    FALLBACK = "fallback"
    FAILED = "failed"
    TIMEOUT = "timeout"
    REJECTED_OUTPUT = "rejected_output"
    OVER_BUDGET = "over_budget"
    DEFERRED = "deferred"


class ProfileStatus(StrEnum):
    """Whether an accepted item could be profiled."""

    OK = "ok"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class ProcessingModel(StrEnum):
    """How the services of a plan are asked."""

    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"
    ITERATIVE = "iterative"
    HYBRID = "hybrid"


class ResolutionStatus(StrEnum):
    """Whether an item's task has an answer that stands.

    ``preserved``: services disagree, and by policy no reading is put above another. ``deferred``:
    nobody has answered yet, and a service that may was unavailable. ``skipped``: nobody was asked,
    since the answers to tasks that come before it do not admit it.
    """

    RESOLVED = "resolved"
    PRESERVED = "preserved"
    ABSTAINED = "abstained"
    DEFERRED = "deferred"
    FAILED = "failed"
    SKIPPED = "skipped"


class DisagreementKind(StrEnum):
    """How two answers of a kind can contradict each other."""

    LABEL_CONFLICT = "label_conflict"
    SET_MISMATCH = "set_mismatch"
    TEXT_DIVERGENCE = "text_divergence"
    SCORE_GAP = "score_gap"
    NEIGHBOURHOOD_SHIFT = "neighbourhood_shift"
    FIELD_CONFLICT = "field_conflict"
    FIELD_MISSING = "field_missing"


class Consequence(StrEnum):
    """What somebody would do otherwise if the other of two answers held; ``none`` where nothing."""

    NONE = "none"
    OTHER_LABEL = "other_label"
    CONTRADICTION = "contradiction"
    OTHER_BAND = "other_band"
    MISSING_MEMBERS = "missing_members"
    OTHER_NEIGHBOURS = "other_neighbours"
    OTHER_VALUE = "other_value"
    MISSING_VALUE = "missing_value"


class ResolutionPolicy(StrEnum):
    """What stands when services disagree: see ``disagreement.resolution``."""

    WEIGHT = "weight"
    LITERAL = "literal"
    SEMANTIC = "semantic"
    PRESERVE_ALL = "preserve_all"
    FAIL = "fail"


class Manner(StrEnum):
    """How a service reads: by the words and signs themselves, or by what they mean."""

    LITERAL = "literal"
    SEMANTIC = "semantic"


class Triage(StrEnum):
    """What becomes of an answer, by how probably it is right."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


class DisputeKind(StrEnum):
    """What sets the readings of one item and task apart, beyond their distance."""

    OPPOSED_TONE = "opposed_tone"
    FIGURATIVE = "figurative"
    ENTITY_CONFLICT = "entity_conflict"
    TYPE_CONFLICT = "type_conflict"
    OUTLIER_SERVICE = "outlier_service"
    VIOLATION = "violation"
    UNSUPPORTED_CITATION = "unsupported_citation"


class Family(StrEnum):
    """The broad shape of an item, as the profile sees it."""

    PROSE = "prose"
    MARKUP = "markup"
    CODE = "code"
    DATA = "data"


class FeatureFamily(StrEnum):
    """The five families of profile features."""

    BASIC = "basic"
    TEXT = "text"
    STRUCTURE = "structure"
    CODE = "code"
    SCORE = "score"
