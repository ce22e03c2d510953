import ast
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.reporting.failures import (
    REMEDIES,
    Cause,
    FailedRun,
    StepFailure,
    clean,
    failure_rows,
    most_specific_cause,
    payload,
)
from orchestration_assets.schemas.failures import RUN_FAILURES
from orchestration_assets.schemas.records import rows_to_arrow

ROOT = Path(__file__).parents[2]
END = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
WRAPPED = Cause("DagsterExecutionStepExecutionError", "dagster._core.errors.X: Error occurred")
OWN = Cause(
    "SourceError",
    "resources.content_source.SourceError: cannot read the source '/srv/in': gone; give another",
)
BELOW = Cause("FileNotFoundError", "FileNotFoundError: [Errno 2] No such file: '/srv/in'")


def run(*broken: StepFailure) -> FailedRun:
    return FailedRun("0f0f", "process_batch", "20261124T030000Z-0a0b0c0d", END, broken)


def test_a_run_of_no_batch_says_that_it_takes_one() -> None:
    """The words are those of the Dagster that is installed."""

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a"]))
    def of_a_batch(context: dg.AssetExecutionContext) -> str:
        return context.partition_key

    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([of_a_batch], instance=instance, raise_on_error=False)
    (failed,) = done.get_step_failure_events()
    error = failed.step_failure_data.error
    assert error is not None and error.cls_name is not None
    cause = Cause(error.cls_name, error.message)
    (row,) = failure_rows(run(StepFailure("content_manifest", (cause,))))
    assert row.remedy.startswith("The run was started without a batch: choose one")


def test_our_own_exception_is_the_one_that_counts() -> None:
    (row,) = failure_rows(run(StepFailure("content_manifest", (WRAPPED, OWN, BELOW))))
    assert row.error_class == "SourceError"
    assert row.message == "cannot read the source '/srv/in': gone; give another"
    assert "source readable again" in row.remedy


def test_what_user_code_raised_counts_before_what_caused_it() -> None:
    value = Cause("ValueError", "ValueError: outer")
    assert most_specific_cause((WRAPPED, value, Cause("KeyError", "KeyError: 'inner'"))) is value
    assert most_specific_cause((WRAPPED,)) is WRAPPED


def test_an_own_exception_without_an_entry_points_to_its_message() -> None:
    new = Cause("NewError", "orchestration_assets.content.new.NewError: mend it so")
    (row,) = failure_rows(run(StepFailure("a", (new,))))
    assert "message in the record says what to mend" in row.remedy


def test_a_run_that_says_nothing_still_leaves_a_record() -> None:
    (row,) = failure_rows(run())
    assert (row.error_class, row.step) == ("Unknown", None)
    assert "Dagster UI" in row.remedy


def test_remedies_are_of_exceptions_that_exist() -> None:
    defined = {"DagsterAssetCheckFailedError"}
    for package in ("orchestration_assets", "resources"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.walk(ast.parse(path.read_text("utf-8")))
            defined |= {node.name for node in tree if isinstance(node, ast.ClassDef)}
    assert set(REMEDIES) <= defined


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("post to https://hooks.test/T0K3N failed", "post to *** failed"),
        ("s3://key:secret@host/x is gone", "s3://***@host/x is gone"),
        ("two\n  lines", "two lines"),
        ("a file \udcff.txt", r"a file \udcff.txt"),
        ("x" * 5000, "x" * 1999 + "…"),
    ],
)
def test_messages_are_kept_clean(said, kept) -> None:
    assert clean(said, ["https://hooks.test/T0K3N"]) == kept


def test_the_message_to_people_holds_no_words_of_exceptions() -> None:
    quoting = Cause("ValueError", "ValueError: could not convert 'Dear Ms Miller'")
    rows = failure_rows(run(StepFailure("content_profiles", (quoting,)), StepFailure("b", (OWN,))))
    message = payload(rows)
    assert "Miller" not in str(message) and "/srv/in" not in str(message)
    assert "ValueError in content_profiles, SourceError in b" in message["text"]
    assert message["failed_at"] == "2026-11-24T03:00:00+00:00"
    assert [one["step"] for one in message["failures"]] == ["content_profiles", "b"]


def test_rows_fit_their_table() -> None:
    rows = failure_rows(run(StepFailure("a", (OWN,)), StepFailure("b", (BELOW,), "schema of b")))
    assert rows_to_arrow(RUN_FAILURES, rows)["failure"].to_pylist() == [0, 1]
