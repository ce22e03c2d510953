"""One record appended to a file of many, and a look at which nothing changed, beside a bare read.

What is measured is the intake: listing, manifests, and the ledger of all items; and the counts of
services over all batches, of tables of answers that are made up. What the other steps of a run cost
for one record, and what Dagster does around them, is not part of it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks._output import table, write_json
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.intake import take_in
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.disagreement.corpus_tables import score_services
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.policy import Content, Records
from orchestration_assets.schemas.records import Table
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_LEDGER,
    CONTENT_MANIFEST,
    PARALLEL_INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    weighed_counts,
)
from resources.home import Home

_CONTENT: Final = Content(records=(Records(files="*.jsonl", text="text", id="id"),))
_BLOCK_BYTES: Final = 4 << 20
_SERVICES: Final = ("one", "two")
# seconds that a record appended to so many may take
LIMITS_S: Final = {20_000: 3.0, 1_000_000: 20.0}
LIMIT_UNCHANGED_S: Final = 60.0


def main(arguments: Sequence[str]) -> int:
    """``[--records N ...] [--json FILE]``: makes each file in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks increments", description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=list(LIMITS_S))
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        step, folder = given.child[0], Path(given.child[1])
        if step in _PREPARED:
            _PREPARED[step](folder)
        print(json.dumps(_measured(_STEPS[step], folder)))
        return 0
    figures = {str(count): _figures(count) for count in given.records}
    print("\n".join(_show(int(count), of) for count, of in figures.items()))
    write_json(given.json, figures)
    return 0


def _figures(count: int) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        _write_records(Path(folder) / "source", count)
        return {step: _child(step, folder) for step in _STEPS}


def _write_records(source: Path, count: int) -> None:
    source.mkdir()
    with (source / "records.jsonl").open("w") as file:
        for number in range(count):
            words = f"record {number} of many, with a sentence that is its own: {number * 7919}. "
            file.write(json.dumps({"id": number, "text": words * 4}) + "\n")


def _child(step: str, folder: str) -> dict[str, Any]:
    """Measures in a process of its own, so that the peak of memory is that of the step."""
    command = [sys.executable, "-m", "benchmarks", "increments", "--child", step, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(step: Callable[[Path], dict[str, Any]], folder: Path) -> dict[str, Any]:
    began, began_cpu = time.perf_counter(), time.process_time()
    found = step(folder)
    spent = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - began_cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return found | spent


def _read(folder: Path) -> dict[str, Any]:
    size = 0
    with (folder / "source" / "records.jsonl").open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            size += len(block)
    return {"bytes": size}


def _intake(folder: Path) -> dict[str, Any]:
    """A look, and the manifest of every batch that it recorded."""
    home = Home(folder / "home")
    intake = take_in(home, str(folder / "source"), _CONTENT, datetime.now(UTC))
    rows, outcomes = 0, dict[str, int]()
    for batch in intake.recorded:
        manifest = make_manifest(home, batch, _CONTENT, SilentProgress())
        home.tables.write(CONTENT_MANIFEST, manifest, batch)
        rows += manifest.num_rows
        for outcome, count in weighed_counts(manifest, "outcome").items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
    return {"batches": len(intake.recorded), "rows": rows, "outcomes": outcomes}


def _append(folder: Path) -> dict[str, Any]:
    with (folder / "source" / "records.jsonl").open("a") as file:
        file.write(json.dumps({"id": "appended", "text": "one more record"}) + "\n")
    return _intake(folder)


def _fold(folder: Path) -> dict[str, Any]:
    home = Home(folder / "home")
    items = current_items(home)
    home.tables.write(CONTENT_LEDGER, items)
    return {"rows": items.num_rows}


def _answer(folder: Path) -> None:
    """Tables of answers of two services for every batch that has none yet."""
    home = Home(folder / "home")
    for batch in home.tables.batches(CONTENT_MANIFEST.name):
        if not home.tables.exists(RESOLUTIONS.name, batch):
            columns = ["item_id", "content_hash", "outcome"]
            items = home.tables.read(CONTENT_MANIFEST.name, batch, columns)
            items = items.filter(pc.equal(items["outcome"], EntryOutcome.ACCEPTED.value))
            _write_answers(home, batch, items)


def _write_answers(home: Home, batch: str, items: pa.Table) -> None:
    of_items = {"item_id": items["item_id"], "content_hash": items["content_hash"]}
    twice = {name: pa.chunked_array([*of.chunks, *of.chunks]) for name, of in of_items.items()}
    services = pa.array([name for name in _SERVICES for _ in range(items.num_rows)], pa.string())
    asked = {"batch": batch, "task": "language", "kind": "label", "services": [*_SERVICES]}
    said = {"service": services, "final": True, "status": "ok", "answer": "en", "confidence": 0.9}
    called = {"origin": "called", "elapsed_ms": 1.0}
    resolved = {"supporters": [*_SERVICES]}
    made: tuple[tuple[Table[Any], dict[str, Any]], ...] = (
        (PROCESSING_PLANS, {**of_items, **asked}),
        (PARALLEL_INTERPRETATIONS, {**twice, **asked, **said}),
        (CALL_LOG, {**twice, **asked, **said, **called}),
        (RESOLUTIONS, {**of_items, **asked, **resolved}),
    )
    for of, given in made:
        home.tables.write(of, _filled(of.schema, len(given["item_id"]), given), batch)


def _filled(schema: pa.Schema, count: int, given: dict[str, Any]) -> pa.Table:
    """A table of so many rows: columns as given, a given value in each row, or nothing."""
    columns = []
    for field in schema:
        value = given.get(field.name)
        if value is None and not field.nullable:
            value = [] if pa.types.is_list(field.type) else pa.scalar(0).cast(field.type).as_py()
        if not isinstance(value, pa.Array | pa.ChunkedArray):
            value = pa.repeat(pa.scalar(value, field.type), count)
        columns.append(value)
    return pa.table(columns, schema=schema)


def _count(folder: Path) -> dict[str, Any]:
    return {"rows": score_services(Home(folder / "home")).table.num_rows}


_PREPARED: Final[dict[str, Callable[[Path], None]]] = {
    "first counts of services": _answer,
    "counts with one more batch": _answer,
}
_STEPS: Final[dict[str, Callable[[Path], dict[str, Any]]]] = {
    "bare read": _read,
    "first intake": _intake,
    "first counts of services": _count,
    "one appended": _append,
    "counts with one more batch": _count,
    "ledger of all items": _fold,
    "unchanged": _intake,
}


def _show(count: int, figures: dict[str, dict[str, Any]]) -> str:
    limits = {
        "one appended": LIMITS_S.get(count),
        "unchanged": LIMIT_UNCHANGED_S if count in LIMITS_S else None,
    }
    rows = []
    for step, of in figures.items():
        limit = limits.get(step)
        outcomes = ", ".join(f"{name} {n:,}" for name, n in of.get("outcomes", {}).items())
        rows.append(
            [
                step,
                f"{of['wall_s']:.2f} s",
                f"{of['cpu_s']:.2f} s",
                f"{of['peak_mb']:.0f} MB",
                f"{of.get('rows', 0):,}",
                outcomes,
                f"limit {limit:.0f} s" if limit else "",
            ]
        )
    header = ["", "wall", "cpu", "peak memory", "rows", "outcomes", "limit"]
    return table(f"{count:,} records, {figures['bare read']['bytes'] / 1e6:.0f} MB", header, rows)
