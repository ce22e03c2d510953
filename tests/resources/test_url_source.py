"""Stores behind URLs: memory, an S3-compatible server, and a server that never answers."""

import socket
import threading
from datetime import UTC, datetime

import fsspec
import pytest

from orchestration_assets.schemas.enums import RejectReason
from resources.content_source import ContentError, SourceError, open_source

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
        ("ftp://user:secret@host/x", "password"),
        ("zip://a.txt::file:///x.zip", "chained"),
        ("nonsense://x", "fsspec URL"),
    ],
)
def test_urls_that_must_not_be_sources_say_why_and_keep_secrets(url, words) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        open_source(url)
    assert "secret" not in str(caught.value)


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
