"""Files of records that were taken as one item: said where it is sure, with lines that work."""

import csv
import io
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.content.record_hints import hint_lines, record_hint
from orchestration_assets.schemas.policy import Content

ROWS = [{"id": str(n), "subject": f"No {n}", "body": f"Please help\nwith {n}"} for n in range(30)]


def as_csv(rows: list[dict[str, str]], delimiter: str = ",") -> str:
    held = io.StringIO()
    writer = csv.DictWriter(held, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("in/tickets.csv", as_csv(ROWS)),
        ("in/tickets.TSV", as_csv(ROWS, "\t")),
        ("in/tickets.jsonl", "\n".join(map(json.dumps, ROWS)) + "\n"),
    ],
)
def test_records_are_told_with_policy_lines_that_make_items_of_them(path, text) -> None:
    hint = record_hint(path, text)
    assert hint is not None
    assert (hint.rows, hint.columns) == (30, ("id", "subject", "body"))
    (records,) = Content.model_validate(
        yaml.safe_load("\n".join(hint.policy_lines))["content"]
    ).records
    assert (records.files, records.text, records.id) == (path.removeprefix("in/"), "body", "id")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("few.csv", as_csv(ROWS[:19])),
        ("numbers.csv", "1,2\n" * 30),
        ("ragged.csv", as_csv(ROWS) + "one,two\n"),
        ("prose.csv", "Dear all,\nthis is a letter,\nand no table.\n" * 20),
        ("one_column.csv", "name\n" + "x\n" * 30),
        ("lists.jsonl", "[1, 2]\n" * 30),
        ("torn.jsonl", '{"a": "b"}\n' * 30 + '{"a": '),
        ("apart.jsonl", "\n".join(json.dumps({f"k{n}": "v"}) for n in range(30))),
        ("deep.jsonl", "[" * 100_000 + "\n"),
        ("empty.csv", ""),
    ],
)
def test_nothing_is_said_where_it_is_not_sure(path, text) -> None:
    assert record_hint(path, text) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True),
    st.text(max_size=20),
)
def test_the_lines_name_any_columns_as_yaml_reads_them_back(names, name) -> None:
    rows = "\n".join(json.dumps(dict.fromkeys(names, "words")) for _ in range(20))
    hint = record_hint(f"{name}.jsonl", rows)
    if hint is None:
        assert not all(one.isprintable() for one in names)
        return
    held = yaml.safe_load("\n".join(hint.policy_lines))["content"]["records"][0]
    assert held["text"] in names
    assert all("\n" not in line for line in hint_lines([hint]))
