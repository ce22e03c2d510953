"""Any job by its name, as a person starts it, in a home of its own."""

import json
import time

import pytest

from jobs import JOBS
from orchestration_assets.__main__ import main
from orchestration_assets.command.instance import open_instance
from orchestration_assets.command.job import JobUsageError
from resources.claims import claimed
from resources.home import Home
from resources.run_claims import CORPUS
from resources.spending.records import AccountOpened
from tests.command.test_deferred import POLICY
from tests.forked import command


@pytest.fixture
def job(copied, capsys):
    def call(*arguments: str):
        code = main(["job", *arguments, "--home", str(copied.home)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_without_a_name_every_job_is_listed(job) -> None:
    code, out, _ = job()
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [one.name for one in JOBS]
    assert all(len(line.split()) > 3 for line in out.splitlines())


def test_an_unknown_name_lists_the_names_in_one_line(job) -> None:
    code, out, err = job("learn")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'learn'" in err
    assert all(f"{one.name}: {one.description}" in err for one in JOBS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("reprocess",), "name it with --batch (the latest of 1 is "),
        (("process_batch", "--batch", "nobody"), "no batch 'nobody'"),
        (("calibrate", "--batch", "b"), "is about no single batch"),
        (("calibrate", "--policy", "/nowhere.yaml"), "/nowhere.yaml"),
    ],
)
def test_bad_input_is_one_line(job, arguments, words) -> None:
    code, out, err = job(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_a_job_over_the_corpus_says_what_it_made_and_the_instance_shows_it(job, copied) -> None:
    code, out, _ = job("take_feedback", "--json")
    told = json.loads(out)
    assert code == 0
    assert set(told["assets"]) == {"gold_labels", "calibration"}
    assert all("dagster/row_count" in values for values in told["assets"].values())
    assert {check["asset"] for check in told["checks"]} <= {"gold_labels", "calibration"}
    with open_instance(Home(copied.home)) as instance:
        run = instance.get_run_by_id(told["run"])
    assert run is not None and run.job_name == "take_feedback" and run.is_success


@pytest.mark.parametrize("name", ["corpus_reports", "calibrate", "learn_selection"])
def test_every_job_over_the_corpus_prints_a_line_an_asset(job, name) -> None:
    code, out, _ = job(name)
    first, *lines = out.splitlines()
    assert code == 0
    assert first.startswith(f"{name} (run ")
    assert any(": rows " in line for line in lines)
    assert sum(line.startswith("  checks passed: ") for line in lines) == 1


def test_the_services_are_probed_and_drilled(job) -> None:
    assert job("check_services")[0] == 0
    code, out, _ = job("outage_drill")
    assert code == 0
    assert "checks passed: outage_drill of service_health" in out


def test_a_batch_is_processed_again(job, copied) -> None:
    code, out, _ = job("reprocess", "--batch", copied.batch)
    assert code == 0
    assert f"reprocess of batch {copied.batch} (run " in out
    assert "  item_states: " in out
    code, out, _ = job("process_batch", "--batch", copied.batch)
    assert code == 0 and "  content_manifest: rows " in out


@pytest.mark.parametrize(
    ("name", "kept"), [("reprocess", False), ("process_batch", False), ("take_up_deferred", True)]
)
def test_a_report_stands_while_only_deferred_questions_are_asked(
    job, copied, monkeypatch, name, kept
) -> None:
    report = Home(copied.home).tables.path("disagreement_report", copied.batch)
    stood = []

    def stops(*_: object) -> None:
        stood.append(report.exists())
        raise JobUsageError("stopped here")

    monkeypatch.setattr("orchestration_assets.command.job.execute_job", stops)
    job(name, "--batch", copied.batch)
    assert stood == [kept]


def test_a_job_that_does_a_batch_again_begins_a_pass_on_an_account_with_its_budget(
    job, copied, drill, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("DRILL_KEY", "a-key-for-the-drill")
    policy = tmp_path / "paid.yaml"
    policy.write_text(POLICY.format(url=drill.url, services="model", more=""))
    begun = []
    for budget in ("1.0", "2.0"):
        code, _, _ = job(
            *("reprocess", "--batch", copied.batch),
            *("--policy", str(policy), "--budget-usd", budget),
        )
        assert code == 0
        marks = Home(copied.home).spending.marks()
        begun.append(marks.pass_of(copied.batch))
        opened = [one for one in marks.records if isinstance(one, AccountOpened)]
        assert opened[-1].cap_usd == float(budget)
        # every batch is done
        assert not marks.open_accounts
    assert "" not in begun
    assert len({one.account for one in opened}) == len(set(begun)) == 2
    spending = Home(copied.home).spending.rows().to_pylist()
    assert {row["batch_pass"] for row in spending if row["batch"]} == {begun[0]}
    assert {row["account"] for row in spending} <= {one.account for one in opened}


def test_it_waits_for_whoever_writes_the_tables_of_the_corpus(copied) -> None:
    arguments = ["job", "take_feedback", "--home", str(copied.home)]
    with claimed(copied.home, CORPUS, "somebody else"):
        started = command(copied.home.parent, *arguments)
        while "somebody else" not in started.said:
            assert started.poll() is None
            time.sleep(0.01)
        assert "waiting for" in started.said
        assert started.poll() is None
    assert started.wait(timeout=120) == 0
