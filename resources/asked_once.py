"""What Dagster's event log asks its database for again and again, asked once."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from dagster import AssetKey, EventLogRecord
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._serdes import deserialize_value
from sqlalchemy import bindparam, text

_DETAILS: Final = text("SELECT asset_details FROM asset_keys WHERE asset_key = :asset")
_LATEST_TAGS: Final = text(
    'SELECT latest."partition", tags.key, tags.value FROM (SELECT "partition", MAX(id) AS id '
    "FROM event_logs WHERE asset_key = :asset AND dagster_event_type = :kind "
    'AND "partition" IN :partitions GROUP BY "partition") AS latest '
    "JOIN asset_event_tags AS tags ON tags.event_id = latest.id WHERE tags.key IN :tags"
).bindparams(bindparam("partitions", expanding=True), bindparam("tags", expanding=True))


class AskedOnce(SqlEventLogStorage):
    """A storage, named before the one whose database it is, that remembers which tables there are,
    and which partitions it has seen, for as long as it is open.

    Each step asks for the last materialization of each of its inputs, and for its data version:
    those are read as they stand, without statements that are made anew for each question.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        self._tables: frozenset[str] = frozenset()
        self._partitions: set[tuple[str, str]] = set()
        super().__init__(*given, **named)  # type: ignore[no-untyped-call]

    @abstractmethod
    def table_names(self) -> frozenset[str]:
        """The tables that the database of all runs has now."""

    def has_table(self, table_name: str) -> bool:
        # an upgrade adds tables; nothing takes one away
        if table_name not in self._tables:
            self._tables = self.table_names()
        return table_name in self._tables

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        # each input and output of each step asks for the partition of its run
        one = (partitions_def_name, partition_key)
        if one not in self._partitions and super().has_dynamic_partition(*one):
            self._partitions.add(one)
        return one in self._partitions

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        super().delete_dynamic_partition(partitions_def_name, partition_key)
        self._partitions.discard((partitions_def_name, partition_key))

    def _get_latest_materialization_records(
        self, raw_asset_rows: Sequence[Mapping[str, Any]]
    ) -> Mapping[AssetKey, EventLogRecord | None]:
        found: dict[AssetKey, EventLogRecord | None] = {}
        for row in raw_asset_rows:
            key, stored = AssetKey.from_db_string(row["asset_key"]), row["last_materialization"]
            record = _stored(stored) if stored and not row["asset_details"] else None
            if key is None or not isinstance(record, EventLogRecord):
                # never materialized, wiped, or written by a Dagster of long ago
                return super()._get_latest_materialization_records(raw_asset_rows)
            found[key] = record
        return found

    def get_latest_tags_by_partition(
        self,
        asset_key: AssetKey,
        event_type: DagsterEventType,
        tag_keys: Sequence[str],
        asset_partitions: Sequence[str] | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, Mapping[str, str]]:
        if asset_partitions and tag_keys and before_cursor is None and after_cursor is None:
            asset: dict[str, object] = {"asset": asset_key.to_string()}
            asked = asset | {"kind": event_type.value, "tags": [*tag_keys]}
            asked["partitions"] = [*asset_partitions]
            with self.index_connection() as connection:
                # the details say when an asset was wiped
                if connection.execute(_DETAILS, asset).scalar() is None:
                    latest: dict[str, dict[str, str]] = {}
                    for partition, key, value in connection.execute(_LATEST_TAGS, asked):
                        latest.setdefault(partition, {})[key] = value
                    return latest
        return super().get_latest_tags_by_partition(
            asset_key, event_type, tag_keys, asset_partitions, before_cursor, after_cursor
        )

    def wipe(self) -> None:
        super().wipe()
        self._partitions.clear()


# several steps of a run have the same inputs
@lru_cache(maxsize=64)
def _stored(serialized: str) -> object:
    return deserialize_value(serialized)
