"""Which files hold records, and what their names say of format and packing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Final, Literal

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Records
from orchestration_assets.text.path_patterns import Patterns

Format = Literal["jsonl", "csv", "parquet"]
Packing = Literal["gzip", "zstd"]

_FORMATS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_PACKINGS: Final[dict[str, Packing]] = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the bytes of a CSV or JSON Lines file say of themselves.

    ``encoding`` is the one that all its records are in; None when none fits, and then only UTF-8 is
    read. ``encoding_from`` is what that rests on, or why none fits. The header stands at byte
    ``begin``, after a byte order mark and a line such as ``sep=;``.
    """

    encoding: str | None
    encoding_from: str
    delimiter: str
    begin: int = 0


@dataclass(frozen=True)
class RecordFile:
    """How the records of one file are read; ``dialect`` is None until its bytes were looked at."""

    declared: Records
    format: Format
    packing: Packing | None
    delimiter: str
    max_record_bytes: int
    dialect: Dialect | None = None

    def seen(self, dialect: Dialect) -> "RecordFile":
        """The same file after a look at its bytes."""
        return replace(self, delimiter=dialect.delimiter, dialect=dialect)

    def recorded(self) -> str:
        """The declaration as it is kept with an entry, whatever the policy says later."""
        kept = {
            "max_record_bytes": self.max_record_bytes,
            "declared": self.declared.model_dump(mode="json", exclude_defaults=True),
        }
        if self.dialect is not None:
            kept["dialect"] = asdict(self.dialect)
        return json.dumps(kept, ensure_ascii=False)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a file with a header must have."""
        one = self.declared
        needed = (one.text, one.thread, one.position, one.speaker)
        return tuple(dict.fromkeys(name for name in needed if name is not None))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, the text first."""
        one = self.declared
        of_threads = one.thread, one.position, one.speaker
        named = (one.text, one.id, one.name, *one.metadata, *of_threads)
        return tuple(dict.fromkeys(name for name in named if name is not None))


def recorded_file(recorded: str, path: str) -> RecordFile:
    """What ``RecordFile.recorded`` kept, for the file of that path."""
    kept = json.loads(recorded)
    found = record_file(Records(**kept["declared"]), path, kept["max_record_bytes"])
    return found.seen(Dialect(**kept["dialect"])) if "dialect" in kept else found


def record_file(declared: Records, path: str, max_record_bytes: int) -> RecordFile:
    """How a file of this name is read under a declaration.

    Raises ContentError when neither the name nor the declaration says its format.
    """
    name = path.lower()
    packing: Packing | None = None
    for ending, kind in _PACKINGS.items():
        if name.endswith(ending):
            name, packing = name.removesuffix(ending), kind
    format_ = declared.format or next(
        (kind for ending, kind in _FORMATS.items() if name.endswith(ending)), None
    )
    if format_ is None:
        raise ContentError(
            RejectReason.MALFORMED,
            f"declared as records ({declared.files!r}), but its name does not say its format: add "
            "`format: jsonl`, csv or parquet to content.records in the policy",
        )
    delimiter = declared.delimiter or ("\t" if name.endswith(".tsv") else ",")
    packing = None if format_ == "parquet" else packing
    return RecordFile(declared, format_, packing, delimiter, max_record_bytes)


class Declarations:
    """The record files that a policy declares; the first declaration that matches counts."""

    def __init__(self, declared: Sequence[Records], max_record_bytes: int) -> None:
        self._declared = declared
        self._max_record_bytes = max_record_bytes

    @cached_property
    def _patterns(self) -> list[tuple[Patterns, Records]]:
        return [(Patterns((one.files,)), one) for one in self._declared]

    def find(self, path: str) -> RecordFile | None:
        """How the records of a path are read, or None when it is a file like any other.

        Raises ContentError when its format is unknown.
        """
        for patterns, declared in self._patterns:
            if patterns.match(path):
                return record_file(declared, path, self._max_record_bytes)
        return None
