"""Listing and reading hostile folders: everything gets an outcome, nothing hangs, nothing leaks."""

import io
import multiprocessing
import os
import socket
import tempfile
import threading
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.source_urls import address_path, file_address
from resources.content_source import FolderSource, open_source
from resources.content_source.bounded import BoundedCalls, bounded_stream

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def listed(root: Path, **patterns) -> dict[str, RejectReason | None]:
    found = FolderSource(root, **patterns).list(NOW)
    return {entry.path: entry.problem for entry in found.rows()}


@pytest.mark.parametrize("source", ["", " ", "\t\n", "local://"])
def test_nothing_is_no_source(source) -> None:
    with pytest.raises(SourceError, match=r"no source is given; write \. for this folder"):
        open_source(source)


@pytest.mark.parametrize("url", ["http://", "https://", "http:///x", "http://:80/x", "HTTP://?a=b"])
def test_a_web_source_without_a_host_is_refused(url) -> None:
    with pytest.raises(SourceError, match="it names no host"):
        open_source(url)


def test_every_kind_of_entry_is_listed_with_its_problem(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "plain.txt").write_text("x")
    (tmp_path / "outside.txt").write_text("secret")
    os.mkfifo(root / "pipe")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "up").symlink_to(root)
    (root / "out").symlink_to(tmp_path / "outside.txt")
    (root / "out_folder").symlink_to("/etc")
    (root / "inside").symlink_to("plain.txt")
    (root / "folder").mkdir()
    (root / "folder" / "deep.txt").write_text("y")
    (root / "folder_link").symlink_to("folder")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        found = listed(root)
    assert found == {
        "plain.txt": None,
        "inside": None,
        "folder/deep.txt": None,
        "pipe": RejectReason.SPECIAL_FILE,
        "socket": RejectReason.SPECIAL_FILE,
        "dangling": RejectReason.LINK_DANGLING,
        "loop": RejectReason.LINK_LOOP,
        "up": RejectReason.LINK_LOOP,
        "out": RejectReason.LINK_OUTSIDE,
        "out_folder": RejectReason.LINK_OUTSIDE,
        "folder_link": RejectReason.LINK_FOLDER,
    }


NAMES = [
    "new\nline.txt",
    'quote".txt',
    "it's.txt",
    "😀.txt",
    "percent%20.txt",
    "hash#.txt",
    "query?.txt",
    " space ",
    "-dash",
    "<b>.html",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_listed_and_read_back(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    source = FolderSource(tmp_path)
    (entry,) = source.list(NOW).rows()
    assert entry.path == name
    assert source.read(entry.address, 100).data == b"content"
    assert address_path(entry.address) == tmp_path.resolve() / name


def test_a_name_that_is_no_valid_text_survives(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with open(path, "wb") as file:  # noqa: PTH123 -- a bytes path
        file.write(b"content")
    source = FolderSource(tmp_path)
    (entry,) = source.list(NOW).rows()
    assert entry.path == "caf\\xe9.txt"
    assert entry.address.isascii()
    assert source.read(entry.address, 100).data == b"content"


def test_patterns_leave_out_names_anywhere_and_say_so(tmp_path: Path) -> None:
    for name in ("a/.git/config", "a/b/x.pyc", "a/b/x.py", "node_modules/m/i.js", "docs/x.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    source = FolderSource(tmp_path, exclude=(".git", "node_modules", "*.pyc"))
    listing = source.list(NOW)
    assert [entry.path for entry in listing.rows()] == ["a/b/x.py", "docs/x.md"]
    assert listing.excluded_by == (("*.pyc", 1), (".git", 1), ("node_modules", 1))
    assert set(listed(tmp_path, include=("docs/**",))) == {"docs/x.md"}
    assert set(listed(tmp_path, include=("**/*.{py,md}",))) == {"a/b/x.py", "docs/x.md"}


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("x")
    assert list(listed(tmp_path / "one.txt")) == ["one.txt"]


def test_a_source_that_does_not_exist_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing.*give an existing folder"):
        FolderSource(tmp_path / "missing")
    with pytest.raises(SourceError, match="fsspec URL"):
        open_source("nonsense://bucket/x")


def test_reading_refuses_what_became_something_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    source = FolderSource(tmp_path)
    (entry,) = source.list(NOW).rows()

    def reason() -> RejectReason:
        with pytest.raises(ContentError) as caught:
            source.read(entry.address, 100)
        return caught.value.reason

    (tmp_path / "a").write_text("x" * 200)
    assert reason() is RejectReason.TOO_LARGE
    (tmp_path / "a").unlink()
    assert reason() is RejectReason.VANISHED
    os.mkfifo(tmp_path / "a")
    assert reason() is RejectReason.SPECIAL_FILE
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("/etc/passwd")
    assert reason() is RejectReason.LINK_OUTSIDE


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../outside"])
def test_an_address_outside_the_source_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(ContentError, match="out of the source"):
        FolderSource(root).read(file_address(root / path), 100)


def _list_without_rights(root: Path, answer: Connection) -> None:
    """In a forked child: root may read everything, so it becomes nobody first."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    source = FolderSource(root)
    listing = source.list(NOW)
    found = {}
    for entry in listing.rows():
        try:
            source.read(entry.address, 9)
            found[entry.path] = (entry.problem, "read")
        except ContentError as error:
            found[entry.path] = (entry.problem, error.reason.value)
    answer.send((found, listing.complete))


def test_what_may_not_be_read_is_unreadable(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "closed").mkdir(parents=True)
    (root / "closed" / "inner.txt").write_text("x")
    (root / "secret.txt").write_text("x")
    (root / "open.txt").write_text("x")
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path.is_relative_to(tempfile.gettempdir()):
            path.chmod(path.stat().st_mode | 0o055)
    (root / "closed").chmod(0)
    (root / "secret.txt").chmod(0)
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    child = context.Process(target=_list_without_rights, args=(root, theirs))
    child.start()
    found, complete = mine.recv() if mine.poll(10) else ({}, None)
    child.join()
    (root / "closed").chmod(0o755)
    assert found == {
        "closed": (RejectReason.UNREADABLE, "unreadable"),
        "open.txt": (None, "read"),
        "secret.txt": (None, "unreadable"),
    }
    assert complete is False


class Steps:
    """A budget of so many questions."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spent(self, requests: int = 0) -> bool:
        self.left -= 1
        return self.left < 0


tree_names = st.lists(
    st.lists(st.sampled_from(["a", "a.b", "b", "é", "z"]), min_size=1, max_size=3).map("/".join),
    max_size=8,
    unique=True,
)


@given(tree_names, st.integers(0, 6))
def test_looks_of_any_length_see_everything_once_around(tmp_path_factory, names, steps) -> None:
    root = tmp_path_factory.mktemp("tree")
    for name in names:
        path = root / name
        # a name cannot be both a folder and a file
        if not path.exists() and not any(one.is_file() for one in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
    source = FolderSource(root)
    whole = source.list(NOW)
    assert whole.complete
    everything = {entry.path for entry in whole.rows()}
    seen: set[str] = set()
    start = ""
    for _ in range(40):
        found = source.list(NOW, Steps(steps), start)
        paths = {entry.path for entry in found.rows()}
        # what a look proves absent is absent: never one that stands there
        assert {path for path in everything if found.proves_absence(path)} <= paths
        seen |= paths
        if found.complete:
            break
        start = found.resume_at or ""
    assert seen == everything
    assert source.list(NOW, None, "b").entries.equals(whole.entries)


def test_a_call_that_hangs_is_given_up_and_a_store_that_hangs_is_left_alone() -> None:
    calls = BoundedCalls(0.05)
    never = threading.Event()
    assert calls.call(len, "four") == 4
    for _ in range(8):
        with pytest.raises(ContentError, match="did not answer") as caught:
            calls.call(never.wait)
        assert caught.value.reason is RejectReason.SLOW
    with pytest.raises(ContentError, match="not tried"):
        calls.call(len, "four")
    never.set()


def test_what_a_bounded_call_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        BoundedCalls(1).call(divmod, 1, 0)


class _Counted(io.BytesIO):
    """What was read of it, by the size of each reading."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.sizes.append(len(data))
        return data


def _bounded(data: bytes) -> tuple[_Counted, io.BufferedReader]:
    stream = _Counted(data)
    return stream, bounded_stream(stream, BoundedCalls(10), _Counted.read)


_BIG = bytes(range(256)) * (1 << 14)


@given(st.lists(st.tuples(st.integers(0, len(_BIG)), st.integers(0, 1 << 21)), max_size=12))
def test_bounded_streams_give_what_stands_there_wherever_one_looks(places) -> None:
    _, reader = _bounded(_BIG)
    for start, size in places:
        reader.seek(start)
        assert reader.read(size) == _BIG[start : start + size]


def test_short_records_far_apart_cost_little_more_than_themselves() -> None:
    stream, reader = _bounded(_BIG)
    starts = [(n * 1_234_577) % (len(_BIG) - 300) for n in range(200)]
    for start in starts:
        reader.seek(start)
        assert reader.read(300) == _BIG[start : start + 300]
    assert sum(stream.sizes) < 200 * (1 << 15)


def test_records_one_after_the_other_are_read_in_large_blocks() -> None:
    stream, reader = _bounded(_BIG)
    for start in range(0, len(_BIG), 300):
        reader.seek(start)
        reader.read(299)
    assert len(stream.sizes) < 20
    assert sum(stream.sizes) < len(_BIG) * 1.1


def test_whoever_read_leaves_no_thread_behind(tmp_path) -> None:
    (tmp_path / "a").write_text("content")
    before = {thread for thread in threading.enumerate() if thread.name == "bounded-read"}
    for closes in (False, True):
        source = FolderSource(tmp_path)
        with source.open(file_address(tmp_path.resolve() / "a")) as stream:
            assert stream.read() == b"content"
        if closes:
            source.close()
        else:
            del source, stream
        for thread in {t for t in threading.enumerate() if t.name == "bounded-read"} - before:
            thread.join(30)
            assert not thread.is_alive()
