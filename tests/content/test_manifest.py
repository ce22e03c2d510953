import pytest

from orchestration_assets.content.batches import item_id
from orchestration_assets.content.encoding import Encoding, detect_encoding
from orchestration_assets.content.manifest import Known, examine, known_content, settle
from orchestration_assets.schemas.enums import Outcome, RejectReason
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, EntryRow, ManifestRow
from resources.content_source import ContentError, FileContent


def entry(name: str, data: bytes = b"", **changes) -> EntryRow:
    fields = {
        "item_id": item_id(name),
        "source": "file:///s",
        "address": name,
        "path": name,
        "size_bytes": len(data),
        "modified_ns": 1,
        "problem": None,
        "gone": False,
    }
    return EntryRow(**{**fields, **changes})


class Folder:
    """Batches over a folder in memory, each settled against the manifests before it."""

    def __init__(self) -> None:
        self.manifests = []

    def batch(self, files: dict[str, bytes | None]) -> dict[str, ManifestRow]:
        def read(address: str) -> FileContent:
            data = files[address]
            assert data is not None
            return FileContent(data, len(data), 1)

        entries = [
            entry(name, data) if data is not None else entry(name, gone=True)
            for name, data in sorted(files.items())
        ]
        examined = [examine(one, read, 1000) for one in entries]
        rows = list(settle(f"b{len(self.manifests)}", examined, known_content(self.manifests)))
        self.manifests.append(rows_to_arrow(CONTENT_MANIFEST, rows))
        return {row.path: row for row in rows}


def test_identical_content_is_accepted_once_and_every_address_keeps_its_row() -> None:
    rows = Folder().batch({"a": b"same", "b": b"same", "c": b"other"})
    assert [rows[name].outcome for name in "abc"] == ["accepted", "duplicate", "accepted"]
    assert rows["b"].computed_as == rows["a"].item_id == rows["a"].computed_as


def test_content_known_from_an_earlier_batch_is_a_duplicate() -> None:
    folder = Folder()
    first = folder.batch({"a": b"same"})
    rows = folder.batch({"b": b"same"})
    assert rows["b"].outcome is Outcome.DUPLICATE
    assert rows["b"].computed_as == first["a"].item_id


def test_a_touched_file_is_unchanged_and_a_changed_one_accepted_again() -> None:
    folder = Folder()
    folder.batch({"a": b"one", "b": b"two"})
    rows = folder.batch({"a": b"one", "b": b"three"})
    assert [rows[name].outcome for name in "ab"] == ["unchanged", "accepted"]


def test_a_file_that_left_one_address_and_came_at_another_has_moved() -> None:
    folder = Folder()
    first = folder.batch({"a": b"one"})
    rows = folder.batch({"a": None, "b": b"one"})
    assert [rows[name].outcome for name in "ab"] == ["gone", "moved"]
    assert rows["b"].computed_as == first["a"].item_id


def test_a_copy_is_not_a_move_while_the_original_stands() -> None:
    folder = Folder()
    folder.batch({"a": b"one", "b": b"one"})
    assert folder.batch({"a": None, "c": b"one"})["c"].outcome is Outcome.DUPLICATE


def test_content_that_changed_since_the_listing_is_superseded() -> None:
    found = examine(entry("a", b"listed"), lambda a: FileContent(b"longer now", 10, 2), 1000)
    (row,) = settle("b", [found], Known())
    assert row.outcome is Outcome.SUPERSEDED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", RejectReason.EMPTY),
        (b"\x00\x01\x02", RejectReason.BINARY),
        (b"caf\xe9 au lait", RejectReason.UNDECODABLE),
        (b"x" * 1001, RejectReason.TOO_LARGE),
    ],
)
def test_content_that_is_no_text_is_rejected_with_a_reason(data, reason) -> None:
    found = examine(entry("a", data), lambda a: FileContent(data, len(data), 1), 1000)
    (row,) = settle("b", [found], Known())
    assert (row.outcome, row.reason) == (Outcome.REJECTED, reason)
    assert row.detail


def test_what_cannot_be_opened_is_rejected_not_raised() -> None:
    def read(address: str) -> FileContent:
        raise ContentError(RejectReason.VANISHED, "gone when read")

    (row,) = settle("b", [examine(entry("a", b"x"), read, 10)], Known())
    assert (row.outcome, row.reason, row.detail) == ("rejected", "vanished", "gone when read")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("grüße".encode(), Encoding("utf-8", "utf-8")),
        ("grüße".encode("utf-8-sig"), Encoding("utf-8-sig", "bom")),
        ("grüße".encode("utf-16"), Encoding("utf-16", "bom")),
        ("grüße".encode("utf-32"), Encoding("utf-32", "bom")),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", Encoding("iso8859-1", "declared")),
        (b"<?xml version='1.0' encoding='koi8-r'?><a>\xd0</a>", Encoding("koi8-r", "declared")),
        (b"<html><meta charset=windows-1252>\xe9</html>", Encoding("cp1252", "declared")),
        (b"# coding: rot13\n\xe9", RejectReason.UNDECODABLE),
        (b"# coding: nonsense\n\xe9", RejectReason.UNDECODABLE),
        (b"\xff\xfe\x00", RejectReason.UNDECODABLE),
        (b"\x80\x01\x02\x03\x04\xff", RejectReason.BINARY),
    ],
)
def test_the_encoding_and_what_it_rests_on(data, expected) -> None:
    assert detect_encoding(data) == expected
