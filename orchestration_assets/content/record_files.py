"""Which files hold records, and what their names say of format and packing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from orchestration_assets.schemas.policy import Records
from resources.content_source import Patterns

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


@dataclass(frozen=True)
class RecordFile:
    """How the records of one file are read."""

    declared: Records
    format: Format
    packing: Packing | None
    delimiter: str
    max_record_bytes: int

    def recorded(self) -> str:
        """The declaration as it is kept with an entry, whatever the policy says later."""
        return json.dumps(
            {
                "max_record_bytes": self.max_record_bytes,
                "declared": self.declared.model_dump(mode="json", exclude_defaults=True),
            },
            ensure_ascii=False,
        )

    @property
    def columns(self) -> list[str]:
        """Every column that is read, the text first."""
        named = (self.declared.text, self.declared.id, self.declared.name, *self.declared.metadata)
        return list(dict.fromkeys(name for name in named if name is not None))


def recorded_file(recorded: str, path: str) -> RecordFile:
    """What ``RecordFile.recorded`` kept, for the file of that path."""
    kept = json.loads(recorded)
    found = record_file(Records(**kept["declared"]), path, kept["max_record_bytes"])
    if found is None:
        raise ValueError(f"{path}: neither its name nor its declaration says its format")
    return found


def record_file(declared: Records, path: str, max_record_bytes: int) -> RecordFile | None:
    """How a file of this name is read under a declaration; None when its format is unknown."""
    name = path.lower()
    packing: Packing | None = None
    for ending, kind in _PACKINGS.items():
        if name.endswith(ending):
            name, packing = name.removesuffix(ending), kind
    format_ = declared.format or next(
        (kind for ending, kind in _FORMATS.items() if name.endswith(ending)), None
    )
    if format_ is None:
        return None
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
        """How the records of a path are read, or None when it is a file like any other."""
        for patterns, declared in self._patterns:
            if patterns.match(path):
                return record_file(declared, path, self._max_record_bytes)
        return None
