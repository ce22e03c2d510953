"""Stores behind URLs: memory, an S3-compatible server, and a server that never answers."""

import socket
import threading
from datetime import UTC, datetime
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.source_urls import file_address
from resources.content_source import open_source, source_name
from tests.fuzzing import fuzz

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def s3():
    """A bucket on a real S3-compatible server; the store's client finds it by the environment."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fs = fsspec.filesystem("s3", skip_instance_cache=True)
        fs.mkdir("bucket")
        yield "s3://bucket/corpus"
    server.stop()


@pytest.fixture
def memory():
    fs = fsspec.filesystem("memory")
    yield "memory://corpus"
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


@pytest.fixture(params=["memory", "s3"])
def url(request) -> str:
    return request.getfixturevalue(request.param)


NAMES = ["a.md", "deep/er/b.py", "deep/c d#?%20.txt", "é/😀.txt"]


def fill(url: str) -> None:
    fs, root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
    for name in NAMES:
        fs.pipe_file(f"{root}/{name}", f"content of {name}".encode())


def test_what_lies_below_a_url_is_listed_and_read(url) -> None:
    fill(url)
    source = open_source(url, exclude=("er",))
    listing = source.list(NOW)
    assert listing.complete
    assert listing.excluded_by == (("er", 1),)
    assert {entry.path for entry in listing.rows()} == set(NAMES) - {"deep/er/b.py"}
    for entry in listing.rows():
        expected = f"content of {entry.path}".encode()
        found = source.read(entry.address, 100)
        assert found.data == expected
        assert (found.size_bytes, found.modified_ns) == (entry.size_bytes, entry.modified_ns)
        assert found.etag == entry.etag
        with source.open(entry.address) as stream:
            stream.seek(8)
            assert stream.read(2) == b"of"
            assert stream.readline() == expected[10:]


def test_an_object_that_changed_has_another_version(url) -> None:
    fill(url)
    source = open_source(url)
    before = {entry.path: source.version(entry.address) for entry in source.list(NOW).rows()}
    fs, root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
    fs.pipe_file(f"{root}/a.md", b"another length")
    after = {entry.path: source.version(entry.address) for entry in source.list(NOW).rows()}
    assert [path for path in before if before[path] != after[path]] == ["a.md"]
    fs.rm_file(f"{root}/a.md")
    assert "a.md" not in {entry.path for entry in source.list(NOW).rows()}


def test_one_object_is_a_source_too(url) -> None:
    fill(url)
    source = open_source(f"{url}/a.md")
    (entry,) = source.list(NOW).rows()
    assert entry.path == "a.md"
    assert source.read(entry.address, 100).data == b"content of a.md"


def test_what_is_too_large_or_gone_is_refused_with_the_reason(url) -> None:
    fill(url)
    source = open_source(url)
    with pytest.raises(ContentError) as caught:
        source.read(f"{url}/a.md", 3)
    assert caught.value.reason is RejectReason.TOO_LARGE
    with pytest.raises(ContentError) as caught:
        source.read(f"{url}/missing", 3)
    assert caught.value.reason is RejectReason.VANISHED


@pytest.mark.parametrize("path", ["/../other", "/deep/../../other", "2/a.md"])
def test_an_address_outside_the_url_is_refused(memory, path) -> None:
    with pytest.raises(ContentError, match="out of the source"):
        open_source(memory).read(memory + path, 100)


def test_what_is_not_there_is_a_source_error_never_an_empty_listing(url) -> None:
    with pytest.raises(SourceError, match="cannot list"):
        open_source(f"{url}-missing/nothing").list(NOW)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://user:s3cret@host/x", "password"),
        ("ftp://user:s3/cr#et?s3cret@host/x", "password"),
        ("FTP://user%3As3cret@host/x", "password"),
        ("http://user:s3cret@host/x", "password"),
        ("http://s3cret@host/x", "names a user"),
        ("https://host/x?a=b&access_token=s3cret", "key or signature"),
        ("https://host/x?X-Amz-Signature=s3cret&X-Amz-Date=1", "key or signature"),
        ("s3://user:s3cret@bucket/x", "password"),
        ("zip://a.txt::file:///x.zip", "chained"),
        ("simplecache::file:///etc", "chained"),
        ("filecache::http://u:s3cret@h/x", "chained"),
        ("dir::file:///etc", "chained"),
        ("memory://x::file:///etc", "chained"),
        ("reference:///etc/x.json", "give that one's URL"),
        ("generic://file:///etc", "give that one's URL"),
        ("dir:///etc", "give that one's URL"),
        ("simplecache:///etc", "what it caches"),
        ("zip:///etc/x.zip", "unpack it"),
        ("git:///etc", "check it out"),
        ("data://text/plain,hello", "write the content into a file"),
        ("nonsense://x", "fsspec URL"),
        ("python://os", "fsspec URL"),
        ("sftp://host/x", "pip install 'paramiko'"),
        ("GS://bucket/x", "pip install 'gcsfs'"),
        ("az://bucket/x", "pip install 'adlfs'"),
        ("lakefs://repo/x", "pip install 'lakefs-spec'"),
        ("wandb://repo/x", "not installed"),
        ("file://server/share", "file:///folder"),
        ("file:///etc?x=s3cret", "%3F"),
        ("http://[x/", "mend the URL"),
        ("http://host:port/", "mend the URL"),
        ("http://ho\nst/", "control characters"),
        ("ftp://127.0.0.1:1/x", "check the URL"),
        ("data:text/plain,hello", "existing folder"),
        ("git:repo", "existing folder"),
        ("~nobody_of_that_name/x", "existing folder"),
        ("nul\0byte", "existing folder"),
        ("a" * 5000, "existing folder"),
        ("local:///no/such/folder", "existing folder"),
    ],
)
def test_what_cannot_be_a_source_says_why_in_one_line_and_keeps_secrets(url, words) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(url)
    said = str(caught.value)
    assert words in said
    assert "\n" not in said
    assert "s3cret" not in said
    assert len(said) < 700
    assert isinstance(source_name(url), str)


@fuzz
@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(r"[a-zA-Z]{1,6}(://|::)[^\x00]{0,30}", fullmatch=True),
        st.builds(
            "{}://{}{}".format,
            st.sampled_from(["file", "FILE", "local", "ftpx", "zip", "dir", "generic", "abfs"]),
            st.text(max_size=10),
            st.text(max_size=20),
        ),
    )
)
def test_any_text_is_a_source_or_a_source_error(text) -> None:
    source_name(text)
    if text.lower().startswith(("http", "ftp", "s3", "hdfs", "webhdfs", "dbfs", "jlab", "jupyter")):
        return
    try:
        open_source(text)
    except SourceError as error:
        assert "\n" not in str(error)


def test_local_urls_keep_the_rules_for_links(tmp_path) -> None:
    root = tmp_path / "a %41#?[b]\n"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to("/etc")
    (root / "in.txt").write_text("in")
    names = {f"local://{root}", f"LOCAL://{root}", str(root), file_address(root)}
    assert {source_name(name) for name in names} == {file_address(root)}
    for name in sorted(names):
        source = open_source(name)
        found = {entry.path: entry for entry in source.list(NOW).rows()}
        assert {path: entry.problem for path, entry in found.items()} == {
            "in.txt": None,
            "out.txt": RejectReason.LINK_OUTSIDE,
            "out": RejectReason.LINK_OUTSIDE,
        }
        with pytest.raises(ContentError, match="out of the source"):
            source.read(found["out.txt"].address, 100)
        assert source.read(found["in.txt"].address, 100).data == b"in"


def test_a_change_that_leaves_the_size_is_noticed_in_memory(memory) -> None:
    fill(memory)
    source = open_source(memory)
    before = source.version(f"{memory}/a.md")
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/corpus/a.md", b"CONTENT of a.md")
    after = source.version(f"{memory}/a.md")
    assert before.size_bytes == after.size_bytes
    assert before != after


class Linking(MemoryFileSystem):
    """A store that has links, tells no times, and hands every option on to its client."""

    protocol = "linking"
    cachable = False
    store: ClassVar = {}
    pseudo_dirs: ClassVar = [""]

    def __init__(self) -> None:
        super().__init__()

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("linking://", "memory://"))

    def ls(self, path, detail=True, **options):
        return [{**one, "type": self._kind(one)} for one in super().ls(path, detail=True)]

    def info(self, path, **options):
        found = super().info(path)
        return {**found, "type": self._kind(found)}

    @staticmethod
    def _kind(one):
        return "link" if one["name"].endswith(".lnk") else one["type"]


def test_links_of_a_store_are_not_followed(memory) -> None:
    fsspec.register_implementation("linking", Linking, clobber=True)
    fs = Linking()
    fs.pipe_file("/corpus/a.lnk", b"secret")
    fs.pipe_file("/corpus/a.txt", b"x")
    source = open_source("linking://corpus")
    found = {entry.path: entry.problem for entry in source.list(NOW).rows()}
    assert found == {"a.lnk": RejectReason.LINK_OUTSIDE, "a.txt": None}
    with pytest.raises(ContentError) as caught:
        source.read("linking://corpus/a.lnk", 100)
    assert caught.value.reason is RejectReason.LINK_OUTSIDE


def test_a_server_that_never_answers_does_not_hang_a_worker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent: list[socket.socket] = []
        accepting = threading.Thread(target=lambda: silent.append(server.accept()[0]), daemon=True)
        accepting.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        source = open_source(url, read_seconds=0.3)
        with pytest.raises(ContentError) as caught:
            source.read(f"{url}/a.txt", 100)
        assert caught.value.reason is RejectReason.SLOW
        for connection in silent:
            connection.close()
