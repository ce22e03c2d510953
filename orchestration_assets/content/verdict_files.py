"""From the bytes of a verdict file to its rows as text, with every problem and its line."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from orchestration_assets.content.spreadsheets import as_given
from orchestration_assets.schemas.errors import OrchestrationError

FIELDS: Final = ("item", "task", "verdict", "who", "when")
OPTIONAL: Final = "content_hash"
ASKED_IN: Final = "asked_in"
CHOICES: Final = "choices"
_READ: Final = (*FIELDS, OPTIONAL, ASKED_IN, CHOICES)
_AS_TEXT: Final = ("item", "task", OPTIONAL, ASKED_IN)
MAX_BYTES: Final = 16 * 1024 * 1024
_DELIMITERS: Final = ",;\t"
# spreadsheets save "Unicode text" so, and put the separator on a line of its own
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=[,;\t]"?\r?\n', re.IGNORECASE)
_MAX_PROBLEMS: Final = 200


@dataclass(frozen=True, slots=True)
class VerdictProblem:
    """One thing that is wrong: on which line (0: the file as a whole), in which field, what."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.field}: {self.message}"


class VerdictFileError(OrchestrationError):
    """A verdict file that cannot be taken; ``problems`` lists what is wrong with it."""

    def __init__(self, file: str, problems: Iterable[VerdictProblem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__(f"{file}: " + " | ".join(str(problem) for problem in self.problems[:3]))


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One row of a verdict file, before it is understood: the ``values`` of the columns that are
    read, at least."""

    number: int
    values: Mapping[str, Any]


def collect(file: str, found: Iterable[Any]) -> list[Any]:
    """The results among results and problems. Raises VerdictFileError when there is a problem.

    Reading stops after some 200 problems: a file that is wrong throughout need not say so on
    every line.
    """
    results: list[Any] = []
    problems: list[VerdictProblem] = []
    for one in found:
        if not isinstance(one, VerdictProblem):
            results.append(one)
            continue
        problems.append(one)
        if len(problems) >= _MAX_PROBLEMS:
            problems.append(VerdictProblem(0, "file", "has more problems; these are the first"))
            break
    if problems:
        raise VerdictFileError(file, problems)
    return results


def read_lines(file: str, data: bytes) -> list[VerdictLine]:
    """The rows of a CSV or JSON Lines file, told apart by its name.

    A CSV file may be separated by commas, semicolons or tabs, and be UTF-8 or, with its byte order
    mark, UTF-16. Columns beyond those known are left alone. Raises VerdictFileError.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return collect(file, _csv_lines(data))
    if suffix in (".jsonl", ".ndjson"):
        return collect(file, _json_lines(data))
    message = (
        "has a name that ends neither in .csv (or .tsv, .txt) nor in .jsonl: save it as one of "
        "these, a workbook as CSV, and drop it again"
    )
    raise VerdictFileError(file, [VerdictProblem(0, "file", message)])


def _csv_lines(data: bytes) -> Iterator[VerdictLine | VerdictProblem]:
    wide = data.startswith(_UTF_16_MARKS)
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        yield _not_utf8(1 + data.count(b"\n", 0, error.start))
        return
    number = 1
    if separator := _SEPARATOR_LINE.match(text):
        text, number = text[separator.end() :], 2
    above, names, places = number - 1, list[str](), dict[str, int]()
    delimiter = _delimiter(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            here, number = number, rows.line_num + 1 + above
            if not any(cell.strip() for cell in row):
                continue
            if not names:
                names = _names(row)
                yield from _column_problems(names)
                places = {name: names.index(name) for name in _READ if name in names}
            elif any(place >= len(row) for place in places.values()) or any(
                cell.strip() for cell in row[len(names) :]
            ):  # spreadsheets leave out empty cells at the end of some rows, or add them
                message = f"has {len(row)} fields, the header has {len(names)}: quote what holds a "
                yield VerdictProblem(here, "file", message + f"{delimiter!r}")
            else:
                values = {name: row[place] for name, place in places.items()}
                given = {name: as_given(values[name]) for name in _AS_TEXT if name in values}
                yield VerdictLine(here, values | given)
    except csv.Error as error:
        message = f"is no valid CSV ({error}); was the file still being written?"
        yield VerdictProblem(number, "file", message)
    else:
        if not names:
            yield from _column_problems(names)


def _delimiter(text: str) -> str:
    """The delimiter under which the header has most of the known columns."""

    def known(delimiter: str) -> int:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            header = next((row for row in rows if any(cell.strip() for cell in row)), [])
        except csv.Error:  # said when the rows are read
            return 0
        return len(set(FIELDS) & set(_names(header)))

    return max(_DELIMITERS, key=known)


def _names(header: Sequence[str]) -> list[str]:
    return [name.strip().strip('"').lower() for name in header]


def _column_problems(names: Sequence[str]) -> Iterator[VerdictProblem]:
    for field in FIELDS:
        if field not in names:
            known = ", ".join(FIELDS)
            yield VerdictProblem(1, field, f"the column is missing; the header needs {known}")
    for field in _READ:
        if names.count(field) > 1:
            yield VerdictProblem(1, field, "the column is given twice: keep one of them")


def _json_lines(data: bytes) -> Iterator[VerdictLine | VerdictProblem]:
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            values = json.loads(raw.decode("utf-8"))
        except UnicodeDecodeError:
            yield _not_utf8(number)
        except (ValueError, RecursionError) as error:
            message = f"is no valid JSON ({error}); was the file still being written?"
            yield VerdictProblem(number, "file", message)
        else:
            yield from _json_line(number, values)


def _json_line(number: int, values: Any) -> Iterator[VerdictLine | VerdictProblem]:
    if not isinstance(values, dict):
        yield VerdictProblem(
            number, "file", f"is no JSON object; give one with {', '.join(FIELDS)}"
        )
        return
    missing = [field for field in FIELDS if field not in values]
    for field in missing:
        yield VerdictProblem(number, field, "is missing")
    if not missing:
        yield VerdictLine(number, values)


def _not_utf8(line: int) -> VerdictProblem:
    return VerdictProblem(line, "file", "is not UTF-8: save the file with the encoding UTF-8")
