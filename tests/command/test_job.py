"""Any job by its name, as a person starts it, in a home of its own."""

import json
import subprocess
import sys

import pytest

from jobs import JOBS
from orchestration_assets.__main__ import main
from orchestration_assets.command.instance import open_instance
from resources.claims import claimed
from resources.home import Home
from resources.run_claims import CORPUS


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


def test_it_waits_for_whoever_writes_the_tables_of_the_corpus(copied) -> None:
    arguments = ["job", "take_feedback", "--home", str(copied.home)]
    with claimed(copied.home, CORPUS, "somebody else"):
        command = [sys.executable, "-m", "orchestration_assets", *arguments]
        started = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert started.stderr is not None
        line = started.stderr.readline()
        while "waiting for" not in line and line:
            line = started.stderr.readline()
        assert "somebody else" in line
        assert started.poll() is None
    assert started.wait(timeout=120) == 0
