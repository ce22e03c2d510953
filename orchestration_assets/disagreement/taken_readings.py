"""The readings of one label task that count, collected from the newest batch to the oldest."""

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values

Way = tuple[str | float | None, ...]
"""A way in which items were planned: option, processing model, services and where it stops."""

# between a content hash and the name of a service, in which it cannot stand
_BETWEEN = "\n"
_COLUMNS = pa.schema(
    [
        pa.field("content_hash", pa.string()),
        pa.field("service", pa.string()),
        pa.field("service_version", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("confidence", pa.float64()),
    ]
)


class TakenReadings:
    """Rows of readings, each with the columns of the reading and of the way it was planned in.

    Of a service's readings of one content the first one that was taken stands.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._parts: list[pa.Table] = []

    @property
    def count(self) -> int:
        """Of how many contents and services together a reading was taken."""
        return len(self._seen)

    def take(self, rows: pa.Table, judged: Collection[str], most: int) -> None:
        """Takes readings of one batch in their order, until there are ``most``; from then on those
        of ``judged`` contents."""
        contents = rows["content_hash"]
        keys = pc.binary_join_element_wise(contents, rows["service"], _BETWEEN).to_pylist()
        if self.count + len(keys) < most:
            self._seen.update(keys)
            self._parts.append(rows)
            return
        accepted = []
        for number, (key, content) in enumerate(zip(keys, contents.to_pylist(), strict=True)):
            if self.count < most or content in judged:
                self._seen.add(key)
                accepted.append(number)
        self._parts.append(rows.take(pa.array(accepted, pa.int64())))

    def standing(self) -> pa.Table:
        """One row a content and service, in the order of their names."""
        if not self._parts:
            return _COLUMNS.empty_table()
        rows = pa.concat_tables(self._parts).select(_COLUMNS.names)
        numbered = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
        first = numbered.group_by(["content_hash", "service"]).aggregate([("row", "min")])
        ordered = first.sort_by([("content_hash", "ascending"), ("service", "ascending")])
        return rows.take(ordered["row_min"])

    def ways(self, columns: Sequence[str]) -> dict[str, set[Way]]:
        """Content -> the ways in which the items with it were planned; ``columns`` tell a way."""
        found: dict[str, set[Way]] = {}
        for part in self._parts:
            grouped = part.group_by(["content_hash", *columns]).aggregate([])
            for content, *way in values(grouped, "content_hash", *columns):
                found.setdefault(content, set()).add(tuple(way))
        return found
