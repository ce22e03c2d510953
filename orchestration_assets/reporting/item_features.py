"""What is known of each item that may explain where services differ: few-valued features."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Final

import pyarrow as pa

from orchestration_assets.reporting.intake import NO_FAMILY
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.text.content_excerpts import redacted

_FEW: Final = 12
"""Different values at most for a metadata column to group items."""
_LENGTHS: Final = (
    (100, "under 100 words"),
    (1_000, "100 to 999 words"),
    (10_000, "1,000 to 9,999 words"),
)
_LONGEST: Final = "10,000 words and more"
_COLUMNS: Final = ("item_id", "path", "family", "extension", "prose_language", "word_count")


def item_features(
    manifest: pa.Table, profiles: pa.Table, hidden: Collection[str] | None = ()
) -> dict[str, dict[str, str]]:
    """Item -> feature -> value: family, extension, folder, length, language, and the metadata
    columns of records that have few values, redacted.

    ``hidden``: metadata columns that are not to be shown, None where none is.
    """
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for item, path, family, extension, language, words in values(profiles, *_COLUMNS):
        own = found[item]
        own["family"] = family or NO_FAMILY
        own["extension"] = extension or ""
        own["folder"] = PurePosixPath(path).parts[0] if "/" in path else "."
        if words is not None:
            own["length"] = length_band(words)
        if language:
            own["language"] = language
    declared = {} if hidden is None else dict(_metadata(manifest))
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for columns in declared.values():
        for name, value in columns.items():
            counts[name][value] += 1
    shown = {
        name: {value: redacted(value) for value in of}
        for name, of in counts.items()
        if name not in (hidden or ()) and 1 < len(of) <= _FEW and len(of) < of.total()
    }
    for item, columns in declared.items():
        for name, value in columns.items():
            if name in shown:
                found[item][f"metadata {name}"] = shown[name][value]
    return dict(found)


def length_band(words: int) -> str:
    """The band of lengths that so many words fall into."""
    return next((band for limit, band in _LENGTHS if words < limit), _LONGEST)


def _metadata(manifest: pa.Table) -> Iterator[tuple[str, dict[str, str]]]:
    for item, outcome, pairs in values(manifest, "item_id", "outcome", "metadata"):
        if outcome == EntryOutcome.ACCEPTED and pairs:
            yield (
                item,
                {one["name"]: str(one["value"]) for one in pairs if one["value"] is not None},
            )
