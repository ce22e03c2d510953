"""What stands of a task for those that come after it, by the readings that it has at that moment.

That is the consensus of its deciding readings with the confidences that the services state. What
is learned of services from a whole batch is not known yet: resolving may weigh them otherwise.
"""

from collections.abc import Sequence

from orchestration_assets.evidence.consensus import Consensus, Vote
from orchestration_assets.evidence.standing import Roles, standing
from orchestration_assets.processing.plan_result import PlanResult, roles_of
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.task_inputs import InputAnswer, InputState


def standing_of(done: PlanResult, task: Task) -> InputAnswer:
    """What stands of a plan of the task that is over."""
    if done.stands is not None:
        return done.stands
    if done.leading is not None and done.leading.answer is not None:
        return _answered(done.leading)
    votes = [(result.service, result.reading) for result in done.answered if result.final]
    return standing_of_readings(votes, roles_of(done.answered), task)


def standing_of_readings(votes: Sequence[Vote], roles: Roles, task: Task) -> InputAnswer:
    """What stands of these final readings, where it was not refused.

    The risk of a kind of answer that has none of its own is what its certainty leaves.
    """
    found = standing(votes, roles, task)
    if found.answer is None:
        said = "; ".join(f"{name}: {reading.reason}" for name, reading in votes)
        return InputAnswer(_state_without_answer(votes), reason=said)
    return _answered(found)


def _answered(found: Consensus) -> InputAnswer:
    risk = 1.0 - found.certainty if found.error_risk is None else found.error_risk
    return InputAnswer(InputState.ANSWERED, found.answer, risk)


def _state_without_answer(votes: Sequence[Vote]) -> InputState:
    statuses = {reading.status for _, reading in votes}
    if Status.DEFERRED in statuses:
        return InputState.DEFERRED
    if Status.OVER_BUDGET in statuses:
        return InputState.OVER_BUDGET
    return InputState.ABSTAINED if statuses == {Status.ABSTAINED} else InputState.FAILED
