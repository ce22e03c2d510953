"""Searching indexed batches finds what a plain look at every row finds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.explorer.batch_index import (
    DISAGREEMENT_COLUMNS,
    MANIFEST_COLUMNS,
    PROFILE_COLUMNS,
    RESOLUTION_COLUMNS,
)
from orchestration_assets.explorer.gram_index import gram_index
from orchestration_assets.explorer.index_files import HomeIndex, IndexFiles
from orchestration_assets.explorer.item_search import FoundQuestion, search
from orchestration_assets.explorer.query import (
    BANDS,
    PAGE_ROWS,
    ItemOrder,
    QueryError,
    QuestionQuery,
    RiskBand,
    read_query,
)
from orchestration_assets.schemas.enums import Consequence, EntryOutcome, Status
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DISAGREEMENTS,
    RESOLUTIONS,
    DisagreementRow,
    ManifestRow,
    ReadingSummary,
    ResolutionRow,
)
from resources.table_store import TableStore
from tests.rows import row

WORDS = ("alpha", "beta", "Gamma", "délta", "00ff", "x")
RISKS = (None, 0.0, 0.05, 0.1, 0.25, 0.3, 0.9, 1.0)

questions = st.lists(
    st.tuples(
        st.sampled_from(("a", "b")),
        st.sampled_from(WORDS),
        st.sampled_from(RISKS),
        st.sampled_from((0.0, 0.2, 0.7)),
    ),
    max_size=3,
    unique_by=lambda one: one[0],
)
items = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS), questions), max_size=12)


def _write(store: TableStore, batch: str, given: Sequence[Any], first: int) -> None:
    manifest, resolutions, disagreements = [], [], []
    for number, (folder, name, asked) in enumerate(given, first):
        item = f"{number * 0x1234567890:016x}"
        path = f"{folder}/{name}-{number}"
        manifest.append(
            row(
                ManifestRow,
                batch=batch,
                item_id=item,
                path=path,
                outcome=EntryOutcome.ACCEPTED,
                content_hash=f"{number:032x}",
            )
        )
        for task, answer, risk, severity in asked:
            key = {"batch": batch, "item_id": item, "task": task, "path": path}
            other = ReadingSummary("s", Status.OK, f"{answer} other", None, None)
            readings = (ReadingSummary("r", Status.OK, answer, None, None), other)
            resolutions.append(
                row(ResolutionRow, **key, answer=answer, error_risk=risk, readings=readings)
            )
            if severity:
                disagreements.append(
                    row(
                        DisagreementRow,
                        **key,
                        service_a="r",
                        service_b="s",
                        severity=severity,
                        consequence=Consequence.OTHER_LABEL,
                    )
                )
    for table, rows in (
        (CONTENT_MANIFEST, manifest),
        (RESOLUTIONS, resolutions),
        (DISAGREEMENTS, disagreements),
    ):
        store.write(table, rows_to_arrow(table, rows), batch)


def _everything(index: HomeIndex, query: QuestionQuery) -> list[FoundQuestion]:
    """All pages of a query, one after the other."""
    found: list[FoundQuestion] = []
    while True:
        page = search(index, query)
        assert len(page.rows) <= PAGE_ROWS
        found += page.rows
        if page.after is None:
            return found
        assert len(page.rows) == PAGE_ROWS
        query = query.page_after(page.after)


def _fits(one: FoundQuestion, query: QuestionQuery) -> bool:
    texts = "\n".join((one.path, one.answer, *one.said)).lower()
    named = one.item_id, f"{int(one.item_id, 16) // 0x1234567890:032x}"
    for word in query.words:
        by_id = len(word) >= 4 and set(word) <= set("0123456789abcdef")
        if word not in texts and not (by_id and any(name.startswith(word) for name in named)):
            return False
    if query.task and one.task != query.task:
        return False
    if query.disputed and not one.severity:
        return False
    if query.pair and query.pair not in one.pairs:
        return False
    low, high = BANDS[query.band] if query.band else (-9.0, 9.0)
    return low <= (-1.0 if one.risk is None else round(one.risk, 6)) < high


@settings(max_examples=30)
@given(
    batches=st.lists(items, max_size=3),
    words=st.lists(
        st.sampled_from(("alp", "beta", "dél", "other", "0000", "zzz", "mma-1", "ma-2", "x-10")),
        max_size=2,
    ),
    task=st.sampled_from(("", "a", "b", "none of them")),
    band=st.sampled_from((None, *RiskBand)),
    disputed=st.booleans(),
    pair=st.sampled_from(("", "r / s", "s / t")),
    order=st.sampled_from(ItemOrder),
)
def test_a_search_finds_what_a_look_at_every_row_finds(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[Any],
    words: list[str],
    task: str,
    band: RiskBand | None,
    disputed: bool,
    pair: str,
    order: ItemOrder,
) -> None:
    folder = tmp_path_factory.mktemp("search")
    store = TableStore(folder / "tables")
    for number, given_items in enumerate(batches):
        _write(store, f"2026010{number}T000000Z-0000000{number}", given_items, number * 100)
    index = IndexFiles(store, folder / "index").bring_up_to_date()
    every = _everything(index, QuestionQuery())
    asked = sum(max(1, len(one[2])) for batch in batches for one in batch)
    assert len(every) == asked == len({(one.batch, one.item_id, one.task) for one in every})
    query = QuestionQuery(
        words=tuple(words), task=task, band=band, disputed=disputed, pair=pair, order=order
    )
    found = _everything(index, query)
    assert sorted(found, key=repr) == sorted((o for o in every if _fits(o, query)), key=repr)
    if order is ItemOrder.PATH:
        assert [one.path for one in found] == sorted(one.path for one in found)
    if order is ItemOrder.RISK:
        risks = [-1.0 if one.risk is None else one.risk for one in found]
        assert risks == sorted(risks, reverse=True)
    if order is ItemOrder.SEVERITY:
        assert [o.severity for o in found] == sorted((o.severity for o in found), reverse=True)
    if order is ItemOrder.NEWEST:
        assert [one.batch for one in found] == sorted((o.batch for o in found), reverse=True)


@pytest.mark.parametrize("order", ItemOrder)
def test_pages_follow_each_other_without_a_gap(tmp_path: Path, order: ItemOrder) -> None:
    store = TableStore(tmp_path / "tables")
    given_items = [
        (WORDS[n % 6], WORDS[n % 5], [("a", WORDS[n % 3], RISKS[n % 8], (0.0, 0.2)[n % 2])])
        for n in range(170)
    ]
    for number in range(2):
        _write(store, f"2026010{number}T000000Z-0000000{number}", given_items, number * 1000)
    index = IndexFiles(store, tmp_path / "index").bring_up_to_date()
    found = _everything(index, QuestionQuery(order=order))
    assert len(found) == 340 == len({(one.item_id, one.task) for one in found})


def test_an_index_follows_its_tables_and_survives_damage(tmp_path: Path) -> None:
    store = TableStore(tmp_path / "tables")
    batch = "20260101T000000Z-00000001"
    _write(store, batch, [("alpha", "x", [("a", "beta", 0.2, 0.0)])], 1)
    files = IndexFiles(store, tmp_path / "index", clock=iter(range(0, 10_000, 10)).__next__)
    assert len(files.bring_up_to_date().batches) == 1
    _write(store, batch, [("gone", "x", []), ("new", "x", [])], 5)
    # until it is indexed again, nothing of what it held is shown
    assert files.current.batches == ()
    assert files.current.waiting == 1
    assert {one.path for one in _everything(files.bring_up_to_date(), QuestionQuery())} == {
        "gone/x-5",
        "new/x-6",
    }
    for path in (tmp_path / "index").glob("*.arrow"):
        path.write_bytes(path.read_bytes()[:100])
    again = IndexFiles(store, tmp_path / "index")
    assert len(_everything(again.bring_up_to_date(), QuestionQuery())) == 2
    for place in range(0, 4000, 41):
        for path in (tmp_path / "index").glob("*.arrow"):
            data = bytearray(path.read_bytes())
            data[place * 7 % len(data)] ^= 0xFF
            path.write_bytes(data)
        damaged = IndexFiles(store, tmp_path / "index")
        assert len(_everything(damaged.bring_up_to_date(), QuestionQuery())) == 2
    for table in (CONTENT_MANIFEST, RESOLUTIONS, DISAGREEMENTS):
        store.forget(table.name, batch)
    assert again.bring_up_to_date().batches == ()
    assert not list((tmp_path / "index").glob("*.arrow"))


def test_the_columns_that_are_read_are_those_of_the_tables() -> None:
    for table, columns in (
        (CONTENT_MANIFEST, MANIFEST_COLUMNS),
        (CONTENT_PROFILES, PROFILE_COLUMNS),
        (RESOLUTIONS, RESOLUTION_COLUMNS),
        (DISAGREEMENTS, DISAGREEMENT_COLUMNS),
    ):
        assert set(columns) <= set(table.schema.names)


@given(
    texts=st.lists(st.text(alphabet="abcdé \n", max_size=30), max_size=40),
    empty=st.integers(0, 20),
    word=st.text(alphabet="abcdé", min_size=1, max_size=8),
)
def test_no_item_that_holds_a_word_is_passed_over(texts: list[str], empty: int, word: str) -> None:
    column, items = pa.array(texts, pa.string()), len(texts) + empty
    found = gram_index([(column, np.arange(len(texts)))], items).candidates(word)
    holding = {place for place, text in enumerate(texts) if word in text}
    assert found is None or holding <= set(found.tolist())
    if found is not None:
        assert len(set(found.tolist())) == len(found)


def test_a_rare_word_leaves_few_items_to_look_at() -> None:
    texts = [f"the same text for all, number {number:04d}" for number in range(1000)]
    index = gram_index([(pa.array(texts), np.arange(1000))], 1000)
    found = index.candidates("0123")
    assert found is not None
    assert 123 in found.tolist()
    assert len(found) < 20
    assert index.candidates("same") is None
    assert index.candidates("nowhere").tolist() == []


@pytest.mark.parametrize(
    ("given_parameters", "field"),
    [
        ({"q": "a" * 201}, "q"),
        ({"q": "a b c d e f g h i"}, "q"),
        ({"task": "a" * 201}, "task"),
        ({"risk": "enormous"}, "risk"),
        ({"sort": "size"}, "sort"),
        ({"after": "../../etc/passwd"}, "after"),
        ({"after": "1.5:x"}, "after"),
        ({"after": "--:b:1"}, "after"),
        ({"after": "1e308:b:1"}, "after"),
    ],
)
def test_what_is_no_query_is_refused_with_its_field(
    given_parameters: dict[str, str], field: str
) -> None:
    with pytest.raises(QueryError, match=f"^{field}: "):
        read_query(given_parameters)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "q": st.text(max_size=60),
            "task": st.text(max_size=20),
            "sort": st.sampled_from(ItemOrder),
            "risk": st.sampled_from(RiskBand),
            "disputed": st.sampled_from(("1", "0", "")),
        },
    )
)
def test_a_query_reads_its_own_address(parameters: dict[str, str]) -> None:
    try:
        query = read_query(parameters)
    except QueryError:
        return
    assert read_query(query.parameters()) == query


def test_who_only_reads_removes_no_index(tmp_path: Path) -> None:
    """A worker that listed the batches before a new one came must not remove its new index."""
    store = TableStore(tmp_path / "tables")
    reader = IndexFiles(store, tmp_path / "index")
    new = tmp_path / "index" / "20260101T000000Z-00000000.items.arrow"
    new.parent.mkdir()
    new.write_bytes(b"")
    assert reader.current.batches == ()
    assert new.exists()
    IndexFiles(store, tmp_path / "index").bring_up_to_date()
    assert not new.exists()


def test_a_damaged_table_hides_neither_its_batch_nor_the_other_tables(tmp_path: Path) -> None:
    store = TableStore(tmp_path / "tables")
    batch = "20260101T000000Z-00000001"
    _write(store, batch, [("alpha", "x", [("a", "beta", 0.2, 0.7)])], 1)
    for table in (CONTENT_MANIFEST, RESOLUTIONS, DISAGREEMENTS):
        path = store.path(table.name, batch)
        whole = path.read_bytes()
        path.write_bytes(whole[:50])
        found = IndexFiles(store, tmp_path / "index").bring_up_to_date()
        (held,) = found.batches
        assert found.waiting == 0
        assert held.facts.damaged == (table.name,)
        assert table.name in held.facts.damage and "--reprocess" in held.facts.damage
        assert len(_everything(found, QuestionQuery())) == (table is not CONTENT_MANIFEST)
        path.write_bytes(whole)
        (mended,) = IndexFiles(store, tmp_path / "index").bring_up_to_date().batches
        assert mended.facts.damage == ""
