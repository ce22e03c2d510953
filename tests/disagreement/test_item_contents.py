"""What is shown of items beside the answers: excerpts, metadata, and why there is none."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration_assets.disagreement.item_contents import ItemContents
from orchestration_assets.policy.hidden_content import NOT_SHOWN
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.tables import CONTENT_PROFILES, accepted_items
from resources.home import Home
from tests.conftest import Finished
from tests.content.test_intake import Intakes, lines
from tests.evidence.answers import ok

POLICY = """
version: 2
content:
  records:
    - {files: "*.jsonl", text: text, id: id, metadata: [author, contact, right, note]}
report: {content: %s}
services:
  words:
    implementation: word_labels
    parameters: {labels: {good: [fine], bad: [poor]}}
tasks:
  mood:
    question: Is it good?
    labels: [good, bad]
    gold: right
    default: {model: sequential, services: [words]}
"""


def policy(content: str = "excerpt") -> Policy:
    return parse_policy(POLICY % content, "test").policy


@pytest.fixture
def intakes(tmp_path: Path) -> Intakes:
    source = tmp_path / "source"
    source.mkdir()
    intakes = Intakes(tmp_path / "home", source)
    intakes.content = policy().content
    return intakes


def manifest_of(intakes: Intakes, **columns) -> tuple[str, pa.Table]:
    record = {"id": 1, "text": "The soup was cold, and so were we."} | columns
    (intakes.source / "a.jsonl").write_text(lines(record))
    intakes.take()
    store = Home(intakes.home).tables
    (batch,) = store.batches("content_manifest")
    return batch, store.read("content_manifest", batch)


def contents_of(intakes: Intakes, made: tuple[str, pa.Table], content="excerpt") -> ItemContents:
    batch, manifest = made
    profiles = CONTENT_PROFILES.schema.empty_table()
    return ItemContents([policy(content)], manifest, profiles, intakes.reader(batch))


def only_item(made: tuple[str, pa.Table]) -> str:
    (row,) = accepted_items(made[1])
    return row.item_id


def test_answers_and_quoted_evidence_are_marked_in_a_record(intakes) -> None:
    made = manifest_of(intakes)
    votes = [
        ("x", ok(("soup", "weather"))),
        ("y", ok(("soup", "spoon"), evidence="rests on “so were we”")),
    ]
    shown = contents_of(intakes, made).excerpt(only_item(made), votes)
    assert [piece.text for piece in shown.pieces if piece.marked] == ["so were we"]
    assert shown.note is None


LEASE = (
    "Signed on 2026-01-12 by both. It begins on 2026-02-01 and ends on 31 January 2029, "
    "for 18,500.00 a month. {filler}The deposit is 5.000,00 in cash."
)


@pytest.mark.parametrize(
    ("values", "others", "marked"),
    [
        ({"ends": "2029-01-31"}, {"ends": "2028-01-31"}, ["31 January 2029"]),
        ({"rent": 18500.0}, {"rent": 1850.0}, ["18,500.00"]),
        # the value that one takes for another field stands there, and tells of the error
        ({"ends": "2029-01-31"}, {"ends": "2026-02-01"}, ["2026-02-01", "31 January 2029"]),
        ({"cash": True}, {"cash": False}, []),
        ({"ends": "2027-01-31"}, {}, []),
        # where nothing differs, people look at all of it
        ({}, {}, ["2026-01-12", "2026-02-01"]),
    ],
)
def test_of_records_the_values_are_marked_on_which_they_differ(
    intakes, values, others, marked
) -> None:
    made = manifest_of(intakes, text=LEASE.format(filler=""))
    agreed = (("signed", "2026-01-12"), ("begins", "2026-02-01"))
    votes = [
        (name, ok(RecordAnswer((*agreed, *said.items()))))
        for name, said in (("x", values), ("y", others))
    ]
    shown = contents_of(intakes, made).excerpt(only_item(made), votes)
    assert [piece.text for piece in shown.pieces if piece.marked] == marked


def test_a_value_far_down_is_shown_and_not_what_is_quoted_for_agreed_ones(intakes) -> None:
    made = manifest_of(intakes, text=LEASE.format(filler="Both keep the peace at all times. " * 90))
    signed = ("signed", "2026-01-12")
    votes = [
        ("x", ok(RecordAnswer((signed, ("deposit", 5000.0)), (("signed", "Signed on"),)))),
        (
            "y",
            ok(
                RecordAnswer((signed, ("deposit", 500.0)), (("signed", "2026-01-12 by both"),)),
                evidence="found by “It begins on”",
            ),
        ),
    ]
    shown = contents_of(intakes, made).excerpt(only_item(made), votes)
    assert [piece.text for piece in shown.pieces if piece.marked] == ["5.000,00"]
    assert "The deposit is »5.000,00« in cash." in shown.as_text()


def test_metadata_is_shown_redacted_and_cut_but_never_gold(intakes) -> None:
    made = manifest_of(
        intakes, author="Ada", contact="ada@example.org", right="good", note="long " * 200
    )
    pairs = dict(contents_of(intakes, made).metadata(only_item(made)))
    assert pairs["author"] == "Ada"
    assert pairs["contact"] == "[EMAIL]"
    assert len(pairs["note"]) == 200 and pairs["note"].endswith("…")
    assert "right" not in pairs


def test_nothing_is_read_or_shown_where_the_policy_says_so(intakes) -> None:
    made = manifest_of(intakes, author="Ada")
    (intakes.source / "a.jsonl").unlink()
    contents = contents_of(intakes, made, "none")
    assert contents.excerpt(only_item(made), []).as_text() == NOT_SHOWN
    assert contents.metadata(only_item(made)) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.unlink(), "a.jsonl cannot be read as it was: changed or removed"),
        (lambda file: file.write_text("{}\n"), "changed after the manifest was made"),
        (lambda file: file.parent.rename(file.parent.with_name("moved")), "cannot be read"),
    ],
)
def test_content_that_is_gone_or_changed_is_said_to_be(intakes, change, words) -> None:
    made = manifest_of(intakes)
    change(intakes.source / "a.jsonl")
    shown = contents_of(intakes, made).excerpt(only_item(made), [("x", ok("soup"))])
    assert shown.pieces == ()
    assert shown.note is not None and words in shown.note


@pytest.mark.parametrize(("readable", "read_at_most"), [(None, 5), (4, 10)])
def test_a_source_that_fails_again_and_again_is_not_asked_for_ever(
    intakes, readable, read_at_most
) -> None:
    files = [intakes.source / f"n{number:02}.txt" for number in range(20)]
    for file in files:
        file.write_text(f"This is what {file.name} says.\n")
    intakes.take()
    for number, file in enumerate(files):
        if number != readable:
            file.unlink()
            os.mkfifo(file)
    store = Home(intakes.home).tables
    (batch,) = store.batches("content_manifest")
    made = batch, store.read("content_manifest", batch)
    contents = contents_of(intakes, made)
    rows = sorted(accepted_items(made[1]), key=lambda row: row.path)
    shown = [contents.excerpt(row.item_id, []) for row in rows]
    notes = [one.note or "" for one in shown]
    if readable is not None:
        assert shown[readable].as_text() == "This is what n04.txt says."
    assert "cannot be read as it was: a pipe" in notes[0]
    given_up = [note == "not shown: the source failed 5 times in a row before" for note in notes]
    assert given_up == [number >= read_at_most for number in range(20)]


def test_a_file_is_described_by_its_profile(finished: Finished) -> None:
    home = Home(finished.home)
    manifest = home.tables.read("content_manifest", finished.batch)
    profiles = home.tables.read(CONTENT_PROFILES.name, finished.batch)
    (row,) = (row for row in accepted_items(manifest) if row.path == "docs/guide.md")
    contents = ItemContents([], manifest, profiles, None)  # type: ignore[arg-type]
    assert contents.description(row.item_id) == f"markup (markdown), {row.size_bytes:,} bytes"
    assert contents.description("unknown") == ""
    assert contents.excerpt("unknown", []).note == "not shown: the batch has no such item"
