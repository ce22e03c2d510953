from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.states import (
    FINAL_STATES,
    INTAKE_STATES,
    TRANSITIONS,
    IllegalTransitionError,
    ItemState,
    step,
)


def test_every_outcome_of_the_intake_but_accepted_is_an_end() -> None:
    assert set(INTAKE_STATES) == set(EntryOutcome) - {EntryOutcome.ACCEPTED}
    assert set(INTAKE_STATES.values()) <= FINAL_STATES


def test_every_state_can_be_reached_and_every_unfinished_one_can_end() -> None:
    reached: set[ItemState] = set()
    frontier: set[ItemState | None] = {None}
    while frontier:
        ahead = {after for state in frontier for after in TRANSITIONS.get(state, ())}
        frontier = set(ahead - reached)
        reached |= ahead
    assert reached == set(ItemState)
    for state in set(ItemState) - FINAL_STATES:
        assert TRANSITIONS[state], state


def test_nothing_follows_an_end_and_no_state_comes_back() -> None:
    for end in FINAL_STATES:
        for after in ItemState:
            with pytest.raises(IllegalTransitionError, match="it is final"):
                step("1", end, after)
    for state, after in TRANSITIONS.items():
        assert state not in after


def test_an_illegal_step_names_item_states_and_remedy() -> None:
    with pytest.raises(IllegalTransitionError) as caught:
        step("00ff", ItemState.DISCOVERED, ItemState.PLANNED)
    assert "item 00ff cannot go from discovered to planned" in str(caught.value)
    assert "materialize" in str(caught.value)


@given(st.lists(st.sampled_from(list(ItemState)), max_size=6))
def test_any_walk_raises_exactly_at_its_first_step_outside_the_table(walk) -> None:
    legal = all(after in TRANSITIONS.get(before, ()) for before, after in pairwise([None, *walk]))
    state = None
    try:
        for after in walk:
            state = step("1", state, after)
    except IllegalTransitionError as error:
        assert not legal
        assert error.before is state
    else:
        assert legal
