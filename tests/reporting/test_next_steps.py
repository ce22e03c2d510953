"""What a person should do next, and which names of files are likely wrong."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.reporting.changes import Earlier, changes
from orchestration_assets.reporting.figures import batch_figures, report_row
from orchestration_assets.reporting.item_features import item_features, length_band
from orchestration_assets.reporting.name_readers import name_readers
from orchestration_assets.reporting.next_steps import next_steps, service_troubles
from orchestration_assets.reporting.tasks import PairAgreement
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.tables import Metadatum
from tests.reporting.batches import (
    BATCH,
    POLICY,
    SOURCE,
    as_tables,
    manifest_row,
    synthetic_batch,
)


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return synthetic_batch(200)


def test_each_step_names_its_count_and_what_to_do(tables) -> None:
    row = replace(report_row(BATCH, SOURCE, POLICY, tables), deferred=2, deferred_readings=3)
    figures = batch_figures(tables)
    steps = {step.name: step for step in next_steps(row, (), (), 7, 4, 9)}
    assert {name: step.count for name, step in steps.items()} == {
        "to_mend": row.failed,
        "to_take_up": 3,
        "to_pay": 9,
        "misnamed": 4,
        "to_review": 7,
    }
    assert f"review/{BATCH}.csv" in steps["to_review"].how
    assert "run the same command again" in steps["to_take_up"].how
    quiet = replace(row, failed=0, deferred=0, deferred_readings=0)
    assert next_steps(quiet, (), (), 0, 0) == ()
    assert next_steps(quiet, figures.tasks, (), 0, 0) == ()


def test_services_that_never_differ_are_named_and_those_compared_too_rarely_not(tables) -> None:
    row = replace(report_row(BATCH, SOURCE, POLICY, tables), failed=0)
    task = next(one for one in batch_figures(tables).tasks if one.task == "tone")
    pair = task.agreement[0]

    def steps(compared: int, differing: int):
        known = replace(pair, differing=differing, overall=PairAgreement(compared, 0, 0.0))
        return next_steps(row, (replace(task, agreement=(known,)),), (), 0, 0)

    (step,) = steps(900, 0)
    assert pair.a in step.what and pair.b in step.what
    assert steps(15, 0) == ()
    assert steps(900, 90) == ()


def test_a_service_that_mostly_fails_is_named_with_its_commonest_reason(tables) -> None:
    readings = tables["interpretations"].to_pylist()
    for n, row in enumerate(readings):
        if row["service"] == "lexicon":
            row |= {"status": "timeout", "reason": "no answer in 2 s" if n % 3 else "refused"}
    table = pa.Table.from_pylist(readings, tables["interpretations"].schema)
    (trouble,) = service_troubles(table)
    assert (trouble.service, trouble.reason) == ("lexicon", "no answer in 2 s")
    assert trouble.failed == trouble.asked
    assert service_troubles(tables["interpretations"]) == ()


def test_who_answers_by_the_name_always_says_the_same_of_an_extension() -> None:
    by_name = [("names", e, {"md": "markdown", "py": "python"}[e]) for e in ("md", "py") * 4]
    by_content = [("grammar", "md", "rst" if n % 3 else "markdown") for n in range(8)]
    constant = [("tone", e, "neutral") for e in ("md", "py") * 4]
    assert name_readers([*by_name, *by_content, *constant]) == {"names"}
    assert name_readers(by_name[:4]) == frozenset(), "two files of each tell nothing"


def test_answers_that_changed_are_those_of_items_known_before(tables) -> None:
    manifest, resolutions = tables["content_manifest"], tables["resolutions"]
    rows = resolutions.to_pylist()
    known = {(row["item_id"], row["task"]): row["answer"] for row in rows[:20]}
    turned = {**known, (rows[0]["item_id"], rows[0]["task"]): "something else"}
    before = report_row("20260101T000000Z-00000000", SOURCE, POLICY, tables)
    found = changes(manifest, resolutions, Earlier(before, False, turned))
    assert found is not None
    (change,) = found.answers.shown
    assert (change.before, change.now) == ("something else", rows[0]["answer"])
    accepted = sum(one["outcome"] == "accepted" for one in manifest.to_pylist())
    assert found.changed == len({item for item, _ in known})
    assert found.new + found.changed == accepted
    assert changes(manifest, resolutions, None) is None


def test_metadata_of_few_values_is_a_feature_and_gold_is_none() -> None:
    def described(n: int):
        pairs = (
            Metadatum("channel", "ab"[n % 2]),
            Metadatum("id", str(n)),
            Metadatum("gold", "xy"[n % 2]),
        )
        return manifest_row(f"i{n}", f"p{n}", EntryOutcome.ACCEPTED, metadata=pairs)

    manifest = as_tables({"content_manifest": [described(n) for n in range(30)]})
    features = item_features(
        manifest["content_manifest"], manifest["content_profiles"], frozenset({"gold"})
    )
    assert features["i1"] == {"metadata channel": "b"}
    hidden = item_features(manifest["content_manifest"], manifest["content_profiles"], None)
    assert hidden == {}


@given(st.integers(0, 10**9))
def test_every_length_has_one_band(words: int) -> None:
    assert length_band(words) in {
        "under 100 words",
        "100 to 999 words",
        "1,000 to 9,999 words",
        "10,000 words and more",
    }
