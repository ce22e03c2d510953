"""What a machine has after a pull that was stopped, or that met another machine at work."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration_assets.knowledge.corpus import refresh_corpus
from orchestration_assets.knowledge.retrieval import CorpusReader
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_LEDGER, LedgerRow
from resources import bucket_copy, table_parts
from resources.bucket import Bucket
from resources.bucket_copy import BucketCopy
from resources.copy_index import CopyIndex
from resources.home import Home
from resources.home_store import copy_of_store, use_store
from resources.maintenance import maintaining
from tests.rows import row
from tests.servers import s3_server

DOORS = (
    (bucket_copy, "write_atomically"),
    (bucket_copy, "_unlink"),
    (Bucket, "get"),
    (Bucket, "delete_if_unchanged"),
    (CopyIndex, "set"),
    (CopyIndex, "forget"),
)


class Killed(BaseException):
    """What a kill leaves of the process: what is on the disk and in the store."""


@pytest.fixture(scope="module")
def server():
    with s3_server() as running:
        yield running


@pytest.fixture
def url(server, request) -> str:
    return f"s3://bucket/{request.node.name}"


def opened(folder: Path, url: str) -> Home:
    use_store(folder, url)
    return Home(folder)


def items(*numbers: int) -> pa.Table:
    return rows_to_arrow(CONTENT_LEDGER, [row(LedgerRow, item_id=f"{n:016x}") for n in numbers])


def ledger(home: Home) -> list[int]:
    return [int(one, 16) for one in home.tables.read(CONTENT_LEDGER.name)["item_id"].to_pylist()]


@contextmanager
def killed_at(number: int) -> Iterator[Callable[[], bool]]:
    """Ends the block at that step of any door; what it yields says whether there was such a one."""
    steps = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > number:
                raise Killed
            return real(*given, **named)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in DOORS:
            patch.setattr(owner, name, counted(getattr(owner, name)))
        with suppress(Killed):
            yield lambda: steps > number


@pytest.mark.slow
def test_a_pull_that_is_killed_at_any_step_leaves_the_table_of_before_or_of_now(
    tmp_path, url
) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    kept = "ab" * 16
    one.content.keep(kept, b"kept")
    assert other.content.kept(kept) == b"kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_parts, "PART_ROWS", 2)
        one.tables.write(CONTENT_LEDGER, items(0, 1, 2, 3))
    use_store(other.folder, url)
    # what was two parts is one
    one.tables.write(CONTENT_LEDGER, items(0, 1, 2, 3, 4))
    with maintaining(one, "forget"):
        one.content.forget(kept)
        (one.forgotten / "item.json").write_bytes(b"{}")
    seen = []
    for number in range(100):
        again = tmp_path / f"again-{number}"
        shutil.copytree(other.folder, again)
        copy = copy_of_store(again)
        assert copy is not None
        with killed_at(number) as was_killed:
            copy.pull()
        home = Home(again)
        seen.append(len(ledger(home)))
        copy.pull()
        # the next one ends it, also where a kill came after the news of what was forgotten
        assert not home.content.path(kept).exists()
        assert ledger(home) == [0, 1, 2, 3, 4]
        assert len(home.tables.batches(CONTENT_LEDGER.name)) == 1
        if not was_killed():
            break
    assert (set(seen), seen[0], seen[-1]) == ({4, 5}, 4, 5)
    assert seen == sorted(seen)


def test_a_removal_that_is_killed_at_any_step_brings_nothing_back(tmp_path, url) -> None:
    one = opened(tmp_path / "one", url)
    for number in range(100):
        path = one.policies / f"p{number}.json"
        one.files.write(path, b"secret")
        with killed_at(number) as was_killed:
            one.files.remove(path)
        copy = copy_of_store(one.folder)
        assert copy is not None
        if number:
            # what was begun is taken up by whatever comes next
            copy.pull()
        copy.push()
        stored = copy.bucket.get(f"policies/{path.name}")
        assert (stored is not None) == (number == 0) == path.exists()
        if not was_killed():
            break
    assert number > 1


def test_a_table_that_is_written_under_a_pull_is_whole(tmp_path, url, monkeypatch) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    one.tables.write(CONTENT_LEDGER, items(0, 1))
    fetch = Bucket.get
    met = []

    def get(bucket: Bucket, key: str) -> object:
        if key.startswith("tables/") and not met:
            met.append(key)
            one.tables.write(CONTENT_LEDGER, items(0, 1, 2))
        return fetch(bucket, key)

    monkeypatch.setattr(Bucket, "get", get)
    use_store(other.folder, url)
    assert met
    assert ledger(other) == [0, 1, 2]


@pytest.mark.slow
def test_knowledge_that_another_machine_removed_is_made_again_where_it_was(tmp_path, url) -> None:
    """The same documents have the same names of segments and versions, which the machine that
    indexed them first may still have."""
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    page = tmp_path / "source" / "page.md"
    page.parent.mkdir()
    config = KnowledgeConfig(source=str(page.parent))

    def refreshed(home: Home, words: str) -> str:
        page.write_text(f"# Page\n\nThe lamp is {words}.\n")
        opened(home.folder, url)
        return refresh_corpus(home.knowledge, "lamps", config, datetime.now(UTC)).version

    def remove() -> None:
        with maintaining(one, "tidy"):
            one.knowledge.remove_version("lamps", first)
            for segment in one.knowledge.segments("lamps"):
                if segment not in named:
                    one.knowledge.remove_segment("lamps", segment)

    first = refreshed(other, "red")
    second = refreshed(one, "green")
    named = set(one.knowledge.documents("lamps", second)["segment"].to_pylist())
    opened(other.folder, url)
    assert other.knowledge.current("lamps") == second
    remove()
    assert refreshed(other, "red") == first
    opened(one.folder, url)
    for home in (one, other, opened(tmp_path / "third", url)):
        assert home.knowledge.current("lamps") == first
        (found,) = CorpusReader(home.knowledge, "lamps", first).search("the lamp", 3)
        assert "red" in found.text


def test_kept_content_that_another_machine_tidied_is_stored_again(tmp_path, url) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    kept = "ab" * 16
    other.content.keep(kept, b"kept")
    with suppress(Killed), maintaining(one, "tidy"):
        one.content.forget(kept)
        raise Killed
    use_store(other.folder, url)
    other.content.keep(kept, b"kept")
    use_store(one.folder, url)
    assert one.content.kept(kept) == b"kept"


def test_what_is_removed_under_a_pull_leaves_with_the_next_one(tmp_path, url, monkeypatch) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    kept = "ab" * 16
    one.content.keep(kept, b"kept")
    assert other.content.kept(kept) == b"kept"
    fetch, met = BucketCopy._fetch, []

    def fetched(copy: BucketCopy, *given: Any, **named: Any) -> bool:
        # the other one has seen that something is being removed, and the content still there
        if copy.home == other.folder and "forgotten/removals" in given[2] and not met:
            met.append(kept)
            one.content.forget(kept)
            removing.close()
        return fetch(copy, *given, **named)

    monkeypatch.setattr(BucketCopy, "_fetch", fetched)
    with ExitStack() as removing:
        removing.enter_context(maintaining(one, "tidy"))
        use_store(other.folder, url)
    assert met
    use_store(other.folder, url)
    assert not other.content.path(kept).exists()


def test_what_leaves_while_it_is_fetched_does_not_stay(tmp_path, url, monkeypatch) -> None:
    one, other = opened(tmp_path / "one", url), opened(tmp_path / "other", url)
    kept = "ab" * 16
    one.content.keep(kept, b"kept")
    get, met = Bucket.get, []

    def got(bucket: Bucket, key: str) -> object:
        found = get(bucket, key)
        if key.startswith("content/") and not met:
            met.append(key)
            with maintaining(one, "tidy"):
                one.content.forget(kept)
            # as another process on the machine of the other one does
            copy = copy_of_store(other.folder)
            assert copy is not None
            copy.pull()
        return found

    monkeypatch.setattr(Bucket, "get", got)
    copy = copy_of_store(other.folder)
    assert copy is not None
    assert not copy.fetch(other.content.path(kept))
    assert met
    assert not other.content.path(kept).exists()
