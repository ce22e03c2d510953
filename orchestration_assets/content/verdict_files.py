"""From the bytes of a verdict file to its rows as text, with every problem and its line."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from orchestration_assets.content.spreadsheets import as_given
from orchestration_assets.schemas.errors import OrchestrationError

FIELDS: Final = ("item", "task", "verdict", "who", "when")
OPTIONAL: Final = "content_hash"
ASKED_IN: Final = "asked_in"
_IDS: Final = ("item", OPTIONAL, ASKED_IN)
MAX_BYTES: Final = 16 * 1024 * 1024
_DELIMITERS: Final = ",;\t"
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
    """One row of a verdict file, before it is understood."""

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

    Columns beyond those known are left alone. Raises VerdictFileError.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix == ".csv":
        return collect(file, _csv_lines(data))
    if suffix in (".jsonl", ".ndjson"):
        return collect(file, _json_lines(data))
    message = "has a name that ends neither in .csv nor in .jsonl: rename it, and drop it again"
    raise VerdictFileError(file, [VerdictProblem(0, "file", message)])


def _csv_lines(data: bytes) -> Iterator[VerdictLine | VerdictProblem]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield _not_utf8(1 + data.count(b"\n", 0, error.start))
        return
    delimiter, names = _header(text.partition("\n")[0])
    yield from _column_problems(names)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    try:
        for row in rows:
            here, number = number, rows.line_num + 1
            if here == 1 or not any(cell.strip() for cell in row):
                continue
            if len(row) != len(names):
                message = f"has {len(row)} fields, the header has {len(names)}: quote what holds a "
                yield VerdictProblem(here, "file", message + f"{delimiter!r}")
            else:
                values = dict(zip(names, row, strict=True))
                ids = {name: as_given(values[name]) for name in _IDS if name in values}
                yield VerdictLine(here, values | ids)
    except csv.Error as error:
        message = f"is no valid CSV ({error}); was the file still being written?"
        yield VerdictProblem(number, "file", message)


def _header(line: str) -> tuple[str, list[str]]:
    """The delimiter under which the header has most of the known columns, and the columns."""

    def split(delimiter: str) -> list[str]:
        return [name.strip().strip('"').lower() for name in line.strip().split(delimiter)]

    best = max(_DELIMITERS, key=lambda delimiter: len(set(FIELDS) & set(split(delimiter))))
    return best, split(best)


def _column_problems(names: Sequence[str]) -> Iterator[VerdictProblem]:
    for field in FIELDS:
        if field not in names:
            known = ", ".join(FIELDS)
            yield VerdictProblem(1, field, f"the column is missing; the header needs {known}")
    for field in (*FIELDS, OPTIONAL, ASKED_IN):
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
