"""One line of SQL for the rows behind a figure, to paste into DuckDB in the home's folder."""

from typing import Final

from orchestration_assets.reporting.formatting import visible

# the columns that a person wants to see first; vectors would bury them
_COLUMNS: Final = {
    "content_manifest": "path, outcome, reason, detail, size_bytes",
    "content_profiles": "path, status, reason, family, byte_count",
    "processing_plans": "path, task, model, option, services, reason",
    "*_interpretations": (
        "item_id, task, service, round, final, status, answer, confidence, evidence, reason"
    ),
    "decision_log": (
        "item_id, task, decision, action, services, reason, answer, certainty, coverage, gain"
    ),
    "call_log": "item_id, task, service, round, attempt, origin, status, elapsed_ms, cost_usd",
    "resolutions": "path, task, status, answer, error_risk, spread, supporters, dissenters, reason",
    "disagreements": (
        "path, task, service_a, answer_a, service_b, answer_b, distance, severity, only_a, only_b"
    ),
}

Value = str | bool | int | float | None


def rows_query(batch: str, table: str, order: str = "", also: str = "", **equal: Value) -> str:
    """The query for a table's rows of the batch where every column named has its value."""
    tests = [f"{column} {_equals(value)}" for column, value in equal.items()]
    where = " AND ".join([*tests, *([also] if also else [])])
    parts = (
        ("SELECT", _COLUMNS[table]),
        ("FROM", _text(f"tables/{table}/{batch}.parquet")),
        ("WHERE", where),
        ("ORDER BY", order),
    )
    return " ".join(f"{keyword} {what}" for keyword, what in parts if what)


def _equals(value: Value) -> str:
    if value is None:
        return "IS NULL"
    if isinstance(value, bool):
        return "= true" if value else "= false"
    return f"= {_text(value) if isinstance(value, str) else value}"


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{visible(quoted)}'"
