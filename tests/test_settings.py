import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.settings import (
    SettingError,
    Settings,
    absolute_path,
    explorer_address,
    split_sources,
)
from tests.fuzzing import fuzz


def test_urls_and_folders_stand_beside_each_other_in_the_environment() -> None:
    given = {"ORCHESTRATION_SOURCES": "/data/a:s3://bucket/x:relative:file:///y"}
    assert Settings.from_environment(given).sources == (
        "/data/a",
        "s3://bucket/x",
        "relative",
        "file:///y",
    )


@pytest.mark.parametrize(
    ("given", "sources"),
    [
        ("http://h:9000/a", ["http://h:9000/a"]),
        (
            "http://h:9000/a:http://h2/b:/local/x",
            ["http://h:9000/a", "http://h2/b", "/local/x"],
        ),
        ("http://h:9000:https://h2:81/:c", ["http://h:9000", "https://h2:81/", "c"]),
        ("http://h:http://g", ["http://h", "http://g"]),
        ("http://[::1]:9000/a:/b", ["http://[::1]:9000/a", "/b"]),
        ("ftp://u:p@h:21/x:/e", ["ftp://u:p@h:21/x", "/e"]),
        ("zip://a.txt::file:///x.zip:/c", ["zip://a.txt::file:///x.zip", "/c"]),
        ("simplecache::http://h:80/x:/d", ["simplecache::http://h:80/x", "/d"]),
        ("/a:9000", ["/a", "9000"]),
        (":/a::/b:", ["/a", "/b"]),
        ("", []),
    ],
)
def test_a_colon_within_a_url_separates_nothing(given, sources) -> None:
    assert list(split_sources(given)) == sources
    found = Settings.from_environment({"ORCHESTRATION_SOURCES": given}).sources
    assert list(found) == sources


names = st.text("abc/.-é 1", min_size=1, max_size=8)
hosts = st.sampled_from(["h", "h.example.org", "10.0.0.1", "[::1]", "[fe80::2]"])
ports = st.integers(1, 65_535).map(lambda port: f":{port}") | st.just("")
urls = st.builds(
    "{}://{}{}/{}".format, st.sampled_from(["http", "https", "ftp", "s3"]), hosts, ports, names
)


@fuzz
@given(st.lists(urls | names.map(lambda name: f"/{name}"), max_size=6))
def test_what_was_joined_by_colons_is_split_again(sources) -> None:
    assert list(split_sources(":".join(sources))) == sources


@pytest.mark.parametrize("given", ["0", "often", "1.5", "-3"])
def test_how_often_to_look_must_be_whole_seconds(given) -> None:
    with pytest.raises(SettingError, match="whole seconds"):
        Settings.from_environment({"ORCHESTRATION_TICK_SECONDS": given})


def test_the_home_of_a_user_who_does_not_exist_stays_as_it_is() -> None:
    assert absolute_path("~nobody-of-that-name/home").name == "home"
    found = Settings.from_environment({"ORCHESTRATION_HOME": "~nobody-of-that-name/home"})
    assert found.home.parts[-2:] == ("~nobody-of-that-name", "home")


def test_the_address_of_the_explorer_is_checked_before_anything_is_done() -> None:
    given = {"ORCHESTRATION_EXPLORER_URL": "http://127.0.0.1:8400/"}
    assert explorer_address(given) == "http://127.0.0.1:8400"
    assert explorer_address({}) == ""
    with pytest.raises(SettingError, match="give an address such as"):
        Settings.from_environment({"ORCHESTRATION_EXPLORER_URL": "javascript:alert(1)"})
