"""Record files from anywhere: rows with a reason, never an exception; two readers that agree."""

import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.content.intake import take_in
from orchestration_assets.content.manifest import examine, settle
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.content.record_dialect import (
    Rewriting,
    dialect,
    look,
    refuse_empty,
    rewrite,
)
from orchestration_assets.content.record_files import record_file
from orchestration_assets.content.splitting import split
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.listings import ContentError, FileContent, Version
from orchestration_assets.schemas.policy import Batching, Content, Records
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, EntryRow, ManifestRow
from resources.home import Home
from tests.content.test_manifest import entry, nothing_stands
from tests.fuzzing import fuzz

# no time in it: the same bytes, and names of tests, at every start
_gzipped = partial(gzip.compress, mtime=0)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DECLARED = {"text": "body", "id": "id", "metadata": ("lang",)}
LIMIT = 100_000


def taken(folder: Path, files: dict[str, bytes], **declared) -> dict[str, dict]:
    """The manifest rows by path, after every accepted one was read back and found the same."""
    source, home = folder / "source", folder / "home"
    source.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (source / name).write_bytes(data)
    content = Content(
        records=(Records(**{"files": "*", **DECLARED, **declared}),),
        max_bytes=LIMIT,
        batch=Batching(max_items=150),
    )
    rows: list[dict] = []
    for batch in take_in(Home(home), str(source), content, NOW).recorded:
        made = make_manifest(Home(home), batch, content, SilentProgress())
        Home(home).tables.write(CONTENT_MANIFEST, made, batch)
        rows += (mine := made.to_pylist())
        with ContentReader(Home(home), Home(home).batches.source(batch)) as reader:
            for row, record in zip(mine, CONTENT_MANIFEST.rows(made), strict=True):
                if row["outcome"] == "accepted":
                    row["text"] = reader.text(record)
    for row in rows:
        assert row["outcome"] != "rejected" or (row["reason"] and row["detail"])
    paths = {row["path"]: row for row in rows if row["reason"] == "repeated_id"}
    assert all(row["address"].endswith(path) for path, row in paths.items())
    return {row["path"]: row for row in rows}


def texts(rows: dict[str, dict]) -> dict[str, str]:
    return {path: row["text"] for path, row in rows.items() if "text" in row}


def parquet(table: pa.Table, **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


BODY = ["the parcel came late", "the box was open", "nobody was there"]


def three(**columns) -> bytes:
    table = {"id": [1, 2, 3], "body": BODY, "lang": ["en", "fr", "de"]} | columns
    return parquet(pa.table(table))


NO_UTF8 = pa.Array.from_buffers(
    pa.string(), 3, pa.array([b"fine", b"\xff\xfe", b"fine, too"]).buffers()
)


def test_records_are_read_back_wherever_they_begin_and_end(tmp_path) -> None:
    # as short as can be, as long as what is read at once, and longer
    sizes = [10, 65_536, 40_000, 3, 90_000, 65_500, 25_536, *range(100, 4_000, 700)]
    texts = {f"i{n}": f"{n} " + "wörter " * (size // 8) for n, size in enumerate(sizes)}
    lines = [
        json.dumps({"id": name, "body": text}, ensure_ascii=False) for name, text in texts.items()
    ]
    rows = taken(tmp_path, {"some.jsonl": "\n".join(lines).encode()})
    read = {path.rpartition("#")[2]: row["text"] for path, row in rows.items() if row.get("text")}
    assert read == texts


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"lang": pa.array([["en", "fr"], [], None])}, '["en", "fr"]'),
        ({"lang": pa.array([{"a": 1, "b": None}] * 3)}, '{"a": 1, "b": null}'),
        ({"lang": pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64()))}, '[["a", 1]]'),
        ({"lang": pa.array([2**62] * 3, pa.timestamp("us"))}, "4611686018427387904"),
    ],
)
def test_columns_that_hold_more_than_a_word_are_kept_as_json(tmp_path, column, said) -> None:
    rows = taken(tmp_path, {"a.parquet": three(**column)})
    assert list(texts(rows).values()) == BODY
    assert said in rows["a.parquet#1"]["metadata"][0]["value"]


@pytest.mark.parametrize(
    ("column", "reason", "accepted"),
    [
        ({"id": pa.array([[1], [2], [3]])}, "malformed", 0),
        ({"id": pa.array([{"a": 1}] * 3)}, "malformed", 0),
        ({"id": NO_UTF8}, "undecodable", 2),
        ({"id": pa.array([0.5, float("nan"), float("inf")])}, "malformed", 1),
        ({"body": pa.array([["a"], ["b"], ["c"]])}, "malformed", 0),
        ({"body": NO_UTF8}, "undecodable", 2),
        ({"body": pa.array(["a", "b" * (LIMIT + 1), "c"])}, "too_large", 2),
        ({"lang": NO_UTF8}, "undecodable", 2),
    ],
)
def test_a_column_that_cannot_be_kept_rejects_its_record_alone(
    tmp_path, column, reason, accepted
) -> None:
    rows = taken(tmp_path, {"a.parquet": three(**column)})
    assert len(texts(rows)) == accepted
    rejected = [row for row in rows.values() if row["outcome"] == "rejected"]
    assert {row["reason"] for row in rejected} == {reason}
    assert len(rejected) == 3 - accepted


def dictionary(text: str, count: int) -> bytes:
    column = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([text]))
    return parquet(
        pa.table({"id": pa.nulls(count), "body": column, "lang": pa.nulls(count)}),
        compression="zstd",
    )


@pytest.mark.parametrize(
    "data",
    [
        dictionary("x" * 200, 1_000_000),
        dictionary("x" * 2_000_000, 1_000_000),
        parquet(
            pa.table({"id": [1], "body": ["x" * 100_000_000], "lang": [""]}), compression="zstd"
        ),
        parquet(pa.table({n: pa.nulls(5_000_000, pa.string()) for n in ("id", "body", "lang")})),
    ],
    ids=["200 MB of rows", "2 TB of rows", "one cell", "rows of nothing"],
)
def test_a_parquet_bomb_is_one_rejected_file(tmp_path, data) -> None:
    assert len(data) < 200_000
    rows = taken(tmp_path, {"bomb.parquet": data, "good.parquet": three()})
    assert rows["bomb.parquet"]["reason"] == "bomb"
    assert "max_expansion" in rows["bomb.parquet"]["detail"]
    assert len(texts(rows)) == 3
    assert len(rows) == 1 + 1 + 3


def test_many_rows_of_few_texts_are_no_bomb_within_the_limit(tmp_path) -> None:
    columns = {"id": None, "metadata": ()}
    rows = taken(tmp_path, {"a.parquet": dictionary("x" * 200, 400)}, **columns)
    assert list(texts(rows).values()) == ["x" * 200]
    assert Counter(row["outcome"] for row in rows.values())["duplicate"] == 399


def test_rows_that_a_damaged_page_has_lost_are_missed(tmp_path) -> None:
    data = bytearray(three(lang=pa.array([["a"], [], None])))
    data[bytes(data).index(b"\x15\x06\x15\x10") + 1] = 0  # the page of ids counts none
    (row,) = taken(tmp_path, {"a.parquet": bytes(data)}).values()
    assert (row["reason"], row["outcome"]) == ("malformed", "rejected")


TWICE = "the column 'body' is there more than once (columns 2, 4)"


@pytest.mark.parametrize(
    ("name", "data", "reason", "said"),
    [
        ("a.csv", b"id,body,lang,body\n1,one,en,two\n", "malformed", TWICE),
        ("a.csv", b"", "empty", "no content"),
        ("a.csv", b"\xef\xbb\xbf \n", "empty", "no content"),
        ("a.jsonl", b"", "empty", "no content"),
        ("a.jsonl", b"\n\n", "empty", "no content"),
        ("a.parquet", b"", "empty", "no content"),
        ("a.csv.gz", _gzipped(b""), "empty", "no content"),
        ("a.csv.gz", _gzipped(b"id,body\n1,x\n")[:-3], "malformed", "cut short"),
        ("a.csv.gz", _gzipped(b"id,body\n1,x\n") + b"junk", "malformed", "cut it off"),
        ("a.csv.gz", b"id,body\n1,x\n", "malformed", "not gzip"),
        (
            "a.parquet",
            parquet(
                pa.Table.from_arrays([pa.array([1])] * 4, names=["id", "body", "lang", "body"])
            ),
            "malformed",
            TWICE,
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_rejected_entry(
    tmp_path, name, data, reason, said
) -> None:
    (row,) = taken(tmp_path, {name: data}).values()
    assert (row["outcome"], row["reason"]) == ("rejected", reason)
    assert said in row["detail"]


PLAIN = "id,body,lang\n1,Größe über alles,de\n2,déjà vu au café,fr\n"
LINES = '{"id": 1, "body": "Größe über alles"}\n{"id": 2, "body": "déjà vu au café"}\n'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", PLAIN.encode("utf-8-sig")),
        ("a.csv", PLAIN.encode("utf-16")),
        ("a.csv", PLAIN.encode("utf-16-be")),
        ("a.csv", PLAIN.encode("utf-32")),
        ("a.csv", PLAIN.replace("\n", "\r\n").encode("utf-16")),
        ("a.csv", PLAIN.replace("\n", "\r").encode()),
        ("a.csv", PLAIN.replace("\n", "\r").encode("utf-16")),
        ("a.csv", ("sep=;\r\n" + PLAIN.replace(",", ";")).encode()),
        ("a.csv", ("sep=;\n" + PLAIN.replace(",", ";")).encode("utf-8-sig")),
        ("a.csv", ('"sep=;"\r\n' + PLAIN.replace(",", ";")).encode("utf-16")),
        ("a.tsv", ("sep=|\n" + PLAIN.replace(",", "|")).encode()),
        ("a.csv", PLAIN.encode("cp1252")),
        ("a.csv.gz", _gzipped(PLAIN.encode()) + bytes(5000)),
        ("a.csv.gz", _gzipped(PLAIN.encode("utf-16"))),
        ("a.csv.gz", _gzipped(PLAIN[:20].encode()) + _gzipped(PLAIN[20:].encode())),
        ("a.jsonl", LINES.encode("utf-16")),
        ("a.jsonl", LINES.encode("utf-8-sig")),
        ("a.jsonl", LINES.replace("\n", "\r").encode()),
        ("a.jsonl", LINES.replace("\n", "\r\n").encode()),
    ],
)
def test_one_file_in_many_dresses_gives_the_same_records(tmp_path, name, data) -> None:
    found = texts(taken(tmp_path, {name: data}))
    assert found == {f"{name}#1": "Größe über alles", f"{name}#2": "déjà vu au café"}


def test_ids_in_an_old_encoding_stay_apart(tmp_path) -> None:
    body = "a été reçu à l'école et a préféré"
    data = f"id,body,lang\nRené,{body} le café,français\nRenè,{body} le thé,français\n"
    rows = taken(tmp_path, {"a.csv": data.encode("cp1252")})
    assert set(texts(rows)) == {"a.csv#René", "a.csv#Renè"}
    assert rows["a.csv#René"]["metadata"] == [{"name": "lang", "value": "français"}]


def test_an_id_or_text_that_cannot_be_decoded_is_told(tmp_path) -> None:
    lines = [f"n{n},żółw i jaźń numer {n},pl\n".encode() for n in range(40)]
    lines[3] = b"n\xff3," + lines[3].partition(b",")[2]
    lines[5] = b"n5,a stray \xff byte,pl\n"
    rows = taken(tmp_path, {"a.csv": b"id,body,lang\n" + b"".join(lines)})
    outcomes = Counter(row["outcome"] for row in rows.values())
    # either the whole file is read as UTF-8, or each record that is not is rejected for itself
    assert outcomes["accepted"] >= 38
    assert rows["a.csv#record=4"]["reason"] == "undecodable"
    if "text" in (told := rows.get("a.csv#n5", rows.get("a.csv#record=6"))):
        assert told["text"] == "a stray \ufffd byte"
        assert "1 characters are not utf-8" in told["detail"]


def test_each_record_is_accepted_or_rejected_for_itself(tmp_path) -> None:
    lines = [
        ('{"id": 1, "body": "int"}', "accepted"),
        ('{"id": "1", "body": "the same as text"}', "repeated_id"),
        ('{"id": 1.5, "body": "float"}', "accepted"),
        ('{"id": NaN, "body": "nan"}', "malformed"),
        ('{"id": {"a": 1}, "body": "object"}', "malformed"),
        ('{"id": [1], "body": "list"}', "malformed"),
        ('{"id": "", "body": "empty"}', "malformed"),
        ('{"id": " ", "body": "blank"}', "malformed"),
        ('{"id": null, "body": "null"}', "malformed"),
        ('{"body": "none"}', "malformed"),
        ('{"id": "a\\ud83d", "body": "half"}', "undecodable"),
        ('{"id": "a\\ud83e", "body": "other half"}', "undecodable"),
        ('{"id": 11, "body": "half \\ud83d"}', "undecodable"),
        ('{"id": 12, "body": "whole \\ud83d\\ude00"}', "accepted"),
        ('{"id": 13, "body": "huge", "lang": ' + "9" * 9000 + "}", "accepted"),
        ('{"id": 14, "body": "elsewhere", "other": ' + "9" * 9000 + "}", "accepted"),
        ('{"id": ' + "9" * 900 + ', "body": "a huge id"}', "accepted"),
        ('{"id": ' + "9" * 9000 + ', "body": "too huge an id"}', "malformed"),
        ('{"id": 17, "body": ' + "9" * 9000 + "}", "malformed"),
        ('{"id": 18, "body": "one", "body": "two"}', "malformed"),
        ('{"id": 19, "body": "nested", "x": {"body": 1}, "y": {"body": 2}}', "accepted"),
        ('{"id": 20, "body": "nested twice", "x": {"a": 1, "a": 2}}', "accepted"),
        ('{"id": 21, "body": 7}', "malformed"),
        ('{"id": 22, "body": true}', "malformed"),
        ('{"id": 23, "body": "half in lang", "lang": "x\\ud83d"}', "accepted"),
    ]
    data = "".join(f"{line}\n" for line, _ in lines).encode()
    rows = list(taken(tmp_path, {"a.jsonl": data}, name="name").values())[1:]
    by_number = {row["record"]["start"]: row for row in rows if row["record"]}
    told = [row["reason"] or row["outcome"] for row in rows if row["outcome"] != "unpacked"]
    assert Counter(told) == Counter(outcome for _, outcome in lines), by_number
    assert sum("\ufffd" in m["value"] for row in rows for m in row["metadata"]) == 1


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("opens", ['"open quote the and', '"', 'x,"open ""and""'])
def test_a_quote_that_is_never_closed_is_told(tmp_path, opens, end) -> None:
    lines = ["id,body,lang", "0,before,en", f"1,{opens}", "2,second,en", f"3,third,en{end}"]
    rows = taken(tmp_path, {"a.csv": "\n".join(lines).encode()})
    assert texts(rows) == {"a.csv#0": "before"}
    assert rows["a.csv#record=2"]["detail"] == (
        "record 2: the quote that opens here is never closed: it holds the rest of the file"
    )


def test_a_quote_that_the_last_byte_closes_is_closed(tmp_path) -> None:
    rows = taken(tmp_path, {"a.csv": b'id,body\n1,"two\nlines"'})
    assert texts(rows) == {"a.csv#1": "two\nlines"}


def test_a_path_names_the_record_that_has_the_id(tmp_path) -> None:
    rows = taken(tmp_path, {"a.csv": b"id,body\n1,first\n1,again\n"})
    assert texts(rows) == {"a.csv#1": "first"}
    assert rows["a.csv#record=2"]["reason"] == "repeated_id"


def test_a_boolean_or_a_duration_is_no_id(tmp_path) -> None:
    lines = b'{"id": true, "body": "a"}\n{"id": 2, "body": "b"}\n'
    rows = taken(tmp_path / "json", {"a.jsonl": lines})
    assert texts(rows) == {"a.jsonl#2": "b"}
    assert "is no id but bool: give text or a whole number" in rows["a.jsonl#record=1"]["detail"]
    durations = pa.array([1, 2, 3], pa.duration("ns"))
    rows = taken(tmp_path / "parquet", {"a.parquet": three(id=durations)})
    assert texts(rows) == {}
    assert sum("give text or a whole number" in (row["detail"] or "") for row in rows.values()) == 3


def test_bytes_are_text_or_digits_never_python(tmp_path) -> None:
    held = pa.array(["é".encode(), b"\xff", b""], pa.binary())
    nested = pa.array([[b"x"], [b"\xfe"], []], pa.list_(pa.binary()))
    data = three(id=pa.array([b"a", b"\xfe\x01", b"c"], pa.binary()), lang=held, more=nested)
    rows = taken(tmp_path, {"a.parquet": data}, metadata=("lang", "more"))
    told = {
        path: [one["value"] for one in row["metadata"]]
        for path, row in rows.items()
        if "text" in row
    }
    assert told == {
        "a.parquet#a": ["é", '["x"]'],
        "a.parquet#fe01": ["ff", '["fe"]'],
        "a.parquet#c": ["", "[]"],
    }


def test_why_no_encoding_is_taken_is_told(tmp_path) -> None:
    rows = taken(tmp_path, {"a.csv": b"id,body\n1,x\x81y\n"})
    (told,) = [row["detail"] for row in rows.values() if row["outcome"] == "rejected"]
    assert "in no known encoding (" in told
    assert "save the file as UTF-8" in told


@pytest.mark.parametrize("delimiter", ["\n", "\r", '"', "\0", "ü", "", ";;"])
def test_what_separates_no_columns_is_refused(delimiter) -> None:
    with pytest.raises(ValueError, match="one ASCII character"):
        Records(files="*", text="body", delimiter=delimiter)


def test_short_and_blank_rows_say_what_they_lack(tmp_path) -> None:
    rows = taken(tmp_path, {"a.csv": b"id,body,lang\n1,the first\n2\n\n3,,en\n,no id,en\n"})
    told = [row["detail"] for row in rows.values() if row["outcome"] == "rejected"]
    assert texts(rows) == {"a.csv#1": "the first"}
    for words in ("2 has 1 fields", "3 is a blank line", "4 has no text", "'id' is an empty id"):
        assert sum(words in one for one in told) == 1, told


# ---- whatever comes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


class Held:
    """One file in a folder, and the plain copy of it below a home, read as a batch reads them."""

    def __init__(self, room: Path, name: str, data: bytes) -> None:
        self.home = room / "home"
        self.path = room / name
        self.path.write_bytes(data)
        self.copy: str | None = None

    def records(self, entry: EntryRow) -> io.BytesIO:
        place = Home(self.home).content.unpacked(self.copy) if self.copy else self.path
        return io.BytesIO(place.read_bytes())

    def rewritten(self, how: Rewriting) -> str:
        store = Home(self.home).content
        store.unpacked("copy").unlink(missing_ok=True)
        with self.path.open("rb") as stream:
            store.unpack("copy", partial(rewrite, stream, how))
        return "copy"

    def version(self, address: str) -> Version:
        return Version(self.path.stat().st_size, 1)

    def read(self, address: str, max_bytes: int) -> FileContent:
        raise AssertionError("records are read as streams")

    def keep(self, content_hash: str, data: bytes) -> bool:
        return False

    def is_forgotten(self, content_hash: str) -> bool:
        return False


class NothingKnown:
    def computed_as(self, content_hash: str) -> None: ...
    def last(self, item_id: str) -> None: ...
    def files_holding(self, content_hash: str) -> set[str]:
        return set()

    def elsewhere(self, item_id: str, version: str, place: int, stands) -> bool:
        return False


def only_rows(room: Path, name: str, data: bytes, **declared) -> list[ManifestRow] | None:
    """The records as stored rows; None when the file is refused as a whole, in words.

    What is accepted reads back the same.
    """
    held = Held(room, name, data)
    records = record_file(Records(**{"files": "*", **DECLARED, **declared}), name, LIMIT)
    address = held.path.as_uri()
    examined = []
    try:
        with held.path.open("rb") as stream:
            if records.format != "parquet":
                refuse_empty(stream)
                seen = look(stream, records)
                if isinstance(seen, Rewriting):
                    held.copy = held.rewritten(seen)
                    seen = dialect(held.records(None), records)
                records = records.seen(seen)
        for piece in split(held.records(None), records, Batching(max_items=7, max_bytes=300)):
            one = entry(
                address,
                data,
                records=records.recorded(),
                start=piece.start,
                stop=piece.stop,
                first_record=piece.first,
                record_count=piece.count,
                unpacked_as=held.copy,
                path=name,
            )
            found = list(examine(one, held, LIMIT))
            assert found[0].reason or len(found) == 1 + piece.count
            examined += found
    except ContentError as error:
        assert str(error)
        return None
    _, rows = settle("b", examined, NothingKnown(), lambda file: False, nothing_stands)
    stored = list(CONTENT_MANIFEST.rows(rows_to_arrow(CONTENT_MANIFEST, rows)))
    with ContentReader(Home(held.home), room.as_uri()) as reader:
        for row in stored:
            if row.outcome is EntryOutcome.ACCEPTED:
                assert reader.text(row).strip("\x00") is not None
            else:
                assert row.detail
    return stored


text = st.text(st.characters(codec="utf-8"), max_size=8)
cells = st.one_of(text, st.sampled_from(["id", "body", "lang", "1", '"', '""', "a\nb", "sep=;"]))


@fuzz
@given(
    st.lists(st.lists(cells, max_size=5), max_size=8),
    st.lists(st.sampled_from(["id", "body", "lang", "", "x"]), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251", "cp932", "koi8-r", "utf-32-le"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([",", ";", "\t"]),
)
def test_csv_of_any_columns_gives_rows(room, rows, header, encoding, end, delimiter) -> None:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=end, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows(rows)
    only_rows(room, "a.csv", sink.getvalue().encode(encoding, "replace"), delimiter=delimiter)


@fuzz
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [
                    b"id",
                    b"body",
                    b",",
                    b"\n",
                    b"\r",
                    b'"',
                    b"1",
                    b"\xff",
                    b"\xc3",
                    b"\xa9",
                    b"\x00",
                    b"sep=",
                    b";",
                    b"\xff\xfe",
                    b'{"body":',
                    b"}",
                    b"\\ud83d",
                    b"[",
                    b" ",
                    b"\xef\xbb\xbf",
                ]
            ),
            max_size=60,
        ).map(b"".join),
        st.binary(max_size=100).map(lambda data: b"id,body,lang\n" + data),
    ),
    st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.parquet"]),
    st.sampled_from([None, "id"]),
)
def test_any_bytes_give_rows(room, data, name, identity) -> None:
    only_rows(room, name, data, id=identity)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
keys = st.sampled_from(["id", "body", "lang", "x"])


@fuzz
@given(st.lists(st.lists(st.tuples(keys, values), max_size=5), max_size=6), st.booleans())
def test_json_of_any_values_gives_rows(room, objects, escaped) -> None:
    lines = [
        "{"
        + ", ".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=escaped)}" for k, v in one)
        + "}"
        for one in objects
    ]
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    rows = only_rows(room, "a.jsonl", data)
    assert rows is None or len(rows) >= len(objects)


def from_bits(kind: pa.DataType, width: int):
    """Arrays of a type of so many bytes a value, of any bits at all."""
    return st.binary(min_size=3 * width, max_size=3 * width).map(
        lambda raw: pa.Array.from_buffers(kind, 3, [None, pa.py_buffer(raw)])
    )


def strings(kind: pa.DataType):
    """Strings of any bytes."""
    return st.lists(st.binary(max_size=6), min_size=3, max_size=3).map(
        lambda raw: pa.Array.from_buffers(kind, 3, pa.array(raw).buffers())
    )


UNITS = ["s", "ms", "us", "ns"]
flat = st.one_of(
    strings(pa.string()),
    st.lists(st.one_of(st.none(), text), min_size=3, max_size=3).map(
        lambda v: pa.array(v, pa.string())
    ),
    st.lists(st.binary(max_size=6), min_size=3, max_size=3).map(pa.array),
    st.sampled_from(UNITS).flatmap(lambda unit: from_bits(pa.timestamp(unit), 8)),
    st.sampled_from(UNITS).flatmap(lambda unit: from_bits(pa.timestamp(unit, "No/Where"), 8)),
    st.sampled_from(UNITS).flatmap(lambda unit: from_bits(pa.duration(unit), 8)),
    from_bits(pa.time64("ns"), 8),
    from_bits(pa.time32("ms"), 4),
    from_bits(pa.date32(), 4),
    from_bits(pa.date64(), 8),
    from_bits(pa.int64(), 8),
    from_bits(pa.uint64(), 8),
    from_bits(pa.int8(), 1),
    from_bits(pa.float64(), 8),
    from_bits(pa.float32(), 4),
    from_bits(pa.float16(), 2),
    from_bits(pa.decimal128(38, 3), 16),
    from_bits(pa.decimal256(76, -3), 32),
    st.just(pa.nulls(3)),
    st.just(pa.array([True, None, False])),
    strings(pa.string()).map(lambda column: column.dictionary_encode()),
)
nested = st.recursive(
    flat,
    lambda inner: st.one_of(
        inner.map(lambda v: pa.ListArray.from_arrays(pa.array([0, 1, 1, 3], pa.int32()), v)),
        inner.map(lambda v: pa.FixedSizeListArray.from_arrays(v, 1)),
        st.tuples(inner, inner).map(lambda v: pa.StructArray.from_arrays(v, ["a", "b"])),
        inner.map(lambda v: pa.MapArray.from_arrays([0, 1, 2, 3], pa.array(["k", "k", "l"]), v)),
    ),
    max_leaves=3,
)
columns_of = st.lists(
    st.tuples(st.sampled_from(["id", "body", "lang", "body.x", "x"]), nested),
    min_size=1,
    max_size=5,
)


@st.composite
def files(draw) -> bytes:
    found = draw(columns_of)
    if draw(st.integers(0, 9)):  # mostly those that are declared, once
        found = list(dict(found).items())
        for name in {"id", "body", "lang"} - {name for name, _ in found}:
            found.append((name, draw(flat)))
    names, arrays = [name for name, _ in found], [column for _, column in found]
    try:
        return parquet(
            pa.Table.from_arrays(arrays, names=names),
            use_dictionary=draw(st.booleans()),
            row_group_size=draw(st.integers(1, 3)),
        )
    except (pa.ArrowException, OSError, ValueError):  # what Parquet has no form for
        return b""


@fuzz
@given(files())
def test_parquet_of_any_columns_gives_rows(room, data) -> None:
    rows = only_rows(room, "a.parquet", data)
    assert rows is None or sum(row.outcome != "unpacked" for row in rows) == 3


@fuzz
@given(
    st.sampled_from([three(), three(lang=pa.array([["a"], [], None]))]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.floats(0, 1),
    st.booleans(),
)
def test_a_damaged_parquet_file_gives_rows_or_a_reason(room, data, changes, cut, is_cut) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[int(place * (len(data) - 1))] = value
    only_rows(room, "a.parquet", bytes(damaged[: int(cut * len(data))] if is_cut else damaged))
