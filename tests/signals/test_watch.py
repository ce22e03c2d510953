"""A look at the alerts of a home, against a real receiver: who is told, when, and how often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.alert_config import AlertRule
from orchestration_assets.schemas.policy import Alerts, Policy, Webhook
from orchestration_assets.signals.history import read_signals
from orchestration_assets.signals.watch import alert_state, look, watch
from resources.home import Home
from tests.conftest import Finished
from tests.webhooks import receiving

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VARIABLE = "ALERTS_URL"
HOOK = Webhook(url_env=VARIABLE, timeout_s=1.0, attempts=1)


def policy(webhook: Webhook | None = HOOK, **rule) -> Policy:
    """The packaged policy with one rule, which holds for the finished run."""
    given = {"name": "many_calls", "signal": "calls", "above": 1.0, **rule}
    alerts = Alerts(webhook=webhook, rules=(AlertRule(**given),))
    return load_policy().policy.model_copy(update={"alerts": alerts})


@pytest.fixture
def home(copied: Finished) -> Home:
    return Home(copied.home)


QUIET = policy(above=1e9)


def test_the_webhook_is_told_as_it_begins_and_as_it_ends(home, monkeypatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv(VARIABLE, receiver.url)
        for n, one in enumerate([QUIET, policy(), policy(), policy(), QUIET, QUIET]):
            seen = watch(home, one, NOW + n * MINUTE)
            assert seen.problems == ()
    began, ended = (message for _, message in receiver.received)
    assert (began["event"], ended["event"]) == ("alert_began", "alert_ended")
    assert began["alert"] == "many_calls" and began["batch"] == read_signals(home, NOW).newest
    assert "which is above 1" in began["text"] and began["runbook"] in began["text"]
    assert ended["since"] == began["at"] == (NOW + MINUTE).isoformat()
    assert alert_state(home).since == {}
    # two changes, and the delivery of each: looks that change nothing write nothing
    assert len([*home.state("alerts").history()]) == 4


def test_of_many_at_once_one_tells(home, monkeypatch) -> None:
    with receiving() as receiver, ThreadPoolExecutor(6) as pool:
        monkeypatch.setenv(VARIABLE, receiver.url)
        list(pool.map(lambda _: watch(home, policy(), NOW), range(6)))
    assert len(receiver.received) == 1


def test_a_webhook_that_was_away_is_told_later_and_in_order(home, monkeypatch) -> None:
    with receiving(503, 200) as receiver:
        monkeypatch.setenv(VARIABLE, receiver.url)
        (problem,) = watch(home, policy(), NOW).problems
        assert "not told of many_calls: answered with status 503" in problem
        assert "s3cr3t" not in problem
        watch(home, QUIET, NOW + MINUTE / 2)
        assert len(receiver.received) == 1
        assert watch(home, QUIET, NOW + 2 * MINUTE).problems == ()
    events = [message["event"] for _, message in receiver.received]
    assert events == ["alert_began", "alert_began", "alert_ended"]


def test_without_an_address_it_says_so_and_without_a_webhook_nothing(home, monkeypatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (problem,) = watch(home, policy(), NOW).problems
    assert f"{VARIABLE} is not set" in problem
    silent = watch(home, policy(None, name="other"), NOW + MINUTE)
    assert silent.problems == () and "other" in alert_state(home).since
    with receiving() as receiver:
        # a home in a project of others has one of the project
        monkeypatch.setenv("PROJECT_URL", receiver.url)
        watch(
            home,
            policy(None, name="third"),
            NOW + 9 * MINUTE,
            webhook=Webhook(url_env="PROJECT_URL"),
        )
        assert "third" in {message["alert"] for _, message in receiver.received}


def test_looking_notes_nothing(home) -> None:
    seen = look(home, policy(), NOW)
    assert seen.findings[0].holds and seen.state.since == {}
    assert not (home.folder / "state" / "alerts").exists()


def test_entries_that_wait_are_told_of_when_nothing_runs(home, monkeypatch) -> None:
    """Also before the first batch has a report."""
    batch = home.batches.recorded()[0]
    for table in ("disagreement_report", "golden_signals"):
        path = home.tables.path(table, batch if table == "disagreement_report" else None)
        path.unlink()
    rule = policy(signal="oldest_waiting_s", above=3600.0)
    listed = datetime.strptime(batch[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    with receiving() as receiver:
        monkeypatch.setenv(VARIABLE, receiver.url)
        watch(home, rule, listed + 59 * MINUTE)
        assert receiver.received == []
        watch(home, rule, listed + 61 * MINUTE)
    ((_, message),) = receiver.received
    assert message["value"] == 61 * 60 and "3,660 s" in message["words"]
