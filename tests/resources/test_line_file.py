"""Lines that are added as work goes on: whole ones, on a full disk too."""

import resource

import pytest

from orchestration_assets.schemas.errors import UnwritableError
from resources.line_file import LineFile
from resources.table_store import LOCAL_FILES


def test_a_line_that_found_no_room_leaves_nothing_of_it(tmp_path) -> None:
    lines = LineFile(tmp_path / "lines", LOCAL_FILES)
    lines.add("first")
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most[1]))
    try:
        with pytest.raises(UnwritableError):
            lines.add("longer than there is room for")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    lines.add("second")
    assert lines.lines() == ["first", "second"]
    (tmp_path / "lines").write_bytes(b"first\nsec")
    assert lines.lines() == ["first"]
