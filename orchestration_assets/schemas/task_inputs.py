"""What a task takes from tasks that are answered before it, and what stands of those."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.comparisons import AnswerCondition


class Otherwise(StrEnum):
    """What happens to a task where one that is answered before it has no answer to go by."""

    SKIP = "skip"
    ASK = "ask"
    ANSWER = "answer"


class InputState(StrEnum):
    """What stands of a task for those that come after it.

    ``declared``: an answer by declaration of the policy; ``judged``: the verdict of a person.
    ``absent``: it is not asked of the item.
    """

    ANSWERED = "answered"
    DECLARED = "declared"
    JUDGED = "judged"
    ABSTAINED = "abstained"
    FAILED = "failed"
    OVER_BUDGET = "over_budget"
    DEFERRED = "deferred"
    SKIPPED = "skipped"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class InputAnswer:
    """What stands of one task about one item.

    ``risk``: probability in [0, 1] that the answer is wrong, by the stated confidences of the
    services that decide it, 0 for a declared one; None where nothing is known of it. ``reason``: in
    words, why there is no answer.
    """

    state: InputState
    answer: Answer | None = None
    risk: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnswerTest:
    """A comparison with the answer to ``task``, or with one ``field`` of it ("" for the whole)."""

    task: str
    field: str
    comparison: AnswerCondition

    @property
    def name(self) -> str:
        """As it stands in the policy, but for its beginning."""
        return f"{self.task}.{self.field}" if self.field else self.task


@dataclass(frozen=True, slots=True)
class TaskInputs:
    """What one task takes from others.

    ``waits_for``: the tasks that are answered first; ``shown``: those of them whose answers
    services may be shown. ``answer`` is what stands where ``otherwise`` declares one.
    """

    waits_for: tuple[str, ...]
    shown: tuple[str, ...]
    tests: tuple[AnswerTest, ...] = ()
    otherwise: Otherwise = Otherwise.SKIP
    answer: Answer | None = None


Inputs = Mapping[str, TaskInputs]
"""Task -> what it takes from others; tasks that take nothing are left out."""
