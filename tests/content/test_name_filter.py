"""A name leads to the batches that hold it, and to hardly any other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.name_filter import (
    batches_naming,
    keep_name_filters,
    may_hold,
    name_filter,
)
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, ManifestRow
from resources.home import Home
from resources.table_store import TableStore
from tests.rows import row


@given(st.sets(st.text(max_size=9), max_size=40))
def test_every_name_that_it_was_made_of_is_held(names) -> None:
    made = name_filter(names)
    assert all(may_hold(made, name) for name in names)
    assert name_filter(sorted(names)) == made


def test_hardly_any_other_name_is_held() -> None:
    made = name_filter(f"notes/{number}.txt" for number in range(2_000))
    others = sum(may_hold(made, f"other/{number}.txt") for number in range(5_000))
    assert others < 150
    assert not may_hold(name_filter([]), "anything")


@pytest.mark.parametrize(
    "damaged", [{}, [], None, {"size": 0, "bits": ""}, {"size": 512, "bits": "A"}, {"size": "x"}]
)
def test_what_is_no_filter_may_hold_every_name(damaged) -> None:
    assert may_hold(damaged, "anything")


def store(home: Home, batch: str, *names: str) -> None:
    rows = [
        row(
            ManifestRow,
            batch=batch,
            item_id=f"id-{name}",
            entry_id=f"id-{name}",
            path=name,
            address=f"file:///source/{name}",
            outcome=EntryOutcome.ACCEPTED,
        )
        for name in names
    ]
    home.tables.write(CONTENT_MANIFEST, rows_to_arrow(CONTENT_MANIFEST, rows), batch)


def test_an_item_is_found_by_id_path_and_address_and_only_its_batches_are_read(
    tmp_path, monkeypatch
) -> None:
    home = Home(tmp_path)
    store(home, "b1", "one", "two")
    store(home, "b2", "three")
    store(home, "b3", "one")
    store(home, "b4", "four")
    keep_name_filters(home.tables)

    def naming(name: str) -> list[str]:
        return list(batches_naming(home.tables, name, CONTENT_MANIFEST.name))

    with monkeypatch.context() as patch:
        patch.setattr(TableStore, "read", None)
        for name in ("one", "id-one", "file:///source/one"):
            assert naming(name) == ["b3", "b1"]
        assert naming("five") == []
    store(home, "b2", "five")
    assert naming("five") == ["b2"]
    assert naming("three") == []
    # who reads a damaged one says so
    home.tables.path(CONTENT_MANIFEST.name, "b4").write_bytes(b"PAR1 but no table")
    assert naming("five") == ["b4", "b2"]
    assert list(batches_naming(home.tables, "one", "content_profiles")) == []
