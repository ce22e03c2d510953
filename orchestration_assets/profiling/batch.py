"""Profiling the accepted items of a batch, one row each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestration_assets.content.reader import ContentReader, SupersededError
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES
from resources.content_source import ContentError

# what a row holds in the columns that may not be empty when there is no profile
_NOTHING = {feature.name: None if feature.nullable else feature.type() for feature in FEATURES}


def profile_items(
    batch: str, accepted: Iterable[Mapping[str, Any]], reader: ContentReader
) -> Iterator[dict[str, Any]]:
    """A profile row for each accepted manifest row; what cannot be read becomes a reason."""
    for row in accepted:
        base = {
            "batch": batch,
            "item_id": row["item_id"],
            "content_hash": row["content_hash"],
            "path": row["path"],
        }
        try:
            text = reader.text(row)
        except SupersededError as error:
            yield base | _without(ProfileStatus.SUPERSEDED, str(error))
        except ContentError as error:
            yield base | _without(ProfileStatus.FAILED, f"{error.reason}: {error}")
        else:
            found = profile(row["path"], text, size_bytes=row["size_bytes"])
            yield base | {
                "status": ProfileStatus.OK,
                "reason": None,
                "coverage": found.coverage,
                "features_missing": list(found.features_missing),
                "preprocess_ms": found.preprocess_ms,
                "features_ms": found.features_ms,
                "complexity_ms": found.complexity_ms,
                "aggregation_ms": found.aggregation_ms,
                **found.features,
            }


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of profiling work as plain data: what a worker on another machine needs."""

    home: str
    batch: str
    source: str
    rows: tuple[dict[str, Any], ...]


def profile_chunk(chunk: Chunk) -> list[dict[str, Any]]:
    """The profile rows of one chunk; runs on a Dask worker, which reads the bytes itself."""
    with ContentReader(chunk.home, chunk.source) as reader:
        return list(profile_items(chunk.batch, chunk.rows, reader))


def _without(status: ProfileStatus, reason: str) -> dict[str, Any]:
    clocks = ("preprocess_ms", "features_ms", "complexity_ms", "aggregation_ms")
    return {
        "status": status,
        "reason": reason,
        "coverage": 0.0,
        "features_missing": list(FEATURE_NAMES),
        **dict.fromkeys(clocks, 0.0),
        **_NOTHING,
    }
