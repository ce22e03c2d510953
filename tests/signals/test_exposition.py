"""Metrics for Prometheus: read by its own parser, from a file and over HTTP."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestration_assets.__main__ import main
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.alert_config import AlertRule
from orchestration_assets.schemas.policy import Alerts
from orchestration_assets.signals.exposition import exposition
from orchestration_assets.signals.watch import watch
from resources.home import Home
from tests.conftest import Finished
from tests.explorer.serving import TOKEN, serving_site, site_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def samples(text: str) -> dict[tuple[str, frozenset], float]:
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def of_all(found, name: str) -> float:
    return found[f"orchestration_{name}", frozenset()]


def test_names_and_labels_keep_to_the_conventions(finished: Finished) -> None:
    text = exposition(Home(finished.home), load_policy().policy, NOW).decode()
    for family in text_string_to_metric_families(text):
        assert family.name.startswith("orchestration_") and family.documentation.endswith(".")
        assert family.type in {"gauge", "counter"}
        for one in family.samples:
            assert one.name.endswith("_total") is (family.type == "counter")
            # batches and items are without end: none is a label
            assert set(one.labels) <= {"service", "task", "tier", "quantile", "alert", "severity"}


def test_the_file_has_what_the_report_says(finished: Finished, tmp_path: Path) -> None:
    path = tmp_path / "orchestration.prom"
    path.write_text("what was there before")
    arguments = ["signals", "--home", str(finished.home), "--textfile", str(path)]
    assert main(arguments) == 0
    found = samples(path.read_text())
    (report,) = Home(finished.home).tables.read("corpus_report").to_pylist()
    for name, column in (
        ("entries_listed_total", "listed"),
        ("items_accepted_total", "accepted"),
        ("calls_total", "calls"),
        ("questions_disputed_total", "disputed"),
    ):
        assert of_all(found, name) == report[column]
    assert of_all(found, "batches_total") == 1
    by_service = [v for (name, _), v in found.items() if name == "orchestration_batch_calls"]
    assert sum(by_service) == report["calls"]
    # nothing is left beside it that a collector would read half written
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_report_that_is_not_in_the_index_yet_counts(copied: Finished) -> None:
    home = Home(copied.home)
    policy = load_policy().policy
    before = of_all(samples(exposition(home, policy, NOW).decode()), "calls_total")
    home.tables.path("corpus_report").unlink()
    found = samples(exposition(home, policy, NOW).decode())
    assert of_all(found, "calls_total") == before


def test_alerts_are_told_by_name(copied: Finished) -> None:
    home = Home(copied.home)
    rules = tuple(
        AlertRule(name=name, signal="calls", above=above, severity="page")
        for name, above in (("held", 1), ("quiet", 1e9))
    )
    policy = load_policy().policy.model_copy(update={"alerts": Alerts(rules=rules)})
    watch(home, policy, NOW)
    found = samples(exposition(home, policy, NOW).decode())
    firing = {
        dict(labels)["alert"]: value
        for (name, labels), value in found.items()
        if name == "orchestration_alert_firing"
    }
    assert firing == {"held": 1.0, "quiet": 0.0}


@pytest.mark.parametrize(
    ("name", "words"),
    [("signals.txt", "files that end in .prom"), ("away/signals.prom", "there is no such folder")],
)
def test_a_file_that_nobody_would_read_is_refused(finished, tmp_path, capsys, name, words) -> None:
    arguments = ["signals", "--home", str(finished.home), "--textfile", str(tmp_path / name)]
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_scrape_needs_the_token_and_the_name_of_the_server(finished, tmp_path) -> None:
    site = site_of(finished.home, tmp_path / "index", token=TOKEN)
    with serving_site(site) as served:
        address = f"{served.address}/metrics"
        refused = httpx.get(address)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert "orchestration_" not in refused.text
        wrong = httpx.get(address, headers={"authorization": "Bearer no"})
        assert wrong.status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.get(address, headers={**bearer, "host": "evil.example"}).status_code == 421
        answer = httpx.get(address, headers=bearer)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "set-cookie" not in answer.headers
    assert of_all(samples(answer.text), "batches_total") == 1
