"""A watched file with a roll-out: tried against the active policy, never followed at once."""

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.rollout_state import (
    RolloutStatus,
    current_state,
    move,
    running_trial,
    stepped_up,
)
from orchestration_assets.schemas.rollout import Rollout
from resources.home import Home
from tests.graph.test_policy_sensor import NOTE, TEXT, Daemon, active

TRIED = TEXT.replace("items_in_flight: 32", "items_in_flight: 64") + (
    "\nrollout: {share: 0.1, steps: [0.1, 1.0]}\n"
)


def test_a_watched_policy_is_tried_first_and_active_once_it_passed(project, tmp_path) -> None:
    watched, home = tmp_path / "watched.yaml", Home(project.home)
    watched.write_text(TEXT)
    daemon = Daemon(project, watched)
    daemon.tick()
    before = active(daemon)
    watched.write_text(TRIED)
    daemon.tick()
    daemon.tick()
    state = current_state(home)
    assert (state.status, state.in_force) == (RolloutStatus.RUNNING, before)
    assert active(daemon) == before
    config = Rollout(share=0.1, steps=(0.1, 1.0))
    move(home, state.rollout, lambda now: stepped_up(now, config, "passed")[0], "a batch")
    assert active(daemon) == state.trial
    daemon.tick()
    # the file is what is active: there is nothing to do about it
    assert [one.policy_hash for one in daemon.registry.history()] == [before, state.trial]
    assert current_state(home).status is RolloutStatus.PROMOTED


def test_a_watched_policy_that_cannot_be_compared_fails_the_check(project, tmp_path) -> None:
    watched = tmp_path / "watched.yaml"
    watched.write_text(TEXT)
    daemon = Daemon(project, watched)
    daemon.tick()
    before = active(daemon)
    watched.write_text(TRIED + "features: {neighbours: 4}\n")
    result = daemon.tick()
    (told,) = result.asset_events
    assert not told.passed
    assert "cannot be compared with the policy in force" in told.description
    assert active(daemon) == before
    assert current_state(Home(project.home)) is None


def test_what_is_tried_is_not_in_force_where_nothing_was_activated(again, tmp_path) -> None:
    project, batch = again
    watched, home = tmp_path / "watched.yaml", Home(project.home)
    watched.write_text(TRIED)
    daemon = Daemon(project, watched)
    daemon.tick()
    (before,) = set(home.tables.read("processing_plans", batch)["policy_hash"].to_pylist())
    state = current_state(home)
    assert (state.status, state.in_force) == (RolloutStatus.RUNNING, before)
    assert active(daemon) == before
    daemon.tick()
    assert len([*daemon.registry.history()]) == 1


def test_a_policy_that_is_activated_during_a_trial_ends_it(project, tmp_path) -> None:
    watched, home = tmp_path / "watched.yaml", Home(project.home)
    watched.write_text(TEXT)
    daemon = Daemon(project, watched)
    daemon.tick()
    before = active(daemon)
    for other, status in ((False, RolloutStatus.ABORTED), (True, RolloutStatus.PROMOTED)):
        watched.write_text(TRIED.replace("share: 0.1", f"look_every: {8 + other}, share: 0.1"))
        daemon.tick()
        begun = current_state(home)
        assert (begun.status, begun.in_force) == (RolloutStatus.RUNNING, before)
        kept = load_policy(home.policies / f"{begun.trial}.json")
        plain = tmp_path / "plain.yaml"
        plain.write_text(TEXT.replace("items_in_flight: 32", "items_in_flight: 16"))
        chosen = kept if other else load_policy(plain)
        version = len([*daemon.registry.history()])
        daemon.registry.activate(chosen, version, NOTE)
        # the next batch that is planned finds out
        assert running_trial(home, load_policy(home.policies / f"{before}.json")) is None
        ended = current_state(home)
        assert (ended.status, ended.trial) == (status, begun.trial)
        assert ended.reason == f"{chosen.hash} was activated meanwhile by eva"
        assert active(daemon) == chosen.hash
        daemon.registry.rollback(1, version + 1, NOTE)
        assert running_trial(home, load_policy(home.policies / f"{before}.json")) is None
