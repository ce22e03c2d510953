"""Knowledge without a content that is forgotten: its passages, and what was shown of them.

What makes a passage the content's own is a run of its letters, or its bytes; a rare word alone, or
what a service said of it, a document says for itself.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.forget_plan import other_items_say
from orchestration_assets.content.forgotten import FORGOTTEN, PendingRemoval
from orchestration_assets.knowledge.forgotten_passages import (
    Sought,
    forget_passages,
    passage_digests,
    pieces_held,
)
from orchestration_assets.knowledge.tables import told_in_force
from orchestration_assets.schemas.knowledge import KNOWLEDGE, RetrievedPassage
from orchestration_assets.schemas.records import Table, rows_to_arrow
from orchestration_assets.schemas.tables import PROCESSING_PLANS, PlanRow
from orchestration_assets.schemas.tool_use import TOOL_LOG, ToolLogRow
from orchestration_assets.text.traces import RUN_SIGNS, Traces
from resources.damage import leaving_out_damage
from resources.home import Home


def sought_in_knowledge(home: Home, removal: PendingRemoval) -> Sought:
    """What of the knowledge of a home goes with a content."""
    own = frozenset(removal.contents) - frozenset(removal.shared)
    said = frozenset(removal.said)
    runs = [one for one in removal.pieces if len(one) >= RUN_SIGNS and one not in said]
    held = set(pieces_held(home.knowledge, runs)) | _shown(home, runs, removal.items)
    held -= other_items_say(home, removal, held) if held else set()
    return Sought(own, tuple(one for one in runs if one in held))


def _shown(home: Home, pieces: Collection[str], gone: Collection[str]) -> set[str]:
    """Those of the pieces that plans and tools showed of other items than those that are ``gone``,
    whatever the index holds now."""
    found: set[str] = set()
    traces = Traces(tuple(pieces))
    own = pa.array(sorted(gone), pa.string())
    for table, columns in ((PROCESSING_PLANS, ["passages"]), (TOOL_LOG, ["arguments", "result"])):
        for batch in home.tables.batches(table.name) if pieces else ():
            with leaving_out_damage():
                rows = home.tables.read(table.name, batch, ["item_id", *columns])
                others = rows.filter(pc.invert(pc.is_in(rows["item_id"], own)))
                for column in map(others.column, columns):
                    found |= traces.in_text("\n".join(_texts(column)))
    return found


def _texts(column: pa.ChunkedArray) -> Iterator[str]:
    """The different texts of a column, or of the passages in it."""
    if column.null_count == len(column):
        return
    if not pa.types.is_list(column.type):
        yield from column.unique().to_pylist()
        return
    told = pc.list_flatten(column)
    for name in ("text", "heading"):
        yield from pc.struct_field(told, name).unique().to_pylist()


def from_knowledge(home: Home, sought: Sought) -> tuple[dict[str, int], frozenset[str]]:
    """Removes it from every corpus, and what was shown of it from plans and logs of tools; how many
    of each, and the batches whose pages may tell of it."""
    store = home.knowledge
    if not sought.pieces and not store.corpora():
        return {}, frozenset()
    # plans first: what is gone from the index tells no more which passages it had
    digests = passage_digests(store, sought)
    traces = Traces(sought.pieces)

    def is_going(text: str) -> bool:
        return bool(traces.in_text(text))

    plans, planned = _rewritten(home, PROCESSING_PLANS, partial(_plan, digests, is_going))
    steps, called = _rewritten(home, TOOL_LOG, partial(_step, is_going))
    passages = sum(forget_passages(store, corpus, sought) for corpus in store.corpora())
    if passages and (told := told_in_force(home)) is not None:
        home.tables.write(KNOWLEDGE, told)
    done = {
        "passages of knowledge": passages,
        "passages that plans show": plans,
        "results of tools": steps,
    }
    return done, planned | called


def _rewritten(
    home: Home, table: Table[Any], change: Callable[[pa.Table], tuple[pa.Table, int]]
) -> tuple[int, frozenset[str]]:
    """Changes the table of every batch; how many places in it, and which batches."""
    count, batches = 0, set[str]()
    for batch in home.tables.batches(table.name):
        with leaving_out_damage():
            data, changed = change(home.tables.read(table.name, batch))
            if changed:
                home.tables.write(table, data, batch)
                count += changed
                batches.add(batch)
    return count, frozenset(batches)


def _plan(
    digests: Collection[str], is_going: Callable[[str], bool], data: pa.Table
) -> tuple[pa.Table, int]:
    """The plans with a notice where such a passage stood: the numbers of the others stay."""
    if "passages" not in data.column_names or data["passages"].null_count == data.num_rows:
        return data, 0

    def goes(one: RetrievedPassage) -> bool:
        shown = f"{one.heading}\n{one.text}"
        return one.text != FORGOTTEN and (one.digest in digests or is_going(shown))

    def without(row: PlanRow) -> Iterator[RetrievedPassage]:
        for one in row.passages or ():
            yield replace(one, heading="", digest="", text=FORGOTTEN) if goes(one) else one

    rows = list(PROCESSING_PLANS.rows(data))
    count = sum(goes(one) for row in rows for one in row.passages or ())
    if not count:
        return data, 0
    left = [replace(row, passages=tuple(without(row))) if row.passages else row for row in rows]
    return rows_to_arrow(PROCESSING_PLANS, left).replace_schema_metadata(
        data.schema.metadata
    ), count


def _step(is_going: Callable[[str], bool], data: pa.Table) -> tuple[pa.Table, int]:
    rows = list(TOOL_LOG.rows(data))
    goes = [is_going(f"{row.arguments}\n{row.result}") for row in rows]
    if not any(goes):
        return data, 0

    def without(row: ToolLogRow) -> ToolLogRow:
        arguments = FORGOTTEN if is_going(row.arguments) else row.arguments
        return replace(row, arguments=arguments, result=FORGOTTEN)

    left = [without(row) if own else row for row, own in zip(rows, goes, strict=True)]
    return rows_to_arrow(TOOL_LOG, left).replace_schema_metadata(data.schema.metadata), sum(goes)
