"""The benchmark of what disputes are worth: the draw, the labels, and a run over a small folder."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._dispute_labels import (
    EVERY_READER,
    DisputeKey,
    DisputeLabelError,
    Informativeness,
    agreements,
    key_of,
    labelled_shares,
    read_labels,
)
from benchmarks._disputed_folders import BatchDisputes, few_files, run_folder
from benchmarks.dispute_value import LABELS, judge, main, random_sample
from orchestration_assets.schemas.enums import Consequence, DisagreementKind
from orchestration_assets.schemas.tables import DisagreementRow
from resources.home import Home

INFORMATIVE, ARGUABLE, NOISE = Informativeness
BATCH = BatchDisputes("folder", Home(Path("nowhere")), "batch")
BREAKFAST = """# Breakfast

The kitchen opens at seven. Guests like the bread, and the coffee is served at the table.
"""
FETCHED = """<!DOCTYPE html>
<html><head><title>Not found</title></head>
<body><p>The page that you asked for is not here.</p></body></html>
"""


def _row(content: int, task: str = "t", other: str = "b", severity: float = 0.5) -> DisagreementRow:
    return DisagreementRow(
        batch="batch",
        item_id=f"item {content}",
        content_hash=f"{content:032x}",
        path=f"{content}.txt",
        task=task,
        service_a="a",
        answer_a="yes",
        confidence_a=0.9,
        service_b=other,
        answer_b="no",
        confidence_b=0.9,
        kind=DisagreementKind.LABEL_CONFLICT,
        distance=1.0,
        consequence=Consequence.OTHER_LABEL,
        severity=severity,
        sentence="",
        only_a=(),
        only_b=(),
        evidence="",
        basis="",
    )


rows = st.builds(
    _row,
    st.integers(0, 30),
    st.sampled_from(["t", "u"]),
    st.sampled_from("bc"),
    st.floats(0.01, 1.0),
)


@given(st.lists(rows), st.randoms(use_true_random=False), st.integers(0, 40))
def test_the_draw_depends_on_contents_and_tasks_alone(
    found: list[DisagreementRow], chance: Any, size: int
) -> None:
    drawn = [one.key for one in random_sample([(BATCH, row) for row in found], size)]
    assert len({(key.content_hash, key.task) for key in drawn}) == len(drawn)
    other = [replace(row, severity=1.0 - row.severity, path=f"else/{row.path}") for row in found]
    chance.shuffle(other)
    assert drawn == [one.key for one in random_sample([(BATCH, row) for row in other], size)]


@given(st.lists(rows, min_size=1), st.lists(rows), st.integers(1, 40))
def test_what_was_drawn_stays_drawn_when_others_go(
    left: list[DisagreementRow], gone: list[DisagreementRow], size: int
) -> None:
    def drawn(found: list[DisagreementRow]) -> set[tuple[str, str]]:
        sample = random_sample([(BATCH, row) for row in found], size)
        return {(one.key.content_hash, one.key.task) for one in sample}

    kept = {(row.content_hash, row.task) for row in left}
    assert drawn([*left, *gone]) & kept <= drawn(left)


def _keys(count: int) -> list[DisputeKey]:
    return [key_of(_row(number)) for number in range(count)]


def test_shares_and_agreement_of_a_case_counted_by_hand() -> None:
    """Cohen's own way: .6 observed, .46 by chance, so (.6 - .46) / .54."""
    keys = _keys(12)
    first = [*[INFORMATIVE] * 6, *[ARGUABLE] * 2, *[NOISE] * 2]
    second = [*[INFORMATIVE] * 5, NOISE, INFORMATIVE, INFORMATIVE, INFORMATIVE, NOISE]
    labels = {
        "x": dict(zip(keys, first, strict=False)),
        "y": dict(zip(keys, second, strict=False)),
    }
    of_x, of_y, of_both = labelled_shares(keys, labels)
    assert (of_x.labelled, of_x.informative, of_x.arguable_too) == (10, 6, 8)
    assert (of_y.labelled, of_y.informative, of_y.arguable_too) == (10, 8, 8)
    assert (of_both.reader, of_both.informative, of_both.arguable_too) == (EVERY_READER, 5, 7)
    figures = of_x.figures()
    assert (figures["drawn"], figures["without_label"]) == (12, 2)
    # Wilson: (p + z2/2n +- z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n) with p = .6, n = 10
    assert figures["informative"] == pytest.approx(
        {"share": 0.6, "low": 0.3127, "high": 0.8318}, abs=1e-4
    )
    (agreement,) = agreements(keys, labels)
    chance = 0.6 * 0.8 + 0.2 * 0.0 + 0.2 * 0.2
    assert (agreement.both, agreement.same) == (10, 6)
    assert agreement.kappa == pytest.approx((0.6 - chance) / (1.0 - chance))


def test_without_labels_nothing_is_said() -> None:
    keys = _keys(3)
    assert labelled_shares(keys, {}) == []
    (one,) = labelled_shares(keys, {"x": {key_of(_row(9)): NOISE}})
    assert one.figures()["informative"] is None
    assert agreements(keys, {"x": {keys[0]: NOISE}, "y": {keys[1]: NOISE}}) == []
    (same,) = agreements(keys, {"x": {keys[0]: NOISE}, "y": {keys[0]: NOISE}})
    assert same.kappa is None


def _label(**changed: object) -> str:
    return json.dumps({**asdict(_keys(1)[0]), "reader": "x", "label": "noise", **changed})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1: no JSON"),
        ("[]", "'content_hash'"),
        (_label(reader=None), "'reader'"),
        (_label(label="dull"), "none of informative, arguable, noise"),
        (_label(reader=EVERY_READER), "name of a reader"),
        (f"{_label()}\n{_label(label='arguable')}", "line 2: x has labelled this dispute before"),
    ],
)
def test_labels_that_cannot_be_used_are_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(text + "\n", "utf-8")
    with pytest.raises(DisputeLabelError, match=told):
        read_labels(path)


def test_the_packaged_labels_hold_neither_content_nor_places() -> None:
    read_labels(LABELS)
    allowed = {*asdict(_keys(1)[0]), "reader", "label"}
    lines = LABELS.read_text("utf-8").splitlines()
    assert all(set(json.loads(line)) == allowed for line in lines)


def test_a_folder_is_run_drawn_written_for_readers_and_judged(tmp_path: Path) -> None:
    """A web page under the name of a program is a dispute about the kind of content."""
    folder = tmp_path / "folder"
    (folder / "rates").mkdir(parents=True)
    (folder / "breakfast.md").write_text(BREAKFAST, "utf-8")
    for number in range(3):
        text = FETCHED.replace("here", f"here, number {number}")
        (folder / "rates" / f"rates{number}.py").write_text(text, "utf-8")
    batches = run_folder(folder, tmp_path / "workspace", policy=None, files=None)
    (batch,) = batches
    page = (batch.home.reports / f"{batch.batch}.html").read_text("utf-8")
    assert batch.first() and all(row.path in page for row in batch.first())
    sheet = tmp_path / "sheet.jsonl"
    before = judge(batches, 60, {}, sheet)
    counts = before.figures["counts"]
    (whole,) = (row for row in counts if row["folder"] == row["task"] == "all")
    assert whole["items"] == 4
    assert whole["disputed_per_1000"] == whole["disputed"] * 250
    disputes = [json.loads(line) for line in sheet.read_text("utf-8").splitlines()]
    assert f"of {len(disputes)} different ones {len(disputes)} have no label" in before.text
    assert disputes == sorted(disputes, key=lambda one: one["id"])
    about_kind = [one for one in disputes if one["task"] == "content_type"]
    assert about_kind
    for one in about_kind:
        assert "asked for is not here" in one["excerpt"].replace("»", "").replace("«", "")
        assert one["path"].startswith("rates/") and one["sentence"] and one["question"]
        assert {reading["service"] for reading in one["readings"]} >= {
            one["service_a"],
            one["service_b"],
        }
        assert not {"severity", "drawn_as", "random", "place"} & set(one)
    labels = tmp_path / "labels.jsonl"
    given = [json.dumps({**one, "reader": "x", "label": "informative"}) for one in disputes]
    labels.write_text("\n".join(given) + "\n", "utf-8")
    after = judge(batches, 60, read_labels(labels), sheet=None)
    assert after.figures["counts"] == counts
    assert {row["without_label"] for row in after.figures["labels"]} == {0}
    assert {row["informative"]["share"] for row in after.figures["labels"]} == {1.0}


def test_of_many_files_few_are_taken_by_the_hashes_of_their_paths(tmp_path: Path) -> None:
    taken = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "deep").mkdir(parents=True)
        for number in range(9):
            (folder / "deep" / f"{number}.txt").write_text(name, "utf-8")
        copy = few_files(folder, tmp_path / f"copy of {name}", 4)
        taken.append(sorted(str(path.relative_to(copy)) for path in copy.rglob("*.txt")))
    assert taken[0] == taken[1] and len(taken[0]) == 4


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "absent")]) == 2
    assert "absent: no such folder" in capsys.readouterr().err
