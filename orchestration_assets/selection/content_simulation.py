"""Following decisions about recorded answers, from nothing asked until every item stops."""

from collections.abc import Callable, Sequence

import numpy as np

from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.forest import Nodes
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints, RecordedAnswers
from orchestration_assets.selection.content_actions import asked_of, union
from orchestration_assets.selection.content_policy import ContentPolicy
from orchestration_assets.selection.content_states import ItemStates, states_after
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome_of_accepted


class ContentSimulator:
    """Runs a policy on recorded answers; what no rate changes is computed once."""

    def __init__(self, policy: ContentPolicy, expected: Floats, recorded: RecordedAnswers) -> None:
        self._policy, self._expected, self._recorded = policy, expected, recorded
        self._states: dict[Subset, tuple[ItemStates, Nodes | None]] = {}

    def run(self, rate_index: int) -> PolicyOutcome:
        """The outcome at one exchange rate."""
        policy = self._policy

        def decide(subset: Subset) -> tuple[Ints, Ints]:
            state, leaves = self._state(subset)
            if leaves is None:
                return state.accepted.service, np.full(self._recorded.n_items, MISSING)
            choice = policy.choice(rate_index, subset, state, leaves)
            return state.accepted.service, np.where(choice.goes_on, choice.action, MISSING)

        return follow(self._recorded, decide, policy.actions, policy.times)

    def _state(self, subset: Subset) -> tuple[ItemStates, Nodes | None]:
        if subset not in self._states:
            recorded, policy = self._recorded, self._policy
            asked = asked_of(subset, recorded)
            accepted = policy.accepted(
                self._expected, recorded.answers, recorded.confidences, asked
            )
            state = states_after(
                policy.accepted,
                policy.candidates,
                subset,
                self._expected,
                recorded,
                asked,
                accepted,
            )
            forest = policy.forests.get(subset)
            self._states[subset] = (
                state,
                None if forest is None else forest.leaves(state.features),
            )
        return self._states[subset]


def follow(
    recorded: RecordedAnswers,
    decide: Callable[[Subset], tuple[Ints, Ints]],
    actions: Callable[[Subset], Sequence[Subset]],
    times: Floats,
    reached: dict[Subset, float] | None = None,
) -> PolicyOutcome:
    """Follows the decisions item by item until each one stops.

    ``decide`` gives, after a set of services, the service whose answer would stand and the position
    of the action taken (n,), ``MISSING`` to stop. ``reached`` is filled with the share of the items
    that come to each set.
    """
    n_items, n_services = recorded.answers.shape
    asked = np.zeros((n_items, n_services), dtype=np.bool_)
    accepted = np.full(n_items, MISSING)
    waits = np.zeros(n_items)
    arriving: dict[Subset, list[Ints]] = {(): [np.arange(n_items)]}
    while arriving:
        subset = min(arriving, key=lambda one: (len(one), one))
        items = np.concatenate(arriving.pop(subset))
        if reached is not None:
            reached[subset] = len(items) / n_items
        service, action = decide(subset)
        steps = action[items]
        stopping = items[steps == MISSING]
        accepted[stopping] = service[stopping]
        for number, members in enumerate(actions(subset)):
            going = items[steps == number]
            if going.size:
                asked[np.ix_(going, members)] = True
                waits[going] += times[list(members)].max()
                arriving.setdefault(union(subset, members), []).append(going)
    return outcome_of_accepted(recorded, asked, accepted, waits)
