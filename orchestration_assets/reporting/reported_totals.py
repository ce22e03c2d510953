"""The totals of all reported batches, each read once and kept beside its table."""

from base64 import b64decode, b64encode
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.table_store import TableStore

# another number where rows are told in another way; those of other columns are read again
_FACTS: Final = "report_rows_1"
# what is raised by what was not written as rows, whatever a file held
_NO_ROWS: Final = (pa.ArrowException, ValueError, LookupError, TypeError, EOFError, OSError)


def reported_totals(store: TableStore) -> pa.Table:
    """The row of each reported batch, oldest first; a damaged one is left out, and said."""
    schema = DISAGREEMENT_REPORT.schema
    columns = schema.to_string(show_field_metadata=False, show_schema_metadata=False)
    rows = [schema.empty_table()]
    for batch in store.batches(DISAGREEMENT_REPORT.name):
        with leaving_out_damage():
            rows.append(_row_of(store, batch, columns))
    return pa.concat_tables(rows, promote_options="none")


def _row_of(store: TableStore, batch: str, columns: str) -> pa.Table:
    """The row of a batch; ``columns`` say what it is made of. Raises DamagedFileError."""
    schema = DISAGREEMENT_REPORT.schema

    def read() -> pa.Table:
        return store.read(DISAGREEMENT_REPORT.name, batch, schema.names).cast(schema)

    def derive() -> dict[str, Any]:
        whole = read().combine_chunks()
        messages = [one.serialize().to_pybytes() for one in whole.to_batches()]
        return {"columns": columns, "rows": [b64encode(one).decode() for one in messages]}

    found = kept_facts(store, batch, _FACTS, (DISAGREEMENT_REPORT.name,), derive)
    try:
        return _told(found["rows"], schema) if found["columns"] == columns else read()
    except _NO_ROWS:
        return read()


def _told(messages: list[str], schema: pa.Schema) -> pa.Table:
    buffers = [pa.py_buffer(b64decode(one, validate=True)) for one in messages]
    told = pa.Table.from_batches([pa.ipc.read_record_batch(one, schema) for one in buffers], schema)
    told.validate(full=True)
    return told
