"""What stores say of a file's version, in their own words, as one form."""

import io
import os
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.intake import take_in
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.file_versions import (
    LATEST_NS,
    nanoseconds,
    odd_time,
    version,
    version_of,
)
from orchestration_assets.schemas.listings import Version
from orchestration_assets.schemas.policy import Content, Records
from orchestration_assets.schemas.storable_values import fits_int64
from resources.content_source import FolderSource
from resources.home import Home
from tests.fuzzing import fuzz

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MOMENT = 1445412480 * 10**9


@pytest.mark.parametrize(
    "found",
    [
        {"LastModified": datetime(2015, 10, 21, 7, 28, tzinfo=UTC)},
        {"last_modified": datetime(2015, 10, 21, 7, 28)},
        {"mtime": 1445412480},
        {"mtime": 1445412480.0},
        {"mtime": datetime(2015, 10, 21, 7, 28, tzinfo=UTC)},
        {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"},
        {"updated": "2015-10-21T07:28:00.000Z"},
        {"modify": "20151021072800"},
        {"modify": "20151021072800.000"},
        {"modificationTime": 1445412480_000},
        {"date_time": (2015, 10, 21, 7, 28, 0)},
        {"modified": "1445412480"},
        {"created": "2000-01-01T00:00:00+00:00", "modified": "2015-10-21T09:28:00+02:00"},
        {"mtime": None, "modified": "never", "created": "2015-10-21T07:28:00+00:00"},
    ],
)
def test_times_of_every_form_are_one_time(found) -> None:
    assert version_of({**found, "size": 3}) == Version(3, MOMENT, None)


SAME_SIZE_CHANGES = {
    "http, ETag": ({"ETag": '"1"'}, {"ETag": '"2"'}),
    "http, time": (
        {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"},
        {"Last-Modified": "Wed, 21 Oct 2015 07:28:01 GMT"},
    ),
    "ftp": ({"modify": "20151021072800"}, {"modify": "20151021072801"}),
    "ftp, as ls writes it": ({"modify": "Oct 21 07:28"}, {"modify": "Oct 21 07:29"}),
    "zip, sum": ({"CRC": 0, "date_time": (1980, 1, 1, 0, 0, 0)}, {"CRC": 7}),
    "zip, date": (
        {"CRC": 7, "date_time": (1980, 1, 1, 0, 0, 0)},
        {"CRC": 7, "date_time": (1980, 1, 1, 0, 0, 2)},
    ),
    "webhdfs": ({"modificationTime": 1445412480000}, {"modificationTime": 1445412480001}),
    "github": ({"sha": "aa"}, {"sha": "ab"}),
    "azure": ({"content_md5": "aa", "etag": None}, {"content_md5": "ab", "etag": None}),
    "beyond the range": ({"mtime": 10**11}, {"mtime": 10**11 + 1}),
    "digits that are no date": ({"modify": "99999999999999"}, {"modify": "99999999999998"}),
}


@pytest.mark.parametrize("store", SAME_SIZE_CHANGES)
def test_a_change_that_leaves_the_size_is_another_version(store) -> None:
    before, after = SAME_SIZE_CHANGES[store]
    assert version_of({**before, "size": 5}) != version_of({**after, "size": 5})
    assert version_of({**before, "size": 5}) == version_of({**before, "size": 5})


def test_archives_as_their_own_stores_describe_them(tmp_path: Path) -> None:
    from fsspec.implementations.tar import TarFileSystem
    from fsspec.implementations.zip import ZipFileSystem

    found = []
    for body, seconds in ((b"before", 0), (b"behind", 0), (b"behind", 2)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo("a.txt", (2015, 10, 21, 7, 28, seconds)), body)
        tarred = io.BytesIO()
        with tarfile.open(fileobj=tarred, mode="w") as archive:
            info = tarfile.TarInfo("a.txt")
            info.size, info.mtime = len(body), 1445412480 + seconds
            archive.addfile(info, io.BytesIO(body))
        tarred.seek(0)
        found.append(
            (
                version_of(ZipFileSystem(packed).info("a.txt")),
                version_of(TarFileSystem(tarred).info("a.txt")),
            )
        )
    assert len({one for one, _ in found}) == 3
    assert found[0][0].modified_ns == found[0][1].modified_ns == MOMENT
    assert found[1][1] != found[2][1]


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=7) | st.lists(inner, max_size=7).map(tuple),
    max_leaves=8,
)
keys = st.sampled_from(
    ["size", "mtime", "modify", "date_time", "modificationTime", "CRC", "created"]
)


@fuzz
@given(st.dictionaries(keys, anything))
def test_whatever_a_store_says_a_table_can_hold(found) -> None:
    one = version_of(found)
    assert fits_int64(one.size_bytes)
    assert one.size_bytes >= 0
    assert fits_int64(one.modified_ns)
    odd_time(one.modified_ns, one.etag)


@fuzz
@given(st.integers(-(10**30), 10**30), st.none() | st.text(max_size=5))
def test_times_are_clamped_and_told_and_stay_apart(moment, etag) -> None:
    one, next_one = version(1, moment, etag), version(1, moment + 1, etag)
    assert fits_int64(one.modified_ns)
    assert one != next_one
    assert (odd_time(one.modified_ns, one.etag) is None) == (0 <= moment < LATEST_NS)


def test_a_time_to_the_nanosecond_stays_what_it_is() -> None:
    assert nanoseconds(1445412480) == MOMENT
    assert nanoseconds(True) == nanoseconds(float("nan")) == nanoseconds("x") == 0


def test_files_of_other_centuries_are_taken_in_and_their_times_said(tmp_path: Path) -> None:
    root, home = tmp_path / "root", tmp_path / "home"
    root.mkdir()
    times = {
        "a.txt": 10_413_792_000,
        "b.txt": -2_177_452_800,
        "c.jsonl": 15_000_000_000,
        "d.txt": 1,
    }
    for name, seconds in times.items():
        (root / name).write_text('{"text": "some words"}\n' if name.endswith("l") else name)
        os.utime(root / name, (seconds, seconds))
    # some file systems clamp a time themselves
    real = {name: (root / name).stat().st_mtime for name in times}
    content = Content(records=(Records(files="*.jsonl", text="text"),))
    intake = take_in(Home(home), str(root), content, NOW)
    (batch,) = intake.recorded
    rows = make_manifest(Home(home), batch, content, SilentProgress()).to_pylist()
    said = {row["path"]: (row["outcome"], row["detail"]) for row in rows}
    assert said["b.txt"][0] == "accepted"
    if real["b.txt"] < 0:
        assert said["b.txt"][1].startswith("its time, 1901-")
        assert said["b.txt"][1].endswith(", lies before 1970")
    assert said["d.txt"] == ("accepted", None)
    assert said["c.jsonl#1"] == ("accepted", None)
    if real["a.txt"] == times["a.txt"]:
        words = "its time, 2300-01-01, lies outside 1677-2262: recorded as 2262-04-11"
        assert said["a.txt"] == ("accepted", words)
        assert said["c.jsonl"][0] == "unpacked"
        assert said["c.jsonl"][1].startswith("1 records, each known by its text")
        assert "; its time, 2445-" in said["c.jsonl"][1]
        assert intake.notes == (f"a.txt: {words} (and 2 more files have such times)",)
        before = FolderSource(root).version(f"{intake.listing.source}/a.txt")
        os.utime(root / "a.txt", (times["a.txt"], times["a.txt"] + 1))
        assert FolderSource(root).version(f"{intake.listing.source}/a.txt") != before
