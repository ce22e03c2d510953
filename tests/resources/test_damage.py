"""Files of a home that are no longer what was written: one error with the remedy, or healed."""

import os
import random
from importlib import import_module

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.errors import (
    DamagedFileError,
    OrchestrationError,
    UnwritableError,
    error_names,
)
from orchestration_assets.schemas.tables import (
    BATCH_ENTRIES,
    CALL_LOG,
    DISAGREEMENT_REPORT,
    INTERPRETATIONS,
    RESOLUTIONS,
)
from resources.content_index import ContentIndex, Holding
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.tier import TierError
from resources.home import Home
from resources.table_store import (
    TableMissingError,
    parquet_bytes,
    read_parquet,
    write_atomically,
)
from tests.fuzzing import fuzz

TABLE = pa.table(
    {
        "number": list(range(2000)),
        "text": [f"a text {n % 7}" for n in range(2000)],
        "half": [0.5] * 2000,
    }
)


def damaged(data: bytes, kind: str, seed: int) -> bytes:
    """The bytes as a broken disk, a killed copy or another program leaves them."""
    chance = random.Random(seed)
    middle = len(data) // 3
    return {
        "empty": b"",
        "truncated": data[: len(data) // 2],
        "zeroed": bytes(len(data)),
        "random": chance.randbytes(len(data)),
        "middle": data[:middle] + chance.randbytes(middle) + data[2 * middle :],
        "foreign": b"something else\n",
    }[kind]


KINDS = ("empty", "truncated", "zeroed", "random", "middle", "foreign")


@fuzz
@given(st.data())
def test_a_table_that_was_overwritten_is_refused_or_as_it_was(tmp_path_factory, data) -> None:
    whole = parquet_bytes(TABLE)
    start = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.binary(min_size=1, max_size=64))
    path = tmp_path_factory.getbasetemp() / "fuzzed.parquet"
    cut = data.draw(st.booleans())
    path.write_bytes(whole[:start] if cut else whole[:start] + other + whole[start + len(other) :])
    try:
        found = read_parquet(path)
    except DamagedFileError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        # what no checksum covers are names and statistics: the values are those that were stored
        for before, after in zip(TABLE.columns, found.columns, strict=False):
            if before.type == after.type and len(before) == len(after):
                assert before.equals(after)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_table_and_record_name_file_and_remedy(tmp_path, kind) -> None:
    tables, batches = Home(tmp_path).tables, Home(tmp_path).batches
    tables.write(DISAGREEMENT_REPORT, DISAGREEMENT_REPORT.schema.empty_table(), "b1")
    path = tables.path(DISAGREEMENT_REPORT.name, "b1")
    path.write_bytes(damaged(path.read_bytes(), kind, 1))
    with pytest.raises(DamagedFileError, match=r"b1\.parquet: .*--reprocess"):
        tables.read(DISAGREEMENT_REPORT.name, "b1")
    assert not tables.is_whole(DISAGREEMENT_REPORT.name, "b1")
    write_atomically(tmp_path / "batches" / "b1.parquet", path.read_bytes())
    for read in (batches.read, batches.source):
        with pytest.raises(DamagedFileError, match=r"b1\.parquet: .*files in again") as caught:
            read("b1")
    batches.set_aside(caught.value)
    assert batches.recorded() == []
    assert (tmp_path / "batches" / "b1.parquet.damaged").exists()


def test_what_stands_in_the_place_of_a_table_is_no_table(tmp_path) -> None:
    tables = Home(tmp_path).tables
    folder = tmp_path / "tables" / "resolutions"
    (folder / "folder.parquet").mkdir(parents=True)
    os.mkfifo(folder / "pipe.parquet")
    pq.write_table(pa.table({"a": [1]}), folder / "other.parquet")
    empty = RESOLUTIONS.schema.empty_table()
    numbers = empty.set_column(
        empty.schema.get_field_index("task"), "task", pa.array([], pa.int64())
    )
    pq.write_table(numbers, folder / "types.parquet")
    for batch, words in (
        ("folder", "move it away"),
        ("pipe", "no regular file"),
        ("other", "of another version"),
        ("types", "task of another type"),
    ):
        with pytest.raises(DamagedFileError, match=words):
            tables.read(RESOLUTIONS.name, batch)
    with pytest.raises(TableMissingError):
        tables.read(RESOLUTIONS.name, "none")
    assert tables.read_batches(RESOLUTIONS, tables.batches(RESOLUTIONS.name)).num_rows == 0


@pytest.mark.parametrize("table", [BATCH_ENTRIES, CALL_LOG, *INTERPRETATIONS.values()])
def test_nulls_where_values_are_declared_are_damage(tmp_path, table) -> None:
    tables, batches = Home(tmp_path).tables, Home(tmp_path).batches
    nulls = pa.table([pa.nulls(2, field.type) for field in table.schema], table.schema.names)
    path = tables.path(table.name, "b1")
    write_atomically(path, parquet_bytes(nulls))
    write_atomically(tmp_path / "batches" / "b1.parquet", parquet_bytes(nulls))
    with pytest.raises(DamagedFileError, match=r"b1\.parquet: .*no value in a row of"):
        tables.read(table.name, "b1")
    assert tables.read_batches(table, ["b1"]).num_rows == 0
    for read in (batches.read, batches.source) if table is BATCH_ENTRIES else ():
        with pytest.raises(DamagedFileError, match=r"no value in a row of"):
            read("b1")


def test_one_damaged_batch_is_left_out_of_what_is_folded_and_said_once(tmp_path, caplog) -> None:
    tables = Home(tmp_path).tables
    for batch in ("b1", "b2", "b3"):
        tables.write(RESOLUTIONS, RESOLUTIONS.schema.empty_table(), batch)
    tables.path(RESOLUTIONS.name, "b2").write_bytes(b"PAR1")
    for _ in range(2):
        assert len(list(tables.intact(RESOLUTIONS.name))) == 2
    assert caplog.text.count("b2.parquet") == 1


def holding(item: str, content: str) -> Holding:
    return Holding(item * 8, item * 8, "00" * 8, 0, content * 16, computes=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_content_index_is_set_aside_and_made_again(tmp_path, kind) -> None:
    """Before it is mapped: a page beyond the end of a mapped file kills the process."""
    made = tmp_path / "made"
    index = ContentIndex(made)
    for n in range(200):
        index.include(f"b{n:03}", [holding(f"{n % 256:02x}", "aa")])
    data = (made / "data.mdb").read_bytes()
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "data.mdb").write_bytes(damaged(data, kind, 2))
    for attempt in range(3):
        try:
            again = ContentIndex(folder)
            known = again.included()
            again.include("new", [holding("cc", "bb")])
            break
        except OrchestrationError as error:
            assert str(folder / "data.mdb") in str(error)
            assert attempt < 2
    assert "new" in again.included()
    assert known <= {f"b{n:03}" for n in range(200)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_cache_of_answers_is_begun_anew(tmp_path, kind) -> None:
    made = LmdbStore(tmp_path / "made")
    made.put_many({f"key{n}": b"x" * 300 for n in range(500)})
    folder = tmp_path / "damaged"
    folder.mkdir()
    data = (tmp_path / "made" / "data.mdb").read_bytes()
    (folder / "data.mdb").write_bytes(damaged(data, kind, 3))
    store = LmdbStore(folder)
    for attempt in range(3):
        try:
            found = store.get_many(f"key{n}" for n in range(500))
            assert set(found.values()) <= {b"x" * 300}
            store.put_many({"new": b"y"})
            break
        except TierError as error:
            assert str(folder) in str(error)
            assert attempt < 2
    assert store.get_many(["new"]) == {"new": b"y"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"memory": 1}', '{"memory": {"hits": "x"}}', "\0"]
)
def test_damaged_counts_of_the_cache_are_left_out(tmp_path, text) -> None:
    path = tmp_path / "cache" / "uses" / "content_profiles" / "b1.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert not [tiers for _, _, tiers in Home(tmp_path).cache_uses.read() if tiers]


def test_a_folder_in_the_place_of_a_file_is_said_with_the_remedy(tmp_path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "inside").touch()
    with pytest.raises(UnwritableError, match=r"cannot write .*there: .*move it away"):
        write_atomically(tmp_path / "there", b"x")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["there"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnwritableError, match="stands where a folder belongs"):
        write_atomically(tmp_path / "file" / "below", b"x")


def test_all_errors_that_people_read_are_of_one_tree() -> None:
    for module in (
        "orchestration_assets.command.explain",
        "orchestration_assets.command.replay",
        "orchestration_assets.command.run",
        "orchestration_assets.content.verdict_folder",
        "orchestration_assets.policy.pinned_policy",
        "resources.model_registry",
        "resources.dask_cluster",
    ):
        import_module(module)
    wanted = (
        "ArtefactError ClusterError DamagedFileError FeedbackFolderError NothingRecordedError "
        "PinnedPolicyError PolicyError RunFailedError SourceError TableMissingError TierError "
        "UnknownItemError UnwritableError VerdictFileError"
    )
    assert set(wanted.split()) <= error_names().keys()
