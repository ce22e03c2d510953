"""A search finds what lies across two of the parts that a file is read in, however it is packed."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration_assets.command import home_search
from orchestration_assets.command.home_search import search_home
from orchestration_assets.text.traces import Traces, distinctive_pieces

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
