"""Homes whose tables, batches, models and content belong to an S3-compatible store.

A real server on loopback, and real processes where several machines are meant.
"""

import asyncio
import gc
import shutil
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from aiohttp import ClientConnectionResetError
from fsspec.asyn import get_loop
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.errors import OrchestrationError, StoreAwayError
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.bucket import Bucket, StoreUrlError, bucket_url
from resources.bucket_claims import BucketClaim
from resources.bucket_copy import StoreConflictError, StrangeStoreError
from resources.claims import claim_names, claimed, claimed_unless_held, is_claimed, owner_of
from resources.derived_facts import kept_facts
from resources.home import Home
from resources.home_store import OtherStoreError, give_back, use_store
from resources.maintenance import HomeInUseError, maintaining
from tests.servers import s3_server

ROOT = Path(__file__).parents[2]
BATCH = "20260102T030405Z-00000001"
OTHER_BATCH = "20260102T030405Z-00000002"


@pytest.fixture(scope="module")
def server():
    with s3_server() as running:
        yield running


@pytest.fixture
def url(server, request) -> str:
    return f"s3://bucket/{request.node.name}"


def opened(folder: Path, url: str | None) -> Home:
    use_store(folder, url)
    return Home(folder)


def test_what_a_lost_connection_leaves_behind_is_not_printed_but_anything_else_is(
    url, caplog
) -> None:
    Bucket(url).list("tables")

    async def left(error: Exception) -> None:
        raise error

    loop = get_loop()
    for error in (ClientConnectionResetError("gone astray"), ValueError("meant to be seen")):
        asyncio.run_coroutine_threadsafe(_unawaited(left(error)), loop).result()
    assert "meant to be seen" in caplog.text
    assert "gone astray" not in caplog.text


async def _unawaited(work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    del task
    gc.collect()


EMPTY = CONTENT_MANIFEST.schema.empty_table()


def entries(words: str) -> pa.Table:
    return pa.table({"source": [words]})


def test_another_machine_finds_everything_that_a_home_keeps(tmp_path, url) -> None:
    one = opened(tmp_path / "one", url)
    one.batches.write(BATCH, entries("a"))
    one.tables.write(CONTENT_MANIFEST, EMPTY, BATCH)
    one.content.keep("ab" * 16, b"kept")
    artefact = one.models.store("calibration", {}, {"n": 1})
    one.models.promote("calibration", artefact.version)
    one.reports.mkdir()
    (one.reports / "index.html").write_text("<html></html>")
    (one.verdicts / "accepted" / "x-1").mkdir(parents=True)
    (one.verdicts / "accepted" / "x-1" / "verdicts.parquet").write_bytes(b"v")
    (one.verdicts / "mine.csv").write_text("not taken in yet")
    (one.folder / "cache" / "answers").mkdir(parents=True)
    (one.folder / "cache" / "answers" / "data.mdb").write_bytes(b"local")
    give_back(one.folder)

    other = opened(tmp_path / "other", url)
    assert other.batches.recorded() == [BATCH]
    assert other.batches.source(BATCH) == "a"
    assert other.tables.batches(CONTENT_MANIFEST.name) == [BATCH]
    assert other.models.current("calibration") == artefact.version
    assert other.models.load("calibration", artefact.version).facts == {"n": 1}
    assert (other.reports / "index.html").read_text() == "<html></html>"
    assert (other.verdicts / "accepted" / "x-1" / "verdicts.parquet").read_bytes() == b"v"
    assert not other.content.path("ab" * 16).exists()
    assert other.content.kept("ab" * 16) == b"kept"
    assert not (other.folder / "cache" / "answers").exists()
    assert not (other.verdicts / "mine.csv").exists()


def test_what_is_removed_on_one_machine_is_removed_on_the_others(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    one.tables.write(CONTENT_MANIFEST, EMPTY, BATCH)
    one.content.keep("cd" * 16, b"kept")
    artefact = one.models.store("calibration", {}, {"n": 1})
    use_store(other.folder, url)
    assert other.content.kept("cd" * 16) == b"kept"
    one.tables.forget(CONTENT_MANIFEST.name, BATCH)
    assert one.content.forget("cd" * 16)
    one.models.delete("calibration", artefact.version)
    with maintaining(other, "a test"):
        pass
    assert not other.tables.exists(CONTENT_MANIFEST.name, BATCH)
    assert other.content.kept("cd" * 16) is None
    assert other.models.versions("calibration") == []


def test_a_machine_that_was_taken_for_dead_removes_nothing_of_its_successor(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    one.files.write(one.policies / "p.json", b"one")
    use_store(other.folder, url)
    other.files.remove(other.policies / "p.json")
    other.files.write(other.policies / "p.json", b"other")
    with pytest.raises(StoreConflictError):
        one.files.remove(one.policies / "p.json")
    with pytest.raises(StoreConflictError):
        one.files.write(one.policies / "p.json", b"one again")
    use_store(one.folder, url)
    assert (one.policies / "p.json").read_bytes() == b"other"


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 3)), max_size=8))
@settings(max_examples=6, deadline=None)
def test_whatever_two_machines_do_in_turn_both_end_with_the_same_files(
    server, tmp_path_factory, steps
) -> None:
    """Steps are (machine, file, what is written; 0 removes it)."""
    folder = tmp_path_factory.mktemp("turns")
    url = f"s3://bucket/{folder.name}"
    homes = [opened(folder / name, url) for name in ("one", "other")]
    expected: dict[str, bytes] = {}
    for machine, number, words in steps:
        home, name = homes[machine], f"p{number}.json"
        with claimed(home.folder, "turn", "a step"):
            path = home.policies / name
            if words and number == 2:  # as pages are written, past the store
                home.policies.mkdir(exist_ok=True)
                path.write_bytes(b"w" * words)
            elif words:
                home.files.write(path, b"w" * words)
            else:
                home.files.remove(path)
        expected.pop(name, None)
        if words:
            expected[name] = b"w" * words
    for home in homes:
        use_store(home.folder, None)
        assert {path.name: path.read_bytes() for path in home.policies.glob("*")} == expected


def test_the_second_writer_of_a_table_is_told_and_the_first_one_stands(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    one.batches.write(BATCH, entries("one"))
    with pytest.raises(StoreConflictError, match="another machine"):
        other.batches.write(BATCH, entries("other"))
    assert other.batches.recorded() == []
    # the same bytes are the same commit, such as one whose answer was lost
    other.batches.write(BATCH, entries("one"))
    use_store(other.folder, url)
    assert other.batches.source(BATCH) == "one"


COMMIT = """
import sys
from pathlib import Path
import pyarrow as pa
from resources.bucket_copy import StoreConflictError
from resources.claims import claimed_unless_held
from resources.home import Home
from resources.home_store import use_store
home, url, what, batch = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
use_store(home, url)
print("ready", flush=True)
sys.stdin.readline()
if what == "commit":
    try:
        Home(home).batches.write(batch, pa.table({"source": [str(home)]}))
        print("won", flush=True)
    except StoreConflictError:
        print("lost", flush=True)
else:
    with claimed_unless_held(home, batch, "a test") as ours:
        print("won" if ours else "lost", flush=True)
        sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["commit", "claim"])
def test_of_four_machines_at_once_exactly_one_wins(tmp_path, server, what) -> None:
    url = f"s3://bucket/race-{what}"
    command = [sys.executable, "-c", COMMIT]
    children = [
        subprocess.Popen(
            [*command, str(tmp_path / str(n)), url, what, BATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for n in range(4)
    ]
    try:
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        outcomes = [child.stdout.readline().strip() for child in children]
        assert sorted(outcomes) == ["lost", "lost", "lost", "won"]
    finally:
        for child in children:
            child.kill()
            child.communicate()
    if what == "commit":
        late = opened(tmp_path / "late", url)
        assert late.batches.source(BATCH) == str(tmp_path / str(outcomes.index("won")))
    else:
        # the winner was killed with the claim in its hands: when its lease is over, it is free
        late = opened(tmp_path / "late", url)
        with claimed(late.folder, BATCH, "a successor") as waited:
            assert waited in (True, False)
            assert owner_of(late.folder, BATCH).what == "a successor"


def test_a_claim_of_another_machine_is_seen_waited_for_and_given_back(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    with claimed(one.folder, BATCH, "the first"):
        assert is_claimed(other.folder, BATCH)
        assert owner_of(other.folder, BATCH).what == "the first"
        with claimed_unless_held(other.folder, BATCH, "the second") as ours:
            assert not ours
        with pytest.raises(HomeInUseError, match="the first"), maintaining(other, "forget"):
            pass
        one.batches.write(BATCH, entries("a"))
    assert BATCH in claim_names(other.folder)
    assert not is_claimed(other.folder, BATCH)
    with claimed_unless_held(other.folder, BATCH, "the second") as ours:
        # whoever takes a claim sees what its owner before has done
        assert ours and other.batches.recorded() == [BATCH]


def test_a_claim_that_is_not_renewed_is_taken_over_and_its_owner_told(url, server) -> None:
    bucket = Bucket(url)
    first, second = (BucketClaim(bucket, "name", lease_s=-1.0) for _ in range(2))
    assert first.take(b"first") and second.take(b"second")
    assert not first.renew(b"first, beat 1")
    first.give_back()
    assert second.renew(b"second, beat 1")
    assert BucketClaim(bucket, "name", lease_s=1e6).owner() == b"second, beat 1"


def test_a_store_that_is_gone_is_named_and_nothing_is_lost(tmp_path, server, url) -> None:
    home = opened(tmp_path / "home", url)
    home.batches.write(BATCH, entries("a"))
    server.stop()
    try:
        for act in (
            lambda: home.tables.write(CONTENT_MANIFEST, EMPTY, BATCH),
            lambda: use_store(home.folder, url),
            lambda: give_back_changed(home),
        ):
            with pytest.raises(StoreAwayError) as refused:
                act()
            assert url in str(refused.value) and "run the same command" in str(refused.value)
            assert "\n" not in str(refused.value)
        # what is here can be read
        assert home.batches.source(BATCH) == "a"
        assert not home.tables.exists(CONTENT_MANIFEST.name, BATCH)
    finally:
        server.start()
    home.tables.write(CONTENT_MANIFEST, EMPTY, BATCH)
    give_back(home.folder)
    other = opened(tmp_path / "other", url)
    assert other.tables.exists(CONTENT_MANIFEST.name, BATCH)
    assert (other.reports / "index.html").read_text() == "new"


def give_back_changed(home: Home) -> None:
    home.reports.mkdir(exist_ok=True)
    (home.reports / "index.html").write_text("new")
    give_back(home.folder)


def test_a_full_home_moves_into_an_empty_store_and_into_no_other(tmp_path, url) -> None:
    full = Home(tmp_path / "full")
    full.batches.write(BATCH, entries("a"))
    full.content.keep("ef" * 16, b"kept")
    use_store(full.folder, url)
    assert opened(tmp_path / "copy", url).batches.recorded() == [BATCH]
    strange = Home(tmp_path / "strange")
    strange.batches.write("20260102T030405Z-00000002", entries("b"))
    with pytest.raises(StrangeStoreError, match="empty --home"):
        use_store(strange.folder, url)
    # refused, it is what it was
    assert strange.batches.recorded() == ["20260102T030405Z-00000002"]
    assert Bucket(url).get("batches/20260102T030405Z-00000002.parquet") is None
    with pytest.raises(OtherStoreError, match="belongs to"):
        use_store(full.folder, f"{url}-other")


def test_a_home_without_its_index_brings_nothing_back_that_was_removed(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    one.batches.write(BATCH, entries("a"))
    use_store(other.folder, url)
    (one.folder / ".store" / "index.db").unlink()
    use_store(one.folder, url)  # a copy of the store, byte for byte: it is known again
    (one.folder / ".store" / "index.db").unlink()
    with maintaining(other, "forget"):
        (other.folder / "batches" / f"{BATCH}.parquet").unlink()
    with pytest.raises(StrangeStoreError):
        use_store(one.folder, url)
    assert Bucket(url).get(f"batches/{BATCH}.parquet") is None


def test_what_is_derived_on_each_machine_stays_there(tmp_path, url) -> None:
    one = opened(tmp_path / "one", url)
    one.tables.write(CONTENT_MANIFEST, EMPTY, BATCH)
    other = opened(tmp_path / "other", url)
    for home in (one, other):
        found = kept_facts(home.tables, BATCH, "rows_1", [CONTENT_MANIFEST.name], lambda: {"n": 0})
        assert found == {"n": 0}
        give_back(home.folder)
    assert set(Bucket(url).list("tables")) == {f"tables/{CONTENT_MANIFEST.name}/{BATCH}.parquet"}
    assert len([*other.tables.derived.rglob("*.json")]) == 1


def test_what_was_derived_elsewhere_of_what_is_removed_goes_with_the_next_pull(
    tmp_path, url
) -> None:
    one = opened(tmp_path / "one", url)
    for batch in (BATCH, OTHER_BATCH):
        one.tables.write(CONTENT_MANIFEST, EMPTY, batch)
    other = opened(tmp_path / "other", url)
    for batch in (BATCH, OTHER_BATCH):
        tables = [CONTENT_MANIFEST.name]
        kept_facts(other.tables, batch, "rows_1", tables, lambda: {"said": "a secret"})
    with maintaining(one, "forget"):
        one.tables.path(CONTENT_MANIFEST.name, BATCH).unlink()
    use_store(other.folder, url)
    assert [path.stem for path in other.tables.derived.rglob("*.json")] == [OTHER_BATCH]


@pytest.mark.parametrize(
    "key",
    ["tables/", "tables/a/", "tables/../../out.txt", "reports/./x", "tables//x", "batches/.x/y"],
)
def test_objects_that_are_no_files_of_a_home_are_let_be(tmp_path, server, key) -> None:
    url = f"s3://bucket/strange-{key.encode().hex()}"
    one = opened(tmp_path / "one", url)
    Bucket(url).put_if_absent(key, b"strange")
    one.tables.write(CONTENT_MANIFEST, EMPTY, BATCH)
    other = opened(tmp_path / "other" / "home", url)
    opened(one.folder, url)
    assert other.tables.exists(CONTENT_MANIFEST.name, BATCH)
    assert {path.name for path in tmp_path.iterdir()} == {"one", "other"}
    assert {path.name for path in (tmp_path / "other").iterdir()} == {"home"}
    strange = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == 7]
    assert strange == []


def test_forgotten_content_leaves_every_machine_with_its_next_command(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    one.content.keep("ab" * 16, b"stays")
    for mark in (b"1", b"2"):  # an item may be forgotten again
        one.content.keep("cd" * 16, b"kept")
        use_store(other.folder, url)
        assert other.content.kept("cd" * 16) == b"kept"
        assert other.content.kept("ab" * 16) == b"stays"
        with maintaining(one, "forget"):
            one.content.forget("cd" * 16)
            one.forgotten.mkdir(exist_ok=True)
            (one.forgotten / "item.json").write_bytes(mark)
        use_store(other.folder, url)
        assert not other.content.path("cd" * 16).exists()
        assert other.content.path("ab" * 16).exists()


def test_the_cache_of_a_home_may_be_deleted_whatever_another_removed(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    one.batches.write(BATCH, entries("a"))
    use_store(other.folder, url)
    with maintaining(one, "forget"):
        (one.folder / "batches" / f"{BATCH}.parquet").unlink()
    shutil.rmtree(other.folder / "cache", ignore_errors=True)
    use_store(other.folder, url)
    assert other.batches.recorded() == []


@pytest.mark.parametrize(
    "given_url",
    ["", "s3://", "/tmp/x", "gs://bucket/x", "memory://x", "s3://user:s3cret@bucket/x", "s3:/b"],
)
def test_what_is_no_store_is_refused_in_one_line(given_url) -> None:
    with pytest.raises(OrchestrationError) as refused:
        bucket_url(given_url)
    assert isinstance(refused.value, StoreUrlError)
    assert "s3cret" not in str(refused.value) and "\n" not in str(refused.value)


def test_a_bucket_that_is_not_there_is_said(tmp_path, server) -> None:
    with pytest.raises(StoreAwayError, match="s3://no-such-bucket/x"):
        use_store(tmp_path / "home", "s3://no-such-bucket/x")


def test_a_bucket_that_is_gone_is_no_other_machine(tmp_path, server) -> None:
    filesystem = fsspec.filesystem("s3", skip_instance_cache=True)
    filesystem.mkdir("short-lived")
    home = opened(tmp_path / "home", "s3://short-lived/x")
    filesystem.rm("short-lived", recursive=True)
    with pytest.raises(StoreAwayError, match="s3://short-lived/x"):
        home.batches.write(BATCH, entries("a"))
