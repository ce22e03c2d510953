"""What stands of tasks that were carried out before, read from the rows that they left.

A batch comes in parts: near-copies after the items that they are like, lessons before the rest, or
only what was deferred. A plan finds there what the tasks before it were answered.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from orchestration_assets.evidence.standing import Roles, decisive
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.processing.standing_inputs import standing_of_readings
from orchestration_assets.processing.task_waves import declared
from orchestration_assets.processing.validation import REFUSE
from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.tables import DecisionRow, InterpretationRow
from orchestration_assets.schemas.task_inputs import InputAnswer, Inputs, InputState
from orchestration_assets.selection.answer_conditions import Admission

Pair = tuple[str, str]
"""Item and task."""


class KnownInputs:
    """By item and task, what stands of the tasks that others wait for.

    Mostly nothing is ever looked up: rows are gone through at the first look after they came.
    """

    def __init__(self, inputs: Inputs, tasks: Mapping[str, Task]) -> None:
        self._inputs = inputs
        self._tasks = tasks
        self._waited_for = {task for one in inputs.values() for task in one.waits_for}
        self._new: list[BatchResult] = []
        self._rows: defaultdict[Pair, list[InterpretationRow]] = defaultdict(list)
        self._turned_away: dict[Pair, DecisionRow] = {}

    def add(self, result: BatchResult) -> BatchResult:
        """Takes up what the rows say, and gives them back; a pair is in one result only."""
        if self._waited_for:
            self._new.append(result)
        return result

    def get(self, pair: Pair) -> InputAnswer | None:
        """What stands of an item's task; None where it was not carried out before."""
        while self._new:
            self._read(self._new.pop())
        if pair in self._turned_away:
            return self._instead(self._turned_away[pair])
        if pair not in self._rows:
            return None
        return standing_of_rows(self._rows[pair], self._tasks[pair[1]])

    def _read(self, result: BatchResult) -> None:
        for rows in result.interpretations.values():
            for row in rows:
                if row.task in self._waited_for and (row.final or row.voice):
                    self._rows[row.item_id, row.task].append(row)
        for decision in result.decisions:
            if decision.task in self._waited_for and decision.action in _ENDS:
                self._turned_away[decision.item_id, decision.task] = decision

    def _instead(self, decision: DecisionRow) -> InputAnswer:
        if decision.action == Admission.OTHERWISE:
            return declared(self._inputs[decision.task], decision.reason)
        return InputAnswer(_INSTEAD[decision.action], reason=decision.reason)


_INSTEAD: Mapping[str, InputState] = {
    Admission.SKIP: InputState.SKIPPED,
    Admission.WAIT: InputState.DEFERRED,
    REFUSE: InputState.FAILED,
}
_ENDS: Final = frozenset({*_INSTEAD, Admission.OTHERWISE})


def standing_of_rows(rows: Sequence[InterpretationRow], task: Task) -> InputAnswer:
    """What stands of a task by its final readings and the voices of a panel, as rows."""
    finals = [row for row in rows if row.final]
    votes = [(row.service, _reading(row)) for row in finals]
    saw = {row.service: row.saw for row in finals}
    decides = frozenset(row.service for row in finals if row.decides)
    roles = Roles(decides, saw) if decides else decisive(votes, saw)
    first = {row.service: _reading(row) for row in rows if row.voice}
    members = {row.service: first.get(row.service) for row in finals if row.voice is not None}
    return standing_of_readings(votes, replace(roles, voices=members), task)


def _reading(row: InterpretationRow) -> Reading:
    return Reading(row.status, answer_of(row), row.confidence, row.alternatives, reason=row.reason)
