import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from string import ascii_lowercase

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.item_lookup import ManifestItem, find_items
from orchestration_assets.content.listed_answers import lettered, listed, named_answer
from orchestration_assets.content.verdict_files import FIELDS, VerdictFileError
from orchestration_assets.content.verdicts import VerdictContext, merge, understand
from orchestration_assets.schemas.policy import TaskConfig
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.verdicts import GOLD_LABELS, VERDICTS, VerdictRow

_CHOICE = {"model": "parallel", "services": ["a"]}
TASKS = {
    name: TaskConfig.model_validate({"question": "?", "default": _CHOICE} | rest)
    for name, rest in {
        "letter": {"kind": "label", "labels": ["invoice", "complaint"]},
        "language": {"kind": "label"},
        "keywords": {"kind": "set"},
        "title": {"kind": "text"},
        "tone": {"kind": "score", "scale": (-1.0, 1.0)},
        "embedding": {"kind": "vector"},
    }.items()
}
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RULES = VerdictContext(TASKS, "policyhash", NOW)
ONE = ManifestItem("00000000000000a1", "file:///in/a.txt", "a.txt", {"20261101T000000Z-0": "c1"})
TWINS = [
    ManifestItem("00000000000000b1", "file:///one/b.txt", "b.txt"),
    ManifestItem("00000000000000b2", "file:///two/b.txt", "b.txt"),
]
GOOD = {"item": "a.txt", "task": "letter", "verdict": "invoice", "who": "kim", "when": "2026-11-20"}


def find(names):
    known = {"a.txt": [ONE], ONE.item_id: [ONE], "b.txt": TWINS, TWINS[0].address: TWINS[:1]}
    return {name: known[name] for name in names if name in known}


def jsonl(*rows: dict) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(*rows: dict, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def taken(data: bytes, name: str = "v.jsonl") -> tuple[VerdictRow, ...]:
    return understand(name, data, RULES, find).verdicts


def problems(data: bytes, name: str = "v.jsonl") -> list[str]:
    with pytest.raises(VerdictFileError) as caught:
        taken(data, name)
    assert str(caught.value).startswith(f"{name}: ")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("task", "verdict", "answer", "members", "score", "full"),
    [
        ("letter", " invoice ", "invoice", None, None, "invoice"),
        ("language", "tlh", "tlh", None, None, "tlh"),
        ("title", "A, b; and “c”", "A, b; and “c”", None, None, "A, b; and “c”"),
        ("keywords", "b; a ;b", "b; a", ("b", "a"), None, '["b", "a"]'),
        ("tone", "-0.123456", "-0.1235", None, -0.123456, "-0.123456"),
        ("tone", "0", "0", None, 0.0, "0.0"),
    ],
)
def test_every_kind_of_answer_is_understood_from_both_formats(
    task, verdict, answer, members, score, full
) -> None:
    row = GOOD | {"task": task, "verdict": verdict}
    (from_json,) = taken(jsonl(row))
    (from_csv,) = taken(as_csv(row), "v.csv")
    assert (from_json.answer, from_json.answer_set, from_json.answer_score) == (
        answer,
        members,
        score,
    )
    assert from_json.verdict == full
    assert from_json.kind is TASKS[task].kind
    same = {"file_hash": "", "file": "", "line": 0}
    assert replace(from_json, **same) == replace(from_csv, **same)


def test_json_may_give_numbers_and_lists() -> None:
    rows = [GOOD | {"task": "tone", "verdict": 1}, GOOD | {"task": "keywords", "verdict": ["x;y"]}]
    score, words = taken(jsonl(*rows))
    assert score.answer_score == 1.0
    assert words.answer_set == ("x;y",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "invoise"}, "verdict: 'invoise' is none of the task's labels; did you mean"),
        ({"verdict": "zzz"}, "verdict: 'zzz' is none of the task's labels; give one of invoice, c"),
        ({"task": "leter"}, "task: the policy has no task 'leter'; did you mean 'letter'?"),
        ({"task": "tone", "verdict": "2"}, "verdict: must be a number from -1 to 1 (found '2')"),
        ({"task": "tone", "verdict": "NaN"}, "verdict: must be a number from -1 to 1"),
        ({"task": "tone", "verdict": True}, "verdict: must be a number from -1 to 1"),
        ({"task": "tone", "verdict": 10**400}, "verdict: must be a number from -1 to 1"),
        ({"task": "keywords", "verdict": [1]}, "verdict: must be words separated by ;"),
        ({"task": "keywords", "verdict": " ; "}, "verdict: must be words separated by ;"),
        ({"task": "title", "verdict": ["x"]}, "verdict: must be text"),
        ({"task": "title", "verdict": "\ud800"}, "verdict: must be text"),
        ({"task": "embedding"}, "verdict: nobody can judge a vector"),
        ({"item": "gone.txt"}, "item: no item of this home has the id, address or path 'gone.txt'"),
        ({"item": 7}, "item: must be text that says something (found 7)"),
        (
            {"item": "b.txt"},
            "item: 'b.txt' may be any of 00000000000000b1 (file:///one/b.txt), 00000000000000b2 "
            "(file:///two/b.txt); give the id or the address",
        ),
        ({"who": " "}, "who: must be text that says something (found ' ')"),
        ({"who": "\ud800"}, "who: must be text that says something"),
        ({"when": "yesterday"}, "when: must be a date or time such as 2026-11-24"),
        ({"when": "0001-01-01T00:00+14:00"}, "when: must be a date or time"),
        ({"when": "3/4/2026"}, "when: may be 2026-03-04 or 2026-04-03"),
        ({"when": "01/02/03"}, "when: may be 2001-02-03 or 2003-01-02 or 2003-02-01"),
        (
            {"verdict": "d)", "choices": "a) invoice\nb) complaint"},
            "verdict: no listed answer has the letter 'd', the letters go from a to b",
        ),
        (
            {"task": "language", "verdict": "b", "choices": ["b", "c"]},
            "verdict: 'b' may be the listed answer 'c' or the answer 'b' itself: write b) for the",
        ),
        ({"when": "46350"}, "when: is the number that a spreadsheet counts days by"),
        (
            {"item": "1.234E+570"},
            "item: no item of this home has the id '1.234E+570': a spreadsheet took the id",
        ),
        ({"when": "2062-11-20"}, "when: lies in the future (found '2062-11-20')"),
        ({"content_hash": "nope"}, "content_hash: the item never had this content (found 'nope')"),
    ],
)
def test_a_bad_value_is_named_with_line_field_and_remedy(change, said) -> None:
    (problem,) = problems(jsonl(GOOD, GOOD | change))
    assert problem.startswith(f"line 2, {said}")


def test_one_bad_line_and_nothing_of_the_file_is_taken_but_every_problem_is_told() -> None:
    rows = [GOOD, GOOD | {"task": "x"}, GOOD, GOOD | {"who": ""}]
    assert [problem.split(":")[0] for problem in problems(jsonl(*rows))] == [
        "line 2, task",
        "line 4, who",
    ]


def test_a_file_that_is_wrong_throughout_says_so_briefly() -> None:
    found = problems(jsonl(*[GOOD | {"task": "x"}] * 5000))
    assert len(found) == 201
    assert found[-1] == "file: has more problems; these are the first"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("v.csv", b"item,task,verdict,who\n", "line 1, when: the column is missing"),
        ("v.csv", b"item,item,task,verdict,who,when\n", "line 1, item: the column is given twice"),
        ("v.csv", b"", "line 1, item: the column is missing"),
        ("v.csv", as_csv(GOOD) + b"a.txt,letter,invoice", "line 3, file: has 3 fields"),
        ("v.csv", as_csv(GOOD) + b'a.txt,letter,"inv', "line 3, file: is no valid CSV"),
        ("v.csv", as_csv(GOOD) + b"\xff,letter,a,b,c\n", "line 3, file: is not UTF-8"),
        ("v.jsonl", jsonl(GOOD) + b'{"item": "a.t', "line 2, file: is no valid JSON"),
        ("v.jsonl", b"[1]\n", "line 1, file: is no JSON object"),
        ("v.jsonl", b"\n" + jsonl({"item": "a.txt"}), "line 2, task: is missing"),
        ("v.jsonl", b"[" * 100_000, "line 1, file: is no valid JSON"),
        ("v.jsonl", b'{"item": "\xff"}\n', "line 1, file: is not UTF-8"),
        ("v.jsonl", b"", "file: holds no verdict"),
        ("v.csv", as_csv(GOOD | {"verdict": ""}), "file: holds no verdict"),
        ("v.xlsx", b"PK", "file: has a name that ends neither in .csv (or .tsv, .txt) nor in"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(name, data, said) -> None:
    assert problems(data, name)[0].startswith(said)


def test_spreadsheets_may_write_byte_order_mark_semicolons_other_columns_and_blank_rows() -> None:
    rows = [GOOD | {"note": "sure; quite"}, GOOD | {"verdict": " "}, dict.fromkeys(GOOD, "")]
    data = b"\xef\xbb\xbf" + as_csv(*rows, delimiter=";").replace(b"item", b" Item ", 1)
    found = understand("v.csv", data, RULES, find)
    assert [row.line for row in found.verdicts] == [2]
    assert found.not_judged == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("above", ["", "sep={}\n", '"sep={}"\n'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_dialect_of_a_spreadsheet_is_the_same_sheet(delimiter, encoding, above, end) -> None:
    rows = [GOOD, GOOD | {"task": "title", "verdict": "ﬁne; sure, “ok”\nquite"}]
    text = above.format(delimiter) + as_csv(*rows, delimiter=delimiter).decode()
    data = text.replace("\r\n", end).encode(encoding)
    one, two = taken(data, "v.txt" if encoding == "utf-16" else "v.csv")
    assert (one.answer, two.answer) == ("invoice", rows[1]["verdict"])
    assert [one.line, two.line] == ([3, 4] if above else [2, 3])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["mine, or yours", "a;b\tc", "two\nlines", '"so-called"', ""])
@pytest.mark.parametrize("first", [True, False])
def test_columns_of_ones_own_may_have_any_name(delimiter, name, first) -> None:
    own = {name: "a note"}
    data = as_csv(own | GOOD if first else GOOD | own, delimiter=delimiter)
    assert [row.answer for row in taken(data, "v.csv")] == ["invoice"]
    assert [row.answer for row in taken(b"\r\n" + data, "v.csv")] == ["invoice"]


def test_empty_cells_at_the_end_of_a_row_may_be_missing_or_too_many() -> None:
    sheet = GOOD | {"asked_in": "20261101T000000Z-0/1"}
    head, row = as_csv(sheet).decode().splitlines()
    for end in ("", ",", ",,,,"):
        assert taken(f"{head},notes,\n{row}{end}\n".encode(), "v.csv")[0].asked_in
    # but not one that says something, and none that is read
    for wrong in (f"{row},,,or so", row.rpartition(",")[0]):
        (problem,) = problems(f"{head},notes,\n{wrong}\n".encode(), "v.csv")
        assert "quote what holds a ','" in problem


def test_a_day_that_has_not_come_is_not_meant_where_the_date_may_be_another() -> None:
    (row,) = taken(as_csv(GOOD | {"when": "12/11/2026"}), "v.csv")
    assert row.said_at.date().isoformat() == "2026-11-12"
    december = replace(RULES, now=datetime(2026, 12, 11, tzinfo=UTC))
    for rules, when, why in [
        (december, "11/12/2026", "may be 2026-11-12 or 2026-12-11"),
        (RULES, "12/12/2026", "lies in the future"),
    ]:
        with pytest.raises(VerdictFileError, match=why):
            understand("v.csv", as_csv(GOOD | {"when": when}), rules, find)
    # what the column settles is meant all the same
    days = [GOOD | {"when": when} for when in ("12/11/2026", "10/28/2026")]
    (problem,) = problems(as_csv(*days), "v.csv")
    assert problem.startswith("line 2, when: lies in the future")


def test_a_workbook_is_to_be_saved_as_csv() -> None:
    (problem,) = problems(b"PK\x03\x04", "v.xlsx")
    assert "a workbook as CSV" in problem


def test_a_date_of_the_column_settles_the_order_of_the_others() -> None:
    rows = [GOOD | {"when": when} for when in ("3/4/2026", "28/10/2026", "")]
    settled = taken(as_csv(*rows[:2]), "v.csv")
    assert [row.said_at.date().isoformat() for row in settled] == ["2026-04-03", "2026-10-28"]
    # also one of a line that nobody has judged
    rows[1] |= {"verdict": ""}
    assert taken(as_csv(*rows[:2]), "v.csv")[0].said_at.month == 4
    # and none where two lines take different orders
    both = [rows[0], rows[1], rows[0] | {"when": "10/28/2026"}]
    (problem,) = problems(as_csv(*both), "v.csv")
    assert problem.startswith("line 2, when: may be 2026-03-04 or 2026-04-03")


@pytest.mark.parametrize(
    ("verdict", "score"),
    [("0,5", 0.5), ("-0,25", -0.25), ("\u22120.5", -0.5), (" 1,0 ", 1.0), ("-.5", -0.5)],
)
def test_a_score_may_have_a_decimal_comma(verdict, score) -> None:
    (row,) = taken(as_csv(GOOD | {"task": "tone", "verdict": verdict}, delimiter=";"), "v.csv")
    assert row.answer_score == score


def test_a_score_that_may_mean_thousands_is_refused() -> None:
    wide = TaskConfig.model_validate(
        {"question": "?", "kind": "score", "scale": (0.0, 5000.0), "default": _CHOICE}
    )
    rules = replace(RULES, tasks={"length": wide})
    with pytest.raises(VerdictFileError, match=r"may be 1250 or 1\.25"):
        understand("v.jsonl", jsonl(GOOD | {"task": "length", "verdict": "1,250"}), rules, find)


_LISTED = "a) complaint\nb) invoice"


@pytest.mark.parametrize("verdict", ["b", "b)", "B", "(b)", " b. ", "invoice"])
def test_a_verdict_may_be_the_letter_of_a_listed_answer(verdict) -> None:
    rows = [GOOD | {"verdict": verdict, "choices": _LISTED}]
    (from_csv,) = taken(as_csv(*rows), "v.csv")
    (from_json,) = taken(jsonl(rows[0] | {"choices": ["complaint", "invoice"]}))
    assert from_csv.answer == from_json.answer == "invoice"


@pytest.mark.parametrize(
    ("task", "verdict", "choices", "answer", "members"),
    [
        ("title", "b", "a) The one; it is\nb) The other", "The other", None),
        ("title", "a", "a column of somebody's own", "a", None),
        ("title", '"a"', "a) The one\nb) The other", "a", None),
        ("language", "c", "a) b\nb) c", "c", None),
        ("language", "b)", "a) b\nb) c", "c", None),
        ("keywords", "a", "a) red; green\nb) blue", "red; green", ("red", "green")),
        ("tone", "b", "a) 0.5\nb) -0.5", "-0.5", None),
        ("tone", "none of them", "a) 0.5\nb) -0.5", "none of them", None),
        ("keywords", "None of these", "", "none of them", None),
        ("letter", "none of them is right", _LISTED, "none of them", None),
        ("title", "b", "a) The one\nb) None of these", "None of these", None),
        ("title", "None of these", "a) The one\nb) None of these", "None of these", None),
        ("title", "none of them", "a) The one\nb) None of these", "none of them", None),
    ],
)
def test_a_letter_means_what_its_own_row_lists(task, verdict, choices, answer, members) -> None:
    row = GOOD | {"task": task, "verdict": verdict, "choices": choices}
    (taken_row,) = taken(as_csv(row), "v.csv")
    assert (taken_row.answer, taken_row.answer_set) == (answer, members)
    assert rows_to_arrow(VERDICTS, [taken_row]).num_rows == 1


@pytest.mark.parametrize("cell", ["a) red b) blue", "a) red\n blue\n", "a) red\nc) blue"])
@pytest.mark.parametrize("verdict", ["b", "B)", "(a)"])
def test_a_letter_means_nothing_where_the_listing_is_damaged(cell, verdict) -> None:
    row = GOOD | {"task": "title", "choices": cell, "verdict": verdict}
    (problem,) = problems(as_csv(row), "v.csv")
    assert problem.startswith("line 2, choices: the answers do not stand on lines of their own")
    assert taken(as_csv(row | {"verdict": "blue"}), "v.csv")[0].answer == "blue"


def test_what_nobody_can_tell_is_left_out_like_an_empty_line() -> None:
    rows = [GOOD, *(GOOD | {"verdict": v} for v in ("cannot tell", "can't say", "Cannot tell "))]
    found = understand("v.csv", as_csv(*rows), RULES, find)
    assert (len(found.verdicts), found.not_judged) == (1, 3)


_one_line = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9)


@given(st.lists(_one_line, min_size=1, max_size=26))
def test_every_listed_answer_is_read_back_and_named_by_its_marked_letter(answers) -> None:
    assert listed(lettered(answers)) == tuple(answers)
    for letter, answer in zip(ascii_lowercase, answers, strict=False):
        if f"{letter})" not in answers:
            assert named_answer(f"{letter})", answers) == answer


def test_a_row_that_spans_lines_counts_from_where_it_begins() -> None:
    rows = [GOOD | {"task": "title", "verdict": "two\nlines"}, GOOD]
    assert [row.line for row in taken(as_csv(*rows), "v.csv")] == [2, 4]


def test_times_without_a_zone_are_utc_and_others_are_turned() -> None:
    whens = ("2026-11-20", "2026-11-20T10:30:00+01:00", "2026-11-20T09:30Z")
    rows = taken(jsonl(*[GOOD | {"when": when} for when in whens]))
    assert [row.said_at.isoformat() for row in rows] == [
        "2026-11-20T00:00:00+00:00",
        "2026-11-20T09:30:00+00:00",
        "2026-11-20T09:30:00+00:00",
    ]


def _manifest(batch: str, *rows: tuple[str, str, str | None]) -> pa.Table:
    ids, paths, hashes = zip(*rows, strict=True)
    return pa.table(
        {
            "batch": [batch] * len(ids),
            "item_id": ids,
            "address": [f"file:///in/{path}" for path in paths],
            "path": paths,
            "content_hash": pa.array(hashes, pa.string()),
        }
    )


FIRST, SECOND = "20261101T000000Z-aaaaaaaa", "20261110T000000Z-bbbbbbbb"
MANIFESTS = [
    _manifest(FIRST, ("1", "a b.txt", "old"), ("2", "c.txt", "c"), ("3", "d.txt", None)),
    _manifest(SECOND, ("1", "a b.txt", "new"), ("9", "z.txt", "z")),
]


def test_items_are_found_by_id_address_path_and_absolute_path() -> None:
    names = ["1", "file:///in/c.txt", "d.txt", "/in/z.txt", "nothing"]
    found = find_items(names, MANIFESTS)
    ids = {name: [item.item_id for item in items] for name, items in found.items()}
    assert ids == {"1": ["1"], "file:///in/c.txt": ["2"], "d.txt": ["3"], "/in/z.txt": ["9"]}


@pytest.mark.parametrize(
    ("when", "hashed"),
    [("2026-10-01", None), ("2026-11-01", "old"), ("2026-11-09", "old"), ("2026-11-11", "new")],
)
def test_the_content_that_a_verdict_was_about_is_the_one_listed_by_then(when, hashed) -> None:
    (item,) = find_items(["1"], MANIFESTS)["1"]
    assert item.content_at(datetime.fromisoformat(when).replace(tzinfo=UTC)) == hashed


def test_the_only_content_that_an_item_ever_had_is_the_one_that_was_meant() -> None:
    early = datetime(2020, 1, 1, tzinfo=UTC)
    found = find_items(["2", "3"], MANIFESTS)
    assert found["2"][0].content_at(early) == "c"
    assert found["3"][0].content_at(early) is None


def _row(file: str, line: int, verdict: str, who: str, day: int, **rest) -> VerdictRow:
    return VerdictRow(
        **{
            "file_hash": f"hash of {file}",
            "file": file,
            "line": line,
            "item_id": "a",
            "path": "a.txt",
            "content_hash": None,
            "task": "letter",
            "kind": "label",
            "verdict": verdict,
            "answer": verdict,
            "answer_set": None,
            "answer_score": None,
            "who": who,
            "said_at": datetime(2026, 11, day, tzinfo=UTC),
            "asked_in": None,
            "policy_hash": "p",
        }
        | rest
    )


def test_the_latest_verdict_stands_and_those_before_it_are_kept() -> None:
    rows = [
        _row("b.csv", 2, "complaint", "kim", 3),
        _row("a.csv", 2, "invoice", "lee", 5),
        _row("a.csv", 3, "complaint", "lee", 4),
    ]
    (gold,) = merge(rows)
    assert (gold.answer, gold.who, gold.file, gold.line) == ("invoice", "lee", "a.csv", 2)
    assert [(said.verdict, said.who) for said in gold.history] == [
        ("complaint", "kim"),
        ("complaint", "lee"),
        ("invoice", "lee"),
    ]
    assert gold.dissenters == ("kim",)


def test_a_statement_found_in_two_files_is_kept_once_with_its_content() -> None:
    grown = _row("b.csv", 9, "invoice", "kim", 3, content_hash="c1")
    (gold,) = merge([_row("a.csv", 2, "invoice", "kim", 3), grown])
    assert len(gold.history) == 1
    assert (gold.content_hash, gold.file) == ("c1", "b.csv")


_statements = st.builds(
    _row,
    file=st.sampled_from(["a.csv", "b.csv", "c.jsonl"]),
    line=st.integers(1, 4),
    verdict=st.sampled_from(["invoice", "complaint"]),
    who=st.sampled_from(["kim", "lee"]),
    day=st.integers(1, 3),
    item_id=st.sampled_from(["a", "b"]),
    task=st.sampled_from(["letter", "language"]),
    content_hash=st.sampled_from([None, "c1", "c2"]),
)


@given(st.lists(_statements, max_size=12, unique_by=lambda row: (row.file, row.line)), st.randoms())
def test_any_order_of_files_and_any_repetition_gives_the_same_gold(rows, random) -> None:
    gold = rows_to_arrow(GOLD_LABELS, merge(rows))
    shuffled = rows + rows[: len(rows) // 2]
    random.shuffle(shuffled)
    assert rows_to_arrow(GOLD_LABELS, merge(shuffled)).equals(gold)
    said = {(r.item_id, r.task, r.verdict, r.who, r.said_at) for r in rows}
    kept = [
        (row["item_id"], row["task"], one["verdict"], one["who"], one["said_at"])
        for row in gold.to_pylist()
        for one in row["history"]
    ]
    assert len(kept) == len(set(kept)) and set(kept) == said
    for row in gold.to_pylist():
        assert row["said_at"] == max(one["said_at"] for one in row["history"])


_cells = st.text(max_size=12) | st.sampled_from(["a.txt", "letter", "invoice", "kim", "2026-11-20"])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, _cells)), max_size=4))
def test_whatever_stands_in_a_file_it_is_taken_or_its_problems_are_told(rows) -> None:
    for name, data in (("v.jsonl", jsonl(*rows)), ("v.csv", _csv_or_nothing(rows))):
        try:
            found = understand(name, data, RULES, find)
        except VerdictFileError as error:
            assert error.problems
            "".join(str(problem) for problem in error.problems).encode()
        else:
            stored = rows_to_arrow(VERDICTS, found.verdicts)
            assert stored.num_rows + found.not_judged <= len(rows)


def _csv_or_nothing(rows: list[dict]) -> bytes:
    try:
        return as_csv(*rows) if rows else b""
    except (UnicodeEncodeError, csv.Error):
        return b""


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data) -> None:
    head = (",".join(FIELDS) + "\n").encode()
    for name, content in (("v.jsonl", data), ("v.csv", head + data), ("v.csv", data)):
        with pytest.raises(VerdictFileError):
            understand(name, content, RULES, find)
