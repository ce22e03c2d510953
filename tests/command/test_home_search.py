"""A search finds what lies across two of the parts that a file is read in, however it is packed."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration_assets.command import home_search
from orchestration_assets.command.home_search import search_home
from orchestration_assets.processing.answer_cache import encode
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.packed_rows import RowCodec
from orchestration_assets.text.traces import Traces, distinctive_pieces
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.parquet_tier import ParquetTier
from resources.home import Home
from resources.knowledge_store import KnowledgeStore, StoredPostings

TEXT = "The harbour master of Wexcombe keeps a ledger of every boat that never came home."


def _plain(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _gzipped(path: Path, data: bytes) -> None:
    with gzip.open(path, "wb") as file:
        file.write(data)


def _zstd(path: Path, data: bytes) -> None:
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as stream:
        stream.write(data)


@pytest.mark.parametrize(
    ("name", "write"), [("a.txt", _plain), ("a.gz", _gzipped), ("a.zst", _zstd)]
)
def test_a_piece_across_two_parts_of_a_file_is_found(name, write, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(home_search, "_WINDOW", 1024)
    monkeypatch.setattr(home_search, "_OVERLAP", 256)
    pieces = distinctive_pieces([TEXT])
    traces = Traces(pieces, ())
    # the first part ends within the first run of the text
    write(tmp_path / name, b"x " * 505 + TEXT.encode() + b" y" * 2000)
    found = search_home(tmp_path, traces, tmp_path / "none")
    assert found.pieces == set(pieces)
    assert found.unreadable == []


@pytest.mark.parametrize("put", ["put_many", "put_group"])
def test_what_kept_answers_quote_is_found_though_it_is_compressed(put, tmp_path) -> None:
    answers = Home(tmp_path).answers
    keys = [f"{number:032x}" for number in range(3)]
    quote = encode(Reading(Status.OK, "a", 0.9, evidence=f"{TEXT} {TEXT}"))
    getattr(answers, put)(dict.fromkeys(keys, quote))
    pieces = distinctive_pieces([TEXT])
    (database,) = tmp_path.rglob("data.mdb")
    before = database.read_bytes()
    assert TEXT.encode() not in before
    found = search_home(tmp_path, Traces(pieces, ()), tmp_path / "none")
    assert found.found == {database: set(pieces)}
    assert found.unreadable == []
    assert database.read_bytes() == before
    assert Home(tmp_path).answers.forget([], lambda _, value: TEXT.encode() in value) == 3
    assert not search_home(tmp_path, Traces(pieces, ()), tmp_path / "none").found


@pytest.mark.parametrize("tier", ["local", "durable", "knowledge"])
def test_what_caches_and_passages_hold_is_found_though_it_is_compressed(tier, tmp_path) -> None:
    rows = pa.table({"text": [f"{TEXT} {TEXT} {TEXT}"]})
    packed = {"0" * 32: RowCodec(rows.schema).encode(rows)[0]}
    if tier == "local":
        LmdbStore(tmp_path / "cache" / "features").put_many(packed)
    elif tier == "durable":
        ParquetTier(str(tmp_path / "features"), 1 << 20, 1e9).put_many(packed)
    else:
        nothing = pa.table({"n": pa.array([], pa.int64())})
        KnowledgeStore(tmp_path).store_segment(
            "corpus", "ab", rows, StoredPostings(nothing, nothing, nothing)
        )
    stored = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(f"{TEXT} {TEXT}".encode() in data for data in stored)
    pieces = distinctive_pieces([TEXT])
    found = search_home(tmp_path, Traces(pieces, ()), tmp_path / "none")
    assert found.pieces == set(pieces)
    assert found.unreadable == []
