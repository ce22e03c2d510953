"""The ledger of all items is what going through every manifest, row by row, tells of each."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.content import corpus_view
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import BATCH_ENTRIES, CONTENT_MANIFEST, ManifestRow
from resources.home import Home
from tests.rows import row

_SOURCES = ("memory://one", "memory://two")
_OUTCOMES = (EntryOutcome.ACCEPTED, EntryOutcome.REJECTED, EntryOutcome.UNCHANGED)
_ROW = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "é"]),
    st.none() | st.sampled_from(["h1", "h2", "h3"]),
    st.sampled_from(_OUTCOMES),
    st.none() | st.integers(1, 3),
)
_BATCHES = st.lists(
    st.tuples(st.sampled_from(_SOURCES), st.lists(_ROW, unique_by=lambda one: one[0], max_size=5)),
    max_size=6,
)


def manifest_rows(batch: str, source: str, rows) -> list[ManifestRow]:
    return [
        row(
            ManifestRow,
            batch=batch,
            item_id=f"{source[-3:]}{name}",
            entry_id=f"{source[-3:]}{name}",
            address=f"{source}/{name}",
            path=name,
            outcome=outcome,
            content_hash=content,
            record_count=records,
        )
        for name, content, outcome, records in rows
    ]


@given(_BATCHES, st.integers(1, 4))
@settings(deadline=None)
def test_every_item_is_as_it_was_last(tmp_path_factory, made, block) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    history: dict[str, list[ManifestRow]] = {}
    for number, (source, rows) in enumerate(made):
        batch = f"20260101T0000{number:02d}Z-{number:08x}"
        entry = row(BATCH_ENTRIES.record, source=source)
        home.batches.write(batch, rows_to_arrow(BATCH_ENTRIES, [entry]))
        of_batch = manifest_rows(batch, source, rows)
        home.tables.write(CONTENT_MANIFEST, rows_to_arrow(CONTENT_MANIFEST, of_batch), batch)
        for one in of_batch:
            # a row that counts records is of their file, and no item
            if one.record_count is None:
                history.setdefault(one.item_id, []).append(one)
    usual, corpus_view._BLOCK = corpus_view._BLOCK, block
    try:
        found = current_items(home).to_pylist()
    finally:
        corpus_view._BLOCK = usual
    assert [one["item_id"] for one in found] == sorted(history)
    for one in found:
        rows_of = history[one["item_id"]]
        assert one["batch"] == rows_of[-1].batch
        assert one["first_batch"] == rows_of[0].batch
        assert one["content_hash"] == rows_of[-1].content_hash
        assert one["versions"] == len({r.content_hash for r in rows_of} - {None})
        rejected = rows_of[-1].outcome is EntryOutcome.REJECTED
        assert one["state"] == ("rejected" if rejected else "present")
