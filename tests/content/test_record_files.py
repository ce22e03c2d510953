"""Record files: cut into pieces, read record by record, and every record read back."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.record_files import Declarations, record_file, recorded_file
from orchestration_assets.content.record_reading import read_records
from orchestration_assets.content.splitting import split
from orchestration_assets.content.unpacking import unpacker
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Batching, Records
from tests.content.test_manifest import entry

LIMIT = 10_000


def pieces(data: bytes, records, limits=None, start=0, first=1):
    return list(split(io.BytesIO(data), records, limits or Batching(), start, first))


def piece_entry(records, piece):
    return entry(
        "f",
        records=records.recorded(),
        start=piece.start,
        stop=piece.stop,
        first_record=piece.first,
        record_count=piece.count,
    )


def read(data: bytes, records, limits=None):
    found = []
    for piece in pieces(data, records, limits):
        one = list(read_records(io.BytesIO(data), records, piece_entry(records, piece)))
        assert len(one) == piece.count, "a piece yields as many records as it counts"
        found += one
    assert [record.number for record in found] == list(range(1, len(found) + 1))
    return found


def jsonl(**declared):
    return record_file(Records(files="*", text="text", **declared), "f.jsonl", LIMIT)


def csv(path="f.csv", **declared):
    return record_file(Records(files="*", text="text", **declared), path, LIMIT)


def parquet(**declared):
    return record_file(Records(files="*", text="text", **declared), "f.parquet", LIMIT)


@pytest.mark.parametrize(
    ("path", "format_", "packing", "delimiter"),
    [
        ("a.jsonl", "jsonl", None, ","),
        ("A.NDJSON.GZ", "jsonl", "gzip", ","),
        ("a.csv.zst", "csv", "zstd", ","),
        ("a.tsv", "csv", None, "\t"),
        ("a.parquet", "parquet", None, ","),
    ],
)
def test_the_name_says_how_a_file_is_read(path, format_, packing, delimiter) -> None:
    found = record_file(Records(files="*", text="t"), path, LIMIT)
    assert (found.format, found.packing, found.delimiter) == (format_, packing, delimiter)


def test_the_first_declaration_that_matches_counts_and_others_are_plain_files() -> None:
    declared = Declarations(
        (Records(files="in/*.jsonl", text="a"), Records(files="*.jsonl", text="b")), LIMIT
    )
    assert declared.find("in/x.jsonl").declared.text == "a"
    assert declared.find("x.jsonl").declared.text == "b"
    assert declared.find("x.md") is None


def test_a_name_that_does_not_say_its_format_asks_for_it() -> None:
    declared = Declarations((Records(files="*.txt", text="a"),), LIMIT)
    with pytest.raises(ContentError, match="add `format: jsonl`"):
        declared.find("x.txt")
    assert record_file(Records(files="*", text="t", format="csv"), "x.txt", LIMIT).format == "csv"


def test_a_declaration_survives_being_kept_with_an_entry() -> None:
    records = csv(id="id", metadata=("lang",), delimiter=";")
    assert recorded_file(records.recorded(), "f.csv") == records


json_lines = st.lists(
    st.one_of(
        st.builds(lambda t: json.dumps({"text": t}), st.text(max_size=30)),
        st.just(""),
        st.just("not json"),
        st.just("[1, 2]"),
    ),
    max_size=20,
)


@given(json_lines, st.booleans(), st.integers(1, 7), st.integers(1, 80))
def test_every_line_is_a_record_however_the_file_is_cut(lines, ends, items, size) -> None:
    data = "\n".join(lines).encode() + (b"\n" if ends and lines else b"")
    limits = Batching(max_items=items, max_bytes=size)
    found = read(data, jsonl(), limits)
    expected = data.split(b"\n")[: -1 if data.endswith(b"\n") or not data else None]
    assert len(found) == len(expected)
    for record, line in zip(found, expected, strict=True):
        if record.text is not None:
            assert json.loads(line)["text"] == record.text
            place = record.place
            assert json.loads(data[place.start : place.stop])["text"] == record.text
        else:
            assert record.problem
    cut = pieces(data, jsonl(), limits)
    assert [piece.final for piece in cut] == [False] * (len(cut) - 1) + [True]
    assert all(piece.count <= items for piece in cut)
    # going on from any piece's end cuts the rest as before
    for number, piece in enumerate(cut[:-1]):
        rest = pieces(data, jsonl(), limits, piece.stop, piece.first + piece.count)
        assert rest == cut[number + 1 :]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", RejectReason.EMPTY),
        ('{"text": ""}', RejectReason.EMPTY),
        ('{"text": null}', RejectReason.EMPTY),
        ('{"other": "x"}', RejectReason.MALFORMED),
        ('{"text": 7}', RejectReason.MALFORMED),
        ("[" * 5000, RejectReason.MALFORMED),
        ('{"text": "a\\u0000b"}', RejectReason.BINARY),
        ('{"text": "\\ud800"}', RejectReason.UNDECODABLE),
        ('{"text": "' + "x" * LIMIT + '"}', RejectReason.TOO_LARGE),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_and_the_next_is_read(line, reason) -> None:
    data = f'{line}\n{{"text": "good"}}\n'.encode()
    bad, good = read(data, jsonl())
    assert bad.problem[0] is reason
    assert "1" in bad.problem[1]
    assert good.text == "good"


def test_a_line_in_another_encoding_is_rejected_alone() -> None:
    bad, good = read(b'{"text": "caf\xe9"}\n{"text": "good"}', jsonl())
    assert bad.problem[0] is RejectReason.UNDECODABLE
    assert good.text == "good"


def test_id_name_and_metadata_columns_are_kept() -> None:
    data = b'{"text": "t", "id": 7, "file": "a.md", "lang": "fr", "tags": ["x"]}\n'
    (record,) = read(data, jsonl(id="id", name="file", metadata=("lang", "tags", "none")))
    assert (record.id, record.name) == ("7", "a.md")
    assert [(m.name, m.value) for m in record.metadata] == [("lang", "fr"), ("tags", '["x"]')]


fields = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=12)


@given(st.lists(fields, min_size=1, max_size=12), st.integers(1, 4), st.integers(1, 60))
def test_csv_text_comes_back_as_it_was_written(texts, items, size) -> None:
    import csv as writing

    out = io.StringIO()
    rows = writing.writer(out)
    rows.writerow(["id", "text"])
    rows.writerows([[n, text] for n, text in enumerate(texts)])
    data = out.getvalue().encode()
    found = read(data, csv(id="id"), Batching(max_items=items, max_bytes=size))
    assert [record.text for record in found] == texts
    assert [record.id for record in found] == [str(n) for n in range(len(texts))]


def test_csv_in_another_encoding_is_read_field_by_field() -> None:
    data = "id;text\n1;Der Bär läuft über die Straße\n".encode("latin-1")
    (record,) = read(data, csv(delimiter=";"))
    assert record.text == "Der Bär läuft über die Straße"
    assert (record.encoding.name, record.encoding.source) == ("cp1252", "detected")


def test_a_quote_left_open_takes_the_rest_with_it_and_says_so() -> None:
    good = "1,first\n"
    data = ("id,text\n" + good + '2,"never closed ' + "x" * LIMIT + "\n3,swallowed\n").encode()
    first, rest = read(data, csv())
    assert first.text == "first"
    assert rest.problem[0] is RejectReason.MALFORMED
    assert "quote" in rest.problem[1]


def test_a_header_without_the_column_names_those_there_are() -> None:
    with pytest.raises(ContentError, match="no column 'text'; its columns are: id, body"):
        read(b"id,body\n1,x\n", csv())


def test_rows_with_more_fields_than_the_header_are_rejected() -> None:
    (record,) = read(b"id,text\n1,a,b\n", csv())
    assert record.problem == (RejectReason.MALFORMED, "record 1 has 3 fields, the header 2")


def write_parquet(texts, rows_a_group) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"n": range(len(texts)), "text": pa.array(texts, pa.string())})
    pq.write_table(table, sink, row_group_size=rows_a_group)
    return sink.getvalue()


@given(
    st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=25),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_parquet_rows_are_cut_within_and_across_row_groups(texts, group, items) -> None:
    data = write_parquet(texts, group)
    found = read(data, parquet(id="n"), Batching(max_items=items))
    assert [record.text for record in found] == [
        text if text and "\x00" not in text else None for text in texts
    ]
    assert all(piece.count <= items for piece in pieces(data, parquet(), Batching(max_items=items)))


def test_what_is_no_parquet_says_so() -> None:
    with pytest.raises(ContentError, match="not Parquet"):
        pieces(b"PAR1 but not really", parquet())


def unpack(data: bytes, packing: str, room, size=None, expansion=100.0) -> bytes:
    out = io.BytesIO()
    unpacker(io.BytesIO(data), packing, size or len(data), expansion, room)(out)
    return out.getvalue()


def test_compressed_files_are_unpacked_member_after_member(tmp_path) -> None:
    packed = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    assert unpack(packed, "gzip", tmp_path) == b"one\ntwo\n"
    zstd = pa.compress(b"three\n", "zstd", asbytes=True)
    assert unpack(zstd, "zstd", tmp_path) == b"three\n"


def test_a_bomb_is_recognised_before_it_fills_the_disk(tmp_path) -> None:
    bomb = gzip.compress(b"\x00" * (64 << 20))
    with pytest.raises(ContentError, match="max_expansion") as caught:
        unpack(bomb, "gzip", tmp_path)
    assert caught.value.reason is RejectReason.BOMB


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_damaged_stream_is_malformed(tmp_path, packing) -> None:
    good = gzip.compress(b"x" * 1000) if packing == "gzip" else pa.compress(b"x" * 1000, "zstd")
    for data in (b"nothing of the kind", bytes(good)[:-9]):
        with pytest.raises(ContentError) as caught:
            unpack(data, packing, tmp_path)
        assert caught.value.reason is RejectReason.MALFORMED
