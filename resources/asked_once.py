"""What Dagster's event log asks its database for again and again, asked once."""

from abc import abstractmethod
from typing import Any

from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage


class AskedOnce(SqlEventLogStorage):
    """A storage, named before the one whose database it is, that remembers which tables there are,
    and which partitions it has seen, for as long as it is open."""

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

    def wipe(self) -> None:
        super().wipe()
        self._partitions.clear()
