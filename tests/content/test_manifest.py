import io
from pathlib import Path

import pytest

from orchestration_assets.content.batches import item_id
from orchestration_assets.content.manifest import examine, settle
from orchestration_assets.schemas.enums import EntryOutcome, RejectReason
from orchestration_assets.schemas.listings import ContentError, FileContent, Version
from orchestration_assets.schemas.tables import EntryRow, ManifestRow
from resources.content_index import ContentIndex
from tests.content.listings import NOW


def entry(name: str, data: bytes = b"", **changes) -> EntryRow:
    fields = {
        "item_id": item_id(name),
        "source": "file:///s",
        "address": name,
        "file": name,
        "path": name,
        "size_bytes": len(data),
        "modified_ns": 1,
        "changed_ns": 1,
        "etag": None,
        "listed_at": NOW,
        "problem": None,
    }
    return EntryRow(**{**fields, **changes})


class Held:
    """Files in memory, read as a source reads them."""

    def __init__(self, files: dict[str, bytes | None], time: int = 1) -> None:
        self.files = files
        self.time = time

    def read(self, address: str, max_bytes: int) -> FileContent:
        data = self.files[address]
        if data is None:
            raise ContentError(RejectReason.VANISHED, "gone when read")
        return FileContent(data, len(data), self.time)

    def version(self, address: str) -> Version:
        return Version(len(self.files[address] or b""), self.time)

    def records(self, entry: EntryRow) -> io.BytesIO:
        return io.BytesIO(self.files[entry.file] or b"")

    def keep(self, content_hash: str, data: bytes) -> bool:
        return False

    def is_forgotten(self, content_hash: str) -> bool:
        return False


def nothing_stands(file: str, batch: str, place: int) -> bool:
    return False


class Batches:
    """Batches over files in memory, each settled against the index of those before it."""

    def __init__(self, folder: Path) -> None:
        self.index = ContentIndex(folder)
        self.made = 0
        self.gone: set[str] = set()

    def settle(
        self, files: dict[str, bytes | None], name: str | None = None
    ) -> dict[str, ManifestRow]:
        """``None`` as content: the file is gone."""
        entries = [
            entry(path, data) if data is not None else entry(path, gone=True)
            for path, data in sorted(files.items())
        ]
        self.made += 1
        return self.settle_entries(name or f"b{self.made:03}", entries, files)

    def settle_entries(self, batch, entries, files) -> dict[str, ManifestRow]:
        examined = [row for one in entries for row in examine(one, Held(files), 1000)]
        self.gone |= {one.item_id for one in entries if one.gone}
        rows = self.index.settle(
            batch,
            lambda known: settle(batch, examined, known, self.gone.__contains__, nothing_stands),
        )
        return {row.path: row for row in rows}


@pytest.fixture
def batches(tmp_path) -> Batches:
    return Batches(tmp_path)


def outcomes(rows: dict[str, ManifestRow]) -> dict[str, str]:
    return {path: row.outcome.value for path, row in rows.items()}


def test_identical_content_is_accepted_once_and_every_address_keeps_its_row(batches) -> None:
    rows = batches.settle({"a": b"same", "b": b"same", "c": b"other"})
    assert outcomes(rows) == {"a": "accepted", "b": "duplicate", "c": "accepted"}
    assert rows["b"].computed_as == rows["a"].item_id == rows["a"].computed_as


def test_content_known_from_an_earlier_batch_is_a_duplicate(batches) -> None:
    first = batches.settle({"a": b"same"})
    rows = batches.settle({"b": b"same"})
    assert rows["b"].outcome is EntryOutcome.DUPLICATE
    assert rows["b"].computed_as == first["a"].item_id


def test_a_touched_file_is_unchanged_and_a_changed_one_accepted_again(batches) -> None:
    batches.settle({"a": b"one", "b": b"two"})
    rows = batches.settle({"a": b"one", "b": b"three"})
    assert outcomes(rows) == {"a": "unchanged", "b": "accepted"}


def test_a_file_that_left_one_address_and_came_at_another_has_moved(batches) -> None:
    first = batches.settle({"a": b"one"})
    rows = batches.settle({"a": None, "b": b"one"})
    assert outcomes(rows) == {"a": "gone", "b": "moved"}
    assert rows["b"].computed_as == first["a"].item_id


def test_a_copy_is_not_a_move_while_the_original_stands(batches) -> None:
    batches.settle({"a": b"one", "b": b"one"})
    assert outcomes(batches.settle({"a": None, "c": b"one"}))["c"] == "duplicate"


def test_a_batch_settled_again_says_the_same(batches) -> None:
    files = {"a": b"one", "b": b"two", "c": b"one"}
    first = batches.settle(files, "b001")
    batches.settle({"d": b"two"}, "b002")
    assert batches.settle(files, "b001") == first


def test_content_that_its_first_holder_lost_is_offered_again_to_the_next(batches) -> None:
    """A batch dies, its file changes, its rerun no longer computes what another relies on."""
    batches.settle({"a": b"one"}, "b001")
    batches.settle({"b": b"one"}, "b002")
    assert batches.index.orphans() == set()
    batches.settle({"a": b"changed"}, "b001")
    assert batches.index.orphans() == {item_id("b")}
    rows = batches.settle({"b": b"one"}, "b003")
    assert outcomes(rows) == {"b": "accepted"}
    batches.index.adopt([item_id("b")])
    assert batches.index.orphans() == set()


def test_content_released_by_its_batch_is_offered_again(batches) -> None:
    rows = batches.settle({"a": b"one", "b": b"one"}, "b001")
    batches.settle({"c": b"one"}, "b002")
    batches.index.release("b001", [rows["a"].content_hash])
    assert batches.index.orphans() >= {item_id("b"), item_id("c")}
    batches.index.release("b002", [rows["a"].content_hash])


def test_content_that_changed_since_the_listing_is_superseded() -> None:
    held = Held({"a": b"longer now"}, time=2)
    (found,) = examine(entry("a", b"listed"), held, 1000)
    assert (found.superseded, found.reason) == (True, None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", RejectReason.EMPTY),
        (b"\x00\x01\x02", RejectReason.BINARY),
        (b"\xff\xfa" * 50, RejectReason.UNDECODABLE),
        (b"x" * 1001, RejectReason.TOO_LARGE),
    ],
)
def test_content_that_is_no_text_is_rejected_with_a_reason(batches, data, reason) -> None:
    row = batches.settle({"a": data})["a"]
    assert (row.outcome, row.reason) == (EntryOutcome.REJECTED, reason)
    assert row.detail


def test_what_cannot_be_opened_is_rejected_not_raised(batches) -> None:
    row = batches.settle_entries("b", [entry("a", b"x")], {"a": None})["a"]
    assert (row.outcome, row.reason, row.detail) == ("rejected", "vanished", "gone when read")
