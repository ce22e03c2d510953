"""Facts about many batches in few files: found as they were kept, and gone with their batches."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG, CallRow
from orchestration_assets.text.traces import Traces, distinctive_pieces
from resources import fact_packs
from resources.derived_facts import kept_facts
from resources.fact_packs import FEWEST, LARGE_BYTES, drop_facts, pack_facts
from resources.home import Home
from resources.table_store import TableStore
from tests.rows import row

FACT = "words_1"


def store_batch(tables: TableStore, batch: str, said: str) -> None:
    rows = [row(CallRow, batch=batch, item_id="i", service=said)]
    tables.write(CALL_LOG, rows_to_arrow(CALL_LOG, rows), batch)


def told(tables: TableStore, batch: str, derived: list[str]) -> str:
    """What is kept about a batch; ``derived`` grows by its name where that was derived."""

    def derive() -> dict[str, str]:
        derived.append(batch)
        return {"said": tables.read(CALL_LOG.name, batch)["service"][0].as_py()}

    return str(kept_facts(tables, batch, FACT, (CALL_LOG.name,), derive)["said"])


def files(tables: TableStore, pattern: str) -> list[str]:
    return sorted(path.name for path in (tables.derived / FACT).glob(pattern))


@pytest.fixture
def packed(tmp_path) -> TableStore:
    """The facts of many batches, in one pack."""
    tables = Home(tmp_path).tables
    for n in range(FEWEST):
        store_batch(tables, f"b{n:02d}", f"s{n}")
        told(tables, f"b{n:02d}", [])
    pack_facts(tables)
    assert not files(tables, "*.json") and len(files(tables, "packs/*.facts")) == 1
    return tables


def test_packed_facts_are_found_until_their_tables_change(packed) -> None:
    derived: list[str] = []
    assert [told(packed, f"b{n:02d}", derived) for n in range(FEWEST)] == [
        f"s{n}" for n in range(FEWEST)
    ]
    assert derived == []
    store_batch(packed, "b03", "other")
    assert told(packed, "b03", derived) == told(packed, "b03", derived) == "other"
    assert derived == ["b03"]


@pytest.mark.parametrize("damage", ["gone", "cut", "other bytes"])
def test_a_damaged_pack_is_derived_again_and_replaced(packed, damage) -> None:
    (pack,) = (packed.derived / FACT / "packs").glob("*.facts")
    fact_packs._seen.clear()
    if damage == "gone":
        pack.unlink()
    elif damage == "cut":
        pack.write_bytes(pack.read_bytes()[:-9])
    else:
        pack.write_bytes(pack.read_bytes().replace(b"s3", b"s4"))
    derived: list[str] = []
    for n in range(FEWEST):
        assert told(packed, f"b{n:02d}", derived) == f"s{n}"
    assert len(derived) == FEWEST
    pack_facts(packed)
    again: list[str] = []
    assert told(packed, "b03", again) == "s3" and again == []


def test_what_is_dropped_stands_in_no_file(packed) -> None:
    store_batch(packed, "later", "beside")
    told(packed, "later", [])
    drop_facts(packed, ["b03", "later"])
    kept = [path.read_text() for path in packed.derived.rglob("[!.]*") if path.is_file()]
    assert kept and not any("b03" in one or "s3" in one or "beside" in one for one in kept)
    derived: list[str] = []
    assert told(packed, "b04", derived) == "s4" and derived == []
    assert told(packed, "b03", derived) == "s3" and derived == ["b03"]


def test_what_was_derived_of_tables_that_stay_is_not_dropped(packed) -> None:
    store_batch(packed, "later", "beside")
    told(packed, "later", [])
    drop_facts(packed, ["b03", "later"], [CALL_LOG.name])
    derived: list[str] = []
    assert told(packed, "b03", derived) == "s3" and told(packed, "later", derived) == "beside"
    assert derived == []


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"[1]", b'{"versions": {}}', b"null", b""])
def test_a_damaged_fact_keeps_no_other_from_being_packed(tmp_path, damage) -> None:
    tables = Home(tmp_path).tables
    for n in range(FEWEST + 1):
        store_batch(tables, f"b{n:02d}", f"s{n}")
        told(tables, f"b{n:02d}", [])
    (tables.derived / FACT / "b03.json").write_bytes(damage)
    pack_facts(tables)
    derived: list[str] = []
    assert [told(tables, f"b{n:02d}", derived) for n in (2, 3, 4)] == ["s2", "s3", "s4"]
    assert derived == ["b03"]


def test_other_facts_than_were_written_are_derived_again(tmp_path) -> None:
    tables = Home(tmp_path).tables
    for n in range(FEWEST):
        store_batch(tables, f"b{n:02d}", f"s{n}")
        told(tables, f"b{n:02d}", [])
    path = tables.derived / FACT / "b03.json"
    other = path.read_bytes().replace(b'"s3"', b'"s4"')
    path.write_bytes(other)
    assert told(tables, "b03", []) == "s3"
    path.write_bytes(other)
    pack_facts(tables)
    assert told(tables, "b03", []) == "s3"


def test_words_of_packed_facts_are_found_by_who_looks_for_them(tmp_path) -> None:
    tables = Home(tmp_path).tables
    said = "Müßiggänger erzählen\nGroßmütterchens Käsespätzle"
    for n in range(FEWEST):
        store_batch(tables, f"b{n:02d}", said)
        told(tables, f"b{n:02d}", [])
    traces = Traces(distinctive_pieces([said]))
    loose = (tables.derived / FACT / "b03.json").read_bytes()
    pack_facts(tables)
    (pack,) = (tables.derived / FACT / "packs").glob("*.facts")
    assert traces.in_bytes(pack.read_bytes()) == traces.in_bytes(loose) == set(traces.pieces)


@pytest.mark.parametrize("said", ["other", "x" * LARGE_BYTES])
def test_what_was_true_before_leaves_with_the_next_packing(packed, said) -> None:
    store_batch(packed, "b03", said)
    assert told(packed, "b03", []) == said
    pack_facts(packed)
    kept = [path.read_text() for path in packed.derived.rglob("[!.]*") if path.is_file()]
    assert not any('"s3"' in one for one in kept)
    derived: list[str] = []
    assert told(packed, "b03", derived) == said and told(packed, "b04", derived) == "s4"
    assert derived == []


def test_large_facts_and_those_of_parts_stay_files_of_their_own(tmp_path) -> None:
    tables = Home(tmp_path).tables
    for n in range(FEWEST + 2):
        store_batch(tables, f"b{n:02d}", "x")
        told(tables, f"b{n:02d}", [])
    folder = tables.derived / FACT
    (folder / "part-0a.json").write_text("{}")
    (folder / "large.json").write_text(json.dumps({"facts": "x" * LARGE_BYTES}))
    pack_facts(tables)
    assert files(tables, "*.json") == ["large.json", "part-0a.json"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), min_size=8, max_size=24))
def test_whatever_is_made_and_packed_the_facts_are_those_of_the_tables(
    tmp_path_factory, steps
) -> None:
    tables = Home(tmp_path_factory.mktemp("home")).tables
    now: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fact_packs, "FEWEST", 3)
        patched.setattr(fact_packs, "MOST_FACTS", 4)
        for number, (batch, said) in enumerate(steps):
            now[f"b{batch}"] = said
            store_batch(tables, f"b{batch}", said)
            told(tables, f"b{batch}", [])
            if number % 4 == 0:
                pack_facts(tables)
        pack_facts(tables)
    assert {one: told(tables, one, []) for one in now} == now
