"""Profile features of plug-ins: computed after the packaged ones, in the time an item has left.

A plug-in cannot touch the packaged profile, which is computed, kept and recalled as if there were
none. What a plug-in raises, or gives beyond its range, is a reason beside the value that is
missing; what is too slow is stopped, and after some items of a chunk not begun again.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.extensions.features import LoadedFeature, added_features
from orchestration_assets.extensions.time_limit import TimeUsedUpError, limited
from orchestration_assets.profiling.batch import (
    STAGE_CLOCKS,
    ProfileChunk,
    UnreadItem,
    divide,
    reread_texts,
)
from orchestration_assets.profiling.deadline import HARD_LIMIT_MS
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.policy import SizeTiers
from orchestration_assets.schemas.records import TableResult
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import CONTENT_PROFILES, AcceptedItem, AddedFeature
from resources.home import Home
from resources.table_store import TableMissingError

CUTS_AT_MOST: Final = 3
"""How often a feature is stopped in a chunk of items before it is not begun there again."""
_COLUMN: Final = "added_features"
_LONGEST_REASON: Final = 200

Added = tuple[AddedFeature, ...]


def time_left_ms(stage_clocks: Iterable[float]) -> float:
    """What of an item's time the stages of its profile have left, in milliseconds."""
    return max(HARD_LIMIT_MS - sum(stage_clocks), 0.0)


@dataclass(slots=True)
class AddedFeatures:
    """The features of plug-ins over the items of a chunk; it remembers which were too slow."""

    features: Sequence[LoadedFeature]
    _cuts: Counter[str] = field(default_factory=Counter)

    def of(self, item: Item, left_ms: float) -> Added:
        """Each feature of the item, in ``left_ms`` milliseconds of processor time in all.

        Each may take an equal share of what those before it have left.
        """
        found: list[AddedFeature] = []
        for position, one in enumerate(self.features):
            share_ms = left_ms / (len(self.features) - position)
            began = time.thread_time()
            found.append(self._one(one, item, share_ms))
            left_ms = max(left_ms - (time.thread_time() - began) * 1000, 0.0)
        return tuple(found)

    def _one(self, loaded: LoadedFeature, item: Item, share_ms: float) -> AddedFeature:
        nothing = AddedFeature(loaded.name, None, None, False, loaded.version)
        if self._cuts[loaded.name] >= CUTS_AT_MOST:
            return replace(nothing, reason="not begun: it was too slow for others", cut=True)
        if share_ms <= 0.0:
            return replace(nothing, reason="not begun: the item's time is used up", cut=True)
        try:
            value = limited(lambda: loaded.feature.value(item), share_ms / 1000)
        except TimeUsedUpError:
            self._cuts[loaded.name] += 1
            return replace(nothing, reason="stopped: too slow for the time of an item", cut=True)
        except Exception as error:  # noqa: BLE001 -- whatever a plug-in raises is its failure
            said = " ".join(f"raised {type(error).__name__}: {error}".split())
            return replace(nothing, reason=whole_text(said[:_LONGEST_REASON]))
        if value is None:
            return nothing
        if (problem := loaded.value_problem(value)) is not None:
            return replace(nothing, reason=problem)
        return replace(nothing, value=json.dumps(loaded.stored(value), ensure_ascii=False))


def with_added_features(
    result: TableResult,
    work: ProfileChunk,
    names: Sequence[str],
    tiers: SizeTiers,
    workers: Workers,
) -> TableResult:
    """The profiles with the features of plug-ins; as they are where no plug-in is named.

    What the stored table of the batch has by the same code is taken from there. Raises PluginError
    for a name that no usable plug-in has.
    """
    if not names:
        return result
    features = added_features(names)
    known = _stored(work.home, work.batch, features)
    profiles = {
        row["item_id"]: row
        for row in result.table.select(
            ["item_id", "content_hash", "status", *STAGE_CLOCKS, *FEATURE_NAMES]
        ).to_pylist()
        if row["status"] == ProfileStatus.OK
    }
    found = {
        item: known[key]
        for item, row in profiles.items()
        if (key := (item, row["content_hash"])) in known
    }
    rows = tuple(row for row in work.rows if row.item_id in profiles and row.item_id not in found)
    wanted = replace(work, rows=rows)
    compute = _Computation(tuple(names), profiles)
    with ContentReader(work.home, work.source) as reader:
        here = partial(compute, reader=reader)
        _, pieces = divide(wanted, tiers, compute, workers, here)
        for _, computed in pieces:
            found |= computed
    items = result.table["item_id"].to_pylist()
    table = _with_column(result.table, [found.get(item) for item in items])
    return TableResult(
        table,
        {**result.figures, **_figures(found.values(), computed=len(rows))},
        [*result.warnings, *features_without_value(table)],
    )


@dataclass(frozen=True, slots=True)
class _Computation:
    """What a worker computes of a chunk: item -> its added features."""

    names: tuple[str, ...]
    profiles: Mapping[str, Mapping[str, Any]]

    def __call__(
        self, chunk: ProfileChunk, reader: ContentReader | None = None
    ) -> dict[str, Added]:
        added = AddedFeatures(added_features(self.names))
        return dict(_computed(chunk, added, self.profiles, reader))


def _computed(
    chunk: ProfileChunk,
    added: AddedFeatures,
    profiles: Mapping[str, Mapping[str, Any]],
    reader: ContentReader | None,
) -> Iterator[tuple[str, Added]]:
    for row, text in zip(chunk.rows, reread_texts(chunk, reader), strict=True):
        if not isinstance(text, UnreadItem):
            profile = profiles[row.item_id]
            left_ms = time_left_ms(profile[clock] for clock in STAGE_CLOCKS)
            yield row.item_id, added.of(_item(row, text, profile), left_ms)


def _item(row: AcceptedItem, text: str, profile: Mapping[str, Any]) -> Item:
    known = {name: profile[name] for name in FEATURE_NAMES}
    return Item(row.item_id, row.content_hash or "", row.path, text, known)


def _stored(
    home: Home, batch: str, features: Sequence[LoadedFeature]
) -> dict[tuple[str, str], Added]:
    """(item, content) -> what the batch's own table says of exactly these features, uncut."""
    columns = ["item_id", "content_hash", _COLUMN]
    try:
        if not home.tables.exists(CONTENT_PROFILES.name, batch):
            return {}
        rows = home.tables.read(CONTENT_PROFILES.name, batch, columns).to_pylist()
    except (TableMissingError, DamagedFileError):
        # it is made again now; whoever reads it is told of the damage
        return {}
    wanted = [(one.name, one.version) for one in features]
    known = {}
    for row in rows:
        added = tuple(AddedFeature(**one) for one in row[_COLUMN] or ())
        same = [(one.feature, one.version) for one in added] == wanted
        if same and not any(one.cut for one in added):
            known[row["item_id"], row["content_hash"]] = added
    return known


def _with_column(table: pa.Table, added: Sequence[Added | None]) -> pa.Table:
    field_of = CONTENT_PROFILES.schema.field(_COLUMN)
    plain = [None if several is None else list(map(asdict, several)) for several in added]
    place = table.schema.get_field_index(_COLUMN)
    filled = table.set_column(place, field_of, pa.array(plain, field_of.type))
    return filled.replace_schema_metadata(table.schema.metadata)


def _figures(added: Iterable[Added], *, computed: int) -> dict[str, int]:
    each = [one for several in added for one in several]
    return {
        "added_features_computed_items": computed,
        "added_features_cut": sum(one.cut for one in each),
        "added_features_failed": sum(one.reason is not None and not one.cut for one in each),
    }


def features_without_value(profiles: pa.Table) -> list[str]:
    """One line for each feature of a plug-in that some items of a profile table lack for a reason:
    one that does not apply to an item has none."""
    reasons: dict[tuple[str, str], Counter[str]] = {}
    for one in chain.from_iterable(filter(None, profiles[_COLUMN].to_pylist())):
        counted = reasons.setdefault((one["feature"], one["version"]), Counter())
        counted.update([one["reason"]] if one["reason"] is not None else ())
    return [
        f"{name} ({version}) has no value of {counted.total()} items, mostly: "
        f"{counted.most_common(1)[0][0]}; mend the plug-in, or leave it out of features.added"
        for (name, version), counted in reasons.items()
        if counted
    ]
