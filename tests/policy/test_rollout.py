"""Shares that are stable and nested, policies that can be compared, and steps of a roll-out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.command.rollout import render
from orchestration_assets.policy.load import load_policy, parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.policy.rollout import (
    comparable_tasks,
    incomparable,
    is_in_share,
    rollout_id,
)
from orchestration_assets.policy.rollout_start import policy_to_follow
from orchestration_assets.policy.rollout_state import (
    RolloutError,
    RolloutState,
    RolloutStatus,
    after_batch,
    begin,
    begin_again,
    current_state,
    move,
    overtaken,
    stepped_up,
)
from orchestration_assets.schemas.rollout import (
    Rollout,
    RolloutAction,
    RolloutMetric,
    RolloutVerdict,
)
from resources.home import Home
from resources.versioned_state import ChangeNote

POLICY = """
version: 2
{rollout}
services:
  names: {{implementation: extension_map}}
  magic: {{implementation: magika}}
tasks:
  type:
    question: {question}
    labels: [python, text]
    default: {{model: parallel, services: [{services}]}}
{more}
"""
NOTE = ChangeNote("ann", datetime(2026, 1, 1, tzinfo=UTC))
WITHIN, FEW, WORSE = RolloutVerdict.WITHIN, RolloutVerdict.TOO_FEW, RolloutVerdict.WORSE


def policy(rollout: str = "", services: str = "names", question: str = "What?", more: str = ""):
    text = POLICY.format(rollout=rollout, services=services, question=question, more=more)
    return parse_policy(text, "policy.yaml")


NEW = {"rollout": "rollout: {share: 0.1}", "services": "magic"}


@given(st.text(max_size=40), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_an_item_of_a_small_share_is_in_every_larger_one(content, one, other) -> None:
    small, large = sorted((one, other))
    if is_in_share(content, "rollout", small):
        assert is_in_share(content, "rollout", large)
    assert is_in_share(content, "rollout", 1.0)
    assert not is_in_share(content, "rollout", 0.0)


def test_a_share_holds_about_as_many_items_as_it_says_and_others_in_another_roll_out() -> None:
    first = {n for n in range(20_000) if is_in_share(str(n), "a", 0.05)}
    second = {n for n in range(20_000) if is_in_share(str(n), "b", 0.05)}
    assert 880 <= len(first) <= 1_120
    assert len(first & second) <= 100
    assert rollout_id("a", "b") != rollout_id("a", "b", 2) != rollout_id("b", "a")


def test_only_who_answers_and_how_may_differ() -> None:
    old = policy()
    assert not incomparable(old.policy, policy(**NEW).policy)
    assert not incomparable(old.policy, policy(question="Which?").policy)
    more = "  other: {question: W, labels: [a, b], default: {model: parallel, services: [names]}}"
    wider = policy(more=more)
    assert incomparable(old.policy, wider.policy) == ["tasks.other: is new"]
    # less may be asked, and what is asked still is compared
    assert not incomparable(wider.policy, old.policy)
    assert comparable_tasks(wider.policy, old.policy) == {"type"}
    chained = policy(more=more.replace("question: W", "question: W, after: [type]"))
    assert not incomparable(wider.policy, chained.policy)
    assert comparable_tasks(wider.policy, chained.policy) == {"type"}
    text = chained.text.replace("question: What?", "question: W\n    applies_to: {family: code}")
    narrow = parse_policy(text, "p")
    assert comparable_tasks(chained.policy, narrow.policy) == frozenset()
    assert incomparable(chained.policy, narrow.policy) == [
        "tasks: none of them is asked of the same items by both"
    ]
    # plans find their passages in the documents of the policy in force
    more = "knowledge: {handbook: {source: other}}"
    assert incomparable(old.policy, policy(more=more).policy) == ["knowledge: differs"]
    narrower = parse_policy(
        POLICY.format(
            rollout="content: {max_bytes: 5}", services="names", question="W", more=""
        ).replace("[python, text]", "[python]"),
        "p",
    )
    assert incomparable(old.policy, narrower.policy) == [
        "content: differs",
        "tasks.type.labels: differs",
    ]


@pytest.mark.parametrize(
    ("rollout", "said"),
    [
        ("{share: 0.1, steps: [0.2, 1.0]}", "steps must begin with the share"),
        ("{share: 0.1, steps: [0.1, 0.05, 1.0]}", "steps must rise"),
        ("{share: 0.1, steps: [0.1, 0.5]}", "end with 1"),
        ("{share: 0.1, steps: [0.1, 0.8, 1.0]}", "must not lie above 0.5"),
        ("{share: 0.6}", "less than or equal to 0.5"),
    ],
)
def test_steps_that_lead_nowhere_are_refused_with_their_line(rollout, said) -> None:
    with pytest.raises(PolicyError) as raised:
        policy(rollout=f"rollout: {rollout}")
    assert said in str(raised.value)
    assert all(problem.path.startswith("rollout") for problem in raised.value.problems)
    assert Rollout().shares == (0.05, 0.25, 1.0)
    assert Rollout(share=0.3).shares == (0.3, 1.0)


def verdicts(errors=WITHIN, latency=WITHIN):
    return {RolloutMetric.ERRORS: errors, RolloutMetric.LATENCY: latency}


def test_steps_follow_passes_in_a_row() -> None:
    config, state = Rollout(passes=2, least_items=50), RolloutState("r", "old", "new")
    state, action = after_batch(state, config, verdicts(), 60)
    assert (action, state.passes) == (RolloutAction.PASSED, 1)
    # a batch of few items is no second pass, and takes the first away from nobody
    state, action = after_batch(state, config, verdicts(), 70)
    assert (action, state.passes, state.fresh) == (RolloutAction.GO_ON, 1, 10)
    # nor is one that is carried out again
    assert after_batch(state, config, verdicts(), 70) == (state, RolloutAction.GO_ON)
    state, action = after_batch(state, config, verdicts(latency=FEW), 130)
    assert (action, state.passes) == (RolloutAction.GO_ON, 0)
    items = 130
    for wanted in (RolloutAction.PASSED, RolloutAction.STEP_UP, RolloutAction.PASSED):
        items += 60
        state, action = after_batch(state, config, verdicts(), items)
        assert action is wanted
    state, action = after_batch(state, config, verdicts(), items + 60)
    assert (action, state.status) == (RolloutAction.PROMOTE, RolloutStatus.PROMOTED)


@given(st.lists(st.tuples(st.sampled_from([WITHIN, FEW, WORSE]), st.integers(0, 99)), max_size=30))
def test_nothing_that_was_worse_ever_goes_on(batches) -> None:
    state = RolloutState("r", "old", "new")
    items = 0
    for verdict, more in batches:
        before, items = state, items + more
        state, action = after_batch(state, Rollout(), verdicts(errors=verdict), items)
        assert (action is RolloutAction.ROLL_BACK) == (verdict is WORSE)
        if state.step > before.step:
            assert verdict is WITHIN and before.passes == Rollout().passes - 1
        if state.status is not RolloutStatus.RUNNING:
            break


def test_a_policy_is_tried_against_the_one_in_force_and_promoted_in_the_end(tmp_path) -> None:
    home, file = Home(tmp_path / "home"), tmp_path / "new.yaml"
    old, new = policy(), policy(**NEW)
    file.write_text(new.text)
    # with nothing to try it against it is followed
    assert policy_to_follow(home, file).path == file
    state = begin(home, old, new)
    assert begin(home, old, new) == state == current_state(home)
    registry = PolicyRegistry(home)
    assert registry.active() is None
    config = new.policy.rollout
    move(home, state.rollout, lambda now: stepped_up(now, config, "by hand")[0], "a")
    ended = move(home, state.rollout, lambda now: stepped_up(now, config, "by hand")[0], "b")
    assert ended.status is RolloutStatus.PROMOTED
    assert registry.active().policy_hash == new.hash
    assert policy_to_follow(home, file).path == file
    # what has ended moves no more
    assert move(home, state.rollout, lambda now: pytest.fail("moved"), "c") == ended


def cut_short(home: Home, old, new) -> None:
    """A roll-out as it stands where its process ended between promotion and activation."""
    begin(home, old, new)
    active = PolicyRegistry(home).active()
    follows = active.version if active else 0

    def promote(now):
        return {**now, "status": RolloutStatus.PROMOTED.value, "follows": follows}

    home.state("rollout").update(promote, NOTE)


@pytest.mark.parametrize("is_active", [False, True])
def test_a_promotion_that_was_cut_short_is_carried_out_once_by_the_next_run(
    tmp_path, is_active
) -> None:
    home, old, new = Home(tmp_path), policy(), policy(**NEW)
    registry = PolicyRegistry(home)
    if is_active:
        registry.activate(old, 0, NOTE)
    cut_short(home, old, new)
    told = [*render(current_state(home), Rollout(), [])]
    assert told[1].endswith("not in force yet: the next run sees to that")
    # a run that names no policy
    assert policy_to_follow(home, None).path is None
    assert registry.active().policy_hash == new.hash
    assert current_state(home).follows is None
    # whoever goes back to the old one is not overruled
    version = registry.active().version
    registry.activate(old, version, NOTE)
    policy_to_follow(home, None)
    assert registry.active().policy_hash == old.hash


def test_a_promotion_that_was_cut_short_gives_way_to_what_came_since(tmp_path) -> None:
    home, old, new = Home(tmp_path), policy(), policy(**NEW)
    other, registry = policy(services="names, magic"), PolicyRegistry(home)
    registry.activate(old, 0, NOTE)
    cut_short(home, old, new)
    registry.activate(new, 1, NOTE)
    registry.activate(other, 2, NOTE)
    # it was in force before the other one came
    assert overtaken(home).status is RolloutStatus.PROMOTED
    assert registry.active().policy_hash == other.hash
    second = Home(tmp_path / "second")
    PolicyRegistry(second).activate(old, 0, NOTE)
    cut_short(second, old, new)
    PolicyRegistry(second).activate(other, 1, NOTE)
    assert overtaken(second).status is RolloutStatus.ABORTED
    assert PolicyRegistry(second).active().policy_hash == other.hash


def test_a_promotion_does_not_undo_what_somebody_activated_meanwhile(tmp_path) -> None:
    home, old, new = Home(tmp_path), policy(), policy(**NEW)
    other = policy(services="names, magic")
    state = begin(home, old, new)
    PolicyRegistry(home).activate(other, 0, ChangeNote("eve", datetime.now(UTC)))
    final = Rollout(share=0.1, steps=(0.1, 1.0))
    ended = move(home, state.rollout, lambda now: stepped_up(now, final, "passed")[0], "a")
    assert ended.status is RolloutStatus.ABORTED
    assert other.hash in ended.reason
    assert PolicyRegistry(home).active().policy_hash == other.hash


def test_what_was_rolled_back_is_not_followed_until_it_is_tried_again(tmp_path) -> None:
    home, file = Home(tmp_path / "home"), tmp_path / "new.yaml"
    old, new = policy(), policy(**NEW)
    file.write_text(new.text)
    PolicyRegistry(home).activate(old, 0, ChangeNote("ann", datetime.now(UTC)))
    followed = policy_to_follow(home, file)
    assert load_policy(followed.path).hash == old.hash
    assert followed.note is None
    state = current_state(home)
    move(home, state.rollout, lambda now: after_batch(now, Rollout(), verdicts(WORSE), 9)[0], "a")
    followed = policy_to_follow(home, file)
    assert load_policy(followed.path).hash == old.hash
    assert "was rolled back (errors beyond the limit)" in followed.note
    again = begin_again(home, current_state(home))
    assert again.rollout != state.rollout
    assert policy_to_follow(home, file).note is None


def test_policies_that_ask_other_questions_are_not_compared(tmp_path) -> None:
    other = policy(rollout=NEW["rollout"]).policy
    asked = parse_policy(
        POLICY.format(rollout=NEW["rollout"], services="names", question="W", more="").replace(
            "[python, text]", "[python]"
        ),
        "new.yaml",
    )
    with pytest.raises(RolloutError, match=r"new.yaml: rollout: .*tasks.type.labels: differs"):
        begin(Home(tmp_path), policy(), asked)
    assert other.rollout is not None
