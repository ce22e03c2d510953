"""Web servers as sources, on the loopback: folders, redirections, bodies without end."""

import gzip
import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.changes import find_changes
from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.content.intake import take_in
from orchestration_assets.content.ledger import empty_ledger
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Content, Records
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from orchestration_assets.text.index_page import below, read_index
from resources.content_source import open_source
from resources.home import Home
from tests.fuzzing import fuzz
from tests.resources.web import HTML, Answer, Web, serving

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        yield found


def listed(url: str, **options) -> dict[str, str]:
    return {entry.path: entry.address for entry in open_source(url, **options).list(NOW).rows()}


def refusal(function, *arguments) -> ContentError:
    with pytest.raises(ContentError) as caught:
        function(*arguments)
    return caught.value


def test_links_within_the_folder_are_listed_recursively_and_no_others(web) -> None:
    web.page(
        "/top/",
        "../",
        "/",
        "?C=N;O=D",
        "a.txt",
        "./a.txt",
        "a.txt#part",
        "sub/",
        f"{web.url}/top/absolute.txt",
        "http://127.0.0.1:1/top/elsewhere.txt",
        "https://example.org/top/x.txt",
        "//example.org/top/y.txt",
        "/other/z.txt",
        "/topple/z.txt",
        "sub/../../out.txt",
        "%2e%2e/out.txt",
        "mailto:a@b.c",
        "javascript:void(0)",
        "http://[broken/",
        "get.php?id=1",
        "c%20d%23%3F%2520.txt",
        "late/deep/far.txt",
    )
    web.page("/top/sub/", "../", "/top/", "b.txt", "../a.txt")
    for path in ("a.txt", "sub/b.txt", "absolute.txt", "late/deep/far.txt", "c%20d%23%3F%2520.txt"):
        web.file(f"/top/{path}", path.encode())
    source = open_source(f"{web.url}/top/")
    listing = source.list(NOW)
    paths = {entry.path: entry for entry in listing.rows()}
    assert set(paths) == {
        "a.txt",
        "absolute.txt",
        "c d#?%20.txt",
        "late/deep/far.txt",
        "sub/b.txt",
    }
    assert listing.excluded_by == (("(links with a query)", 1),)
    assert listing.complete
    for entry in listing.rows():
        assert entry.modified_ns == 1445412480 * 10**9
        found = source.read(entry.address, 100)
        assert found.data.decode() == entry.address.removeprefix(f"{web.url}/top/")
        assert (found.size_bytes, found.modified_ns) == (entry.size_bytes, entry.modified_ns)
    assert not [path for _, path in web.asked if not path.startswith("/top/") and path != "/top"]


def test_a_folder_is_known_by_its_redirection_and_patterns_hold(web) -> None:
    web.answers["/top"] = Answer(status=301, headers={"Location": "/top/"})
    web.page("/top/", "a.txt", "b.md", "skip/")
    web.page("/top/skip/", "c.txt")
    for name in ("a.txt", "b.md", "skip/c.txt"):
        web.file(f"/top/{name}", b"x")
    assert set(listed(f"{web.url}/top")) == {"a.txt", "b.md", "skip/c.txt"}
    web.asked.clear()
    assert set(listed(f"{web.url}/top", include=("**/*.txt",), exclude=("skip",))) == {"a.txt"}
    assert not [path for _, path in web.asked if "skip" in path]


def test_a_page_without_links_is_refused_in_words_an_empty_folder_is_empty(web) -> None:
    web.page("/story/", "/elsewhere", title="A story")
    with pytest.raises(SourceError, match="no links to anything below"):
        open_source(f"{web.url}/story/").list(NOW)
    web.page("/empty/", "../")
    listing = open_source(f"{web.url}/empty/").list(NOW)
    assert (listing.entries.num_rows, listing.complete) == (0, True)


def test_a_page_at_a_files_address_is_one_item(web) -> None:
    web.page("/story", "other.txt", title="A story")
    assert listed(f"{web.url}/story") == {"story": f"{web.url}/story"}
    web.answers["/api/"] = Answer(b"{}", headers={"Content-Type": "application/json"})
    assert listed(f"{web.url}/api/") == {"api": f"{web.url}/api"}
    assert open_source(f"{web.url}/api/").read(f"{web.url}/api", 9).data == b"{}"


def test_a_folder_has_one_name_with_and_without_its_slash(web) -> None:
    web.page("/top/", "a.txt")
    web.file("/top/a.txt", b"x")
    page = web.answers["/top/"]
    for without in (
        Answer(status=404),
        Answer(status=301, headers={"Location": "/top/"}),
        page,
    ):
        web.answers["/top"] = without
        looks = [open_source(f"{web.url}/{name}").list(NOW) for name in ("top", "top/", "top//")]
        assert {look.source for look in looks} == {f"{web.url}/top"}
        assert all(look.entries.equals(looks[0].entries) for look in looks)
        assert looks[0].entries["path"].to_pylist() == ["a.txt"]
    assert set(listed(f"{web.url}/top/#part")) == {"a.txt"}


def test_what_cannot_be_listed_further_down_leaves_a_hole_never_gone(web) -> None:
    web.page("/top/", "a.txt", "shut/", "page/")
    web.file("/top/a.txt", b"x")
    web.answers["/top/shut/"] = Answer(b"no", status=403)
    web.page("/top/page/", title="No index")
    listing = open_source(f"{web.url}/top/").list(NOW)
    assert {entry.path: entry.problem for entry in listing.rows()} == {
        "a.txt": None,
        "shut": RejectReason.UNREADABLE,
        "page": RejectReason.UNREADABLE,
    }
    assert not listing.complete
    assert not listing.proves_absence("shut/x")
    assert listing.proves_absence("b.txt")


def test_folders_without_end_end(web) -> None:
    page = Answer(b"<title>Index of</title><a href='down/'>d</a>", headers=dict(HTML))

    class Bottomless(dict):
        def get(self, path, default=None):
            return page if path.endswith("/") else default

    web.answers = Bottomless()
    listing = open_source(f"{web.url}/top/").list(NOW)
    assert not listing.complete
    assert listing.entries.num_rows == 1


@pytest.mark.parametrize("path", ["/../other", "/deep/../../other", "2/a.md"])
def test_an_address_outside_the_url_is_refused(web, path) -> None:
    source = open_source(f"{web.url}/top")
    for method in (lambda a: source.read(a, 9), source.version, source.open):
        assert refusal(method, f"{web.url}/top{path}").reason is RejectReason.LINK_OUTSIDE
    assert web.asked == []


def test_redirections_are_followed_within_the_host_alone(web) -> None:
    with serving() as other:
        other.file("/secret.txt", b"secret")
        web.file("/moved.txt", b"here")
        web.answers["/top/a.txt"] = Answer(status=302, headers={"Location": "/moved.txt"})
        for name, location in {
            "port": f"{other.url}/secret.txt",
            "name": f"http://localhost:{web.port}/moved.txt",
            "scheme": "file:///etc/passwd",
            "ftp": "ftp://127.0.0.1/x",
            "relative": f"//127.0.0.1:{other.port}/secret.txt",
            "broken": "http://[::1/",
        }.items():
            web.answers[f"/top/{name}"] = Answer(status=307, headers={"Location": location})
        web.answers["/top/loop"] = Answer(status=301, headers={"Location": "/top/loop"})
        web.answers["/top/user"] = Answer(
            status=302, headers={"Location": f"http://u:pw@127.0.0.1:{other.port}/secret.txt"}
        )
        web.page("/top/", "a.txt", "port", "loop")
        source = open_source(f"{web.url}/top/")
        assert {entry.path for entry in source.list(NOW).rows()} == {"a.txt", "port", "loop"}
        assert source.read(f"{web.url}/top/a.txt", 10).data == b"here"
        for name in ("port", "name", "scheme", "ftp", "relative", "user"):
            for method in (lambda a: source.read(a, 99), source.version, source.open):
                error = refusal(method, f"{web.url}/top/{name}")
                assert error.reason is RejectReason.LINK_OUTSIDE
                assert "redirected out of the source" in str(error)
                assert "pw" not in str(error)
        assert "5 times" in str(refusal(source.read, f"{web.url}/top/loop", 99))
        assert "location" in str(refusal(source.read, f"{web.url}/top/broken", 99))
        web.answers["/out/"] = Answer(status=302, headers={"Location": f"{other.url}/"})
        with pytest.raises(SourceError, match="redirected out of the source"):
            open_source(f"{web.url}/out/").list(NOW)
        assert other.asked == []


def endless() -> Iterator[bytes]:
    yield from itertools.repeat(b"x" * 65_536)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_without_end_is_read_up_to_the_limit(web, chunked) -> None:
    web.answers["/top/endless"] = Answer(endless, chunked=chunked)
    web.page("/top/", "endless")
    source = open_source(f"{web.url}/top/", measured_bytes=1_000_000)
    (entry,) = source.list(NOW).rows()
    assert entry.size_bytes == 1_000_001
    error = refusal(source.read, entry.address, 1_000_000)
    assert error.reason is RejectReason.TOO_LARGE


def test_a_body_that_only_drips_is_slow(web) -> None:
    def drip() -> Iterator[bytes]:
        while True:
            time.sleep(0.05)
            yield b"x"

    web.answers["/drip"] = Answer(drip, chunked=True)
    source = open_source(f"{web.url}/drip", read_seconds=0.3)
    assert refusal(source.read, f"{web.url}/drip", 1_000).reason is RejectReason.SLOW


def test_bodies_whose_length_is_told_late_wrongly_or_never(web) -> None:
    web.answers["/top/chunked"] = Answer(lambda: iter([b"ab", b"cd"]), chunked=True)
    web.answers["/top/closed"] = Answer(b"abcd", length=False)
    web.answers["/top/no_head"] = Answer(b"abcd", head=405)
    web.answers["/top/bad_head"] = Answer(b"abcd", head=500)
    web.answers["/top/packed"] = Answer(
        gzip.compress(b"abcd"), headers={"Content-Encoding": "gzip", "ETag": '"1"'}
    )
    web.answers["/top/file.gz"] = Answer(
        gzip.compress(b"abcd"), headers={"Content-Encoding": "x-gzip"}
    )
    web.page("/top/", "chunked", "closed", "no_head", "bad_head", "packed", "file.gz")
    source = open_source(f"{web.url}/top/")
    for entry in source.list(NOW).rows():
        found = source.read(entry.address, 99)
        packed = entry.path == "file.gz"
        assert (gzip.decompress(found.data) if packed else found.data) == b"abcd"
        assert (found.size_bytes, found.modified_ns, found.etag) == (
            entry.size_bytes,
            entry.modified_ns,
            entry.etag,
        )
        now = source.version(entry.address)
        assert (now.size_bytes, now.etag) == (entry.size_bytes, entry.etag)


def test_broken_bodies_say_what_is_wrong(web) -> None:
    web.answers["/cut"] = Answer(b"abcd", headers={"Content-Length": "9"}, length=False)
    web.answers["/brotli"] = Answer(b"abcd", headers={"Content-Encoding": "br"})
    web.answers["/half"] = Answer(
        gzip.compress(b"x" * 999)[:-9], headers={"Content-Encoding": "gzip"}
    )
    web.answers["/bad"] = Answer(b"no gzip", headers={"Content-Encoding": "gzip"})
    bomb = gzip.compress(b"\0" * 50_000_000)
    web.answers["/bomb"] = Answer(bomb, headers={"Content-Encoding": "gzip"})
    web.answers["/401"] = Answer(b"", status=401)
    source = open_source(f"{web.url}/")
    for name, words in {
        "cut": "",
        "brotli": "not asked for",
        "half": "before its end",
        "bad": "badly packed",
        "401": "401",
    }.items():
        error = refusal(source.read, f"{web.url}/{name}", 9_999)
        assert error.reason is RejectReason.UNREADABLE
        assert words in str(error)
    assert refusal(source.read, f"{web.url}/bomb", 9_999).reason is RejectReason.TOO_LARGE
    assert refusal(source.read, f"{web.url}/missing", 9).reason is RejectReason.VANISHED


@pytest.mark.parametrize("name", ["Last-Modified", "ETag", "none", "none, chunked", "Content-MD5"])
def test_a_change_that_leaves_the_size_is_noticed(web, name) -> None:
    web.page("/top/", "a.txt", "b.txt")
    facts = [{"ETag": '"1"'}, {"ETag": '"2"'}]
    if name == "Last-Modified":
        facts = [{name: f"Wed, 21 Oct 2015 07:28:0{n} GMT"} for n in (0, 1)]
    elif name != "ETag":
        facts = [{name: value} if name == "Content-MD5" else {} for value in ("aa", "bb")]
    chunked = "chunked" in name
    web.answers["/top/b.txt"] = Answer(b"same", headers=facts[0])
    looks = []
    for body, headers in zip((b"before", b"behind"), facts, strict=True):
        web.answers["/top/a.txt"] = Answer(
            (lambda body=body: iter([body])) if chunked else body, headers=headers, chunked=chunked
        )
        looks.append({e.path: e for e in open_source(f"{web.url}/top/").list(NOW).rows()})
    before, after = looks
    assert before["a.txt"].size_bytes == after["a.txt"].size_bytes == 6
    assert before["a.txt"] != after["a.txt"]
    assert before["b.txt"] == after["b.txt"]
    again = open_source(f"{web.url}/top/").list(NOW)
    assert find_changes(again, empty_ledger(again.source)).files.num_rows == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_record_files_are_read_in_parts_or_from_a_copy(web, tmp_path, ranges) -> None:
    lines = b"".join(b'{"text": "number %d is said here"}\n' % n for n in range(1000))
    web.answers["/top/a.jsonl"] = Answer(
        lines, headers={"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, ranges=ranges
    )
    web.page("/top/", "a.jsonl")
    source = open_source(f"{web.url}/top/")
    with source.open(f"{web.url}/top/a.jsonl") as stream:
        assert stream.read() == lines
        stream.seek(10)
        assert stream.read(20) == lines[10:30]
        stream.seek(-5, 2)
        assert stream.read() == lines[-5:]
    content = Content(records=(Records(files="*.jsonl", text="text"),))
    intake = take_in(Home(tmp_path), f"{web.url}/top/", content, NOW)
    (batch,) = intake.recorded
    table = make_manifest(Home(tmp_path), batch, content, SilentProgress())
    assert table["outcome"].to_pylist().count("accepted") == 1000


def test_from_a_web_folder_to_texts_and_nothing_new_at_the_second_look(web, tmp_path) -> None:
    web.page("/top/", "a.txt", "chunked.txt", "gone.txt", "away.txt", "endless.txt")
    web.file("/top/a.txt", b"one")
    web.answers["/top/chunked.txt"] = Answer(lambda: iter([b"t", b"wo"]), chunked=True)
    web.answers["/top/away.txt"] = Answer(status=301, headers={"Location": "http://127.0.0.1:1/"})
    web.answers["/top/endless.txt"] = Answer(endless, chunked=True)
    content = Content(max_bytes=200_000)
    intake = take_in(Home(tmp_path), f"{web.url}/top/", content, NOW)
    (batch,) = intake.recorded
    table = make_manifest(Home(tmp_path), batch, content, SilentProgress())
    Home(tmp_path).tables.write(CONTENT_MANIFEST, table, batch)
    rows = {row.path: row for row in CONTENT_MANIFEST.rows(table)}
    assert {path: row.outcome for path, row in rows.items()} == {
        "a.txt": "accepted",
        "chunked.txt": "accepted",
        "gone.txt": "rejected",
        "away.txt": "rejected",
        "endless.txt": "rejected",
    }
    assert rows["away.txt"].reason == "link_outside"
    assert rows["away.txt"].detail == "redirected out of the source, to http://127.0.0.1:1"
    assert rows["gone.txt"].reason == "vanished"
    assert rows["endless.txt"].reason == "too_large"
    with ContentReader(Home(tmp_path), intake.listing.source) as reader:
        assert reader.text(rows["a.txt"]) == "one"
        assert reader.text(rows["chunked.txt"]) == "two"
    assert take_in(Home(tmp_path), f"{web.url}/top/", content, NOW).recorded == ()


segments = st.text(st.characters(blacklist_categories=("Cs",)), max_size=6)


@fuzz
@given(st.lists(segments, max_size=4).map("/".join), st.sampled_from(["", "?a=b", "#c"]))
def test_whatever_is_linked_lies_below_its_folder_or_nowhere(href, tail) -> None:
    folder = "http://h/top/"
    page = read_index(f"<a href='{href.replace(chr(39), '')}{tail}'>x</a>".encode(), folder)
    for link in page.links:
        assert link.path
        assert not link.path.startswith("/")
        assert ".." not in link.path.split("/")
    found = below(folder, href)
    assert found is None or href.startswith(folder)


@fuzz
@given(st.binary(max_size=300))
def test_an_index_page_may_be_anything(page) -> None:
    read_index(b"<a href='" + page + b"'>", "http://h/top/")
    read_index(page, "http://h/top/")
