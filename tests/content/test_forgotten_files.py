"""Lines of files that people fill in: taken out or made blank, everything else byte for byte."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.forgotten_files import blank_lines, without_lines

_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=20)


def sheet(rows: list[list[str]], encoding: str) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows([["item", "note"], *rows])
    return sink.getvalue().encode(encoding)


@given(st.lists(_CELLS), st.lists(_CELLS, min_size=1), st.sampled_from(["utf-8-sig", "utf-16"]))
def test_rows_with_cells_over_several_lines_go_whole(others, secrets, encoding) -> None:
    kept = [["other", cell] for cell in others]
    mixed = [*kept, *(["SECRET", cell] for cell in secrets)]
    data = sheet(mixed, encoding)
    left, count = without_lines(data, lambda line: "SECRET" in line)
    secret_notes = sum("SECRET" in cell for cell in others)
    assert count == len(secrets) + secret_notes
    read = list(csv.reader(io.StringIO(left.decode(encoding), newline="")))
    assert [row for row in read[1:] if row] == [row for row in kept if "SECRET" not in row[1]]
    blank, same = blank_lines(data, lambda line: "SECRET" in line)
    assert same == count and len(blank) == len(data)
    assert "SECRET" not in blank.decode(encoding)


def test_json_lines_and_broken_bytes_are_left_as_they_are() -> None:
    data = b'{"a": "SECRET \\" x"}\n{"b": "\xff it"}\n\n'
    assert without_lines(data, lambda line: "SECRET" in line) == (b'{"b": "\xff it"}\n\n', 1)
    assert without_lines(data, lambda line: "nothing" in line) == (data, 0)
    left, _ = blank_lines(data, lambda line: "SECRET" in line)
    assert len(left) == len(data) and left.endswith(b'{"b": "\xff it"}\n\n')
    # the first line of a CSV file names its columns: it is not about an item
    assert without_lines(b"SECRET,b\n1,2\n", lambda line: "SECRET" in line)[1] == 0
