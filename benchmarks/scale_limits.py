"""What breaks at 100 million items and 200 workers: measured small, then extrapolated.

Measured: messages and seconds of a real Dask scheduler per chunk, bytes of the ledger per item,
rows of Dagster's history and files of the home per batch. Each is the slope between two sizes.
"""

import argparse
import pickle
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, Final

from benchmarks._busy_cluster import simulate
from benchmarks._output import table, write_json
from benchmarks._records import write_records
from benchmarks.records_cost import orchestrate
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.intake import take_in
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.policy import Content, Records
from orchestration_assets.schemas.tables import CONTENT_LEDGER, CONTENT_MANIFEST
from resources.dask_cluster import DaskCluster
from resources.home import Home

_CONTENT: Final = Content(records=(Records(files="*.jsonl", text="text", id="id"),))
_SIMULATED: Final = 20_000
_POLICY: Final = """
version: 2
content:
  batch: {max_items: 50}
  records:
    - {files: "*.jsonl", text: text, id: id}
services:
  langid: {implementation: langid}
tasks:
  natural_language:
    question: In which language is the prose written?
    kind: label
    default: {model: sequential, services: [langid]}
"""


def main(arguments: Sequence[str]) -> int:
    """``[--items N] [--workers N] [--item-ms MS] [--ledger A B] [--chunks N] [--json FILE]``.

    ``--item-ms`` is what a worker computes for an item; ``--ledger`` are the two sizes that the
    ledger is measured at.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale_limits", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000_000)
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--item-ms", type=float, default=3.0)
    parser.add_argument("--ledger", type=int, nargs=2, default=[5_000, 50_000])
    parser.add_argument("--chunks", type=int, default=2_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = {
        "scheduler": _scheduler(given.chunks),
        "ledger": _slopes(_ledger, *given.ledger),
        "history": _slopes(_history, 1, 3),
    }
    print(_show(figures, given.items, given.workers, given.item_ms / 1_000))
    write_json(given.json, figures)
    return 0


def _slopes(measure: Callable[[int, Path], dict[str, float]], low: int, high: int) -> Any:
    """What one more of them adds to each figure."""
    found = []
    for size in (low, high):
        with tempfile.TemporaryDirectory() as folder:
            found.append(measure(size, Path(folder)))
    few, many = found
    return {key: (many.get(key, 0.0) - few.get(key, 0.0)) / (high - low) for key in {**few, **many}}


def _echo(rows: list[tuple[str, int]]) -> list[int]:
    return [size for _, size in rows]


def _scheduler(chunks: int) -> dict[str, float]:
    """Chunks of 200 rows that cost next to nothing, through the project's own cluster."""
    rows = [(f"file:///content/records.jsonl#{number:012}", number) for number in range(200)]
    pieces = [rows] * chunks
    counts: Counter[str] = Counter()
    with DaskCluster("processes", workers=2) as cluster:
        list(cluster.map_chunks(_echo, pieces[:50]))
        scheduler: Any = cluster.client.cluster.scheduler
        _count_messages(scheduler, counts)
        began, began_cpu = time.perf_counter(), time.process_time()
        done = sum(1 for _ in cluster.map_chunks(_echo, pieces))
        took, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "messages_in_per_chunk": counts["in"] / done,
        "messages_out_per_chunk": counts["out"] / done,
        # scheduler and client are threads of this process: no less than either
        "cpu_s_per_chunk": cpu / done,
        "wall_s_per_chunk": took / done,
        "bytes_per_row": len(pickle.dumps(rows)) / len(rows),
    }


def _count_messages(scheduler: Any, counts: Counter[str]) -> None:
    """Counts what a scheduler in this process is sent over its streams, and what it sends."""
    for name, handler in list(scheduler.stream_handlers.items()):
        scheduler.stream_handlers[name] = _counted(handler, counts)
    send_all = scheduler.send_all

    def sending(client_msgs: dict[str, list[Any]], worker_msgs: dict[str, list[Any]]) -> None:
        for messages in (*client_msgs.values(), *worker_msgs.values()):
            counts["out"] += len(messages)
        send_all(client_msgs, worker_msgs)

    scheduler.send_all = sending


def _counted(handler: Callable[..., Any], counts: Counter[str]) -> Callable[..., Any]:
    """The handler, which is awaited if it was before."""

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        counts["in"] += 1
        return await handler(*args, **kwargs)

    def called(*args: Any, **kwargs: Any) -> Any:
        counts["in"] += 1
        return handler(*args, **kwargs)

    return awaited if iscoroutinefunction(handler) else called


def _ledger(records: int, folder: Path) -> dict[str, float]:
    source, home = folder / "source", Home(folder / "home")
    source.mkdir()
    write_records(source / "records.jsonl", records)
    intake = take_in(home, str(source), _CONTENT, datetime.now(UTC))
    for batch in intake.recorded:
        manifest = make_manifest(home, batch, _CONTENT, SilentProgress())
        home.tables.write(CONTENT_MANIFEST, manifest, batch)
    began = time.process_time()
    items = current_items(home)
    folded_s = time.process_time() - began
    home.tables.write(CONTENT_LEDGER, items)
    manifests = sum(
        home.tables.path(CONTENT_MANIFEST.name, batch).stat().st_size for batch in intake.recorded
    )
    index = sum(file.stat().st_blocks * 512 for file in (folder / "home/cache").rglob("*.mdb"))
    assert home.tables.beginning(CONTENT_LEDGER.name, 1)[1] == records
    return {
        "ledger bytes on disk": home.tables.size_bytes(CONTENT_LEDGER.name),
        "ledger bytes in memory": items.nbytes,
        "manifest bytes on disk": manifests,
        "content index bytes on disk": index,
        "seconds to fold it": folded_s,
    }


def _history(batches: int, folder: Path) -> dict[str, float]:
    """A run of so many batches of 50 records: what stands in Dagster's SQLite, and the files."""
    source, home, policy = folder / "source", folder / "home", folder / "policy.yaml"
    source.mkdir()
    policy.write_text(_POLICY, "utf-8")
    write_records(source / "records.jsonl", 50 * batches)
    orchestrate("run", source, "--home", home, "--policy", policy)
    assert len(Home(home).tables.batches(CONTENT_MANIFEST.name)) == batches
    rows: Counter[str] = Counter()
    for file in (home / "dagster").rglob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                if name in ("event_logs", "runs", "run_tags", "asset_event_tags"):
                    (count,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
                    rows[f"Dagster rows: {name}"] += count
    size = sum(file.stat().st_size for file in (home / "dagster").rglob("*") if file.is_file())
    files = {
        f"files: {kind}": sum(path.is_file() for path in (home / kind).rglob("*"))
        for kind in ("tables", "models", "reports", "review", "batches")
    }
    return {**rows, "Dagster bytes": size, **files}


def _show(figures: dict[str, Any], items: int, workers: int, item_s: float) -> str:
    scheduler, ledger, history = figures["scheduler"], figures["ledger"], figures["history"]
    per_chunk = scheduler["cpu_s_per_chunk"]
    chunk_rows = []
    for size in (50, 200, 500, 1_000, 2_000):
        chunk_s = size * item_s
        outcome = simulate(workers, chunk_s, per_chunk, _SIMULATED)
        chunk_rows.append(
            (
                size,
                items // size,
                workers / chunk_s,
                workers / chunk_s * per_chunk,
                outcome.worked,
                size * scheduler["bytes_per_row"] / 1e3,
            )
        )
    batch_rows = []
    for size in (10_000, 100_000, 1_000_000):
        batches = items / size
        events = history["Dagster rows: event_logs"] * batches
        files = sum(slope for key, slope in history.items() if key.startswith("files: ")) * batches
        batch_rows.append(
            (size, int(batches), events / 1e6, history["Dagster bytes"] * batches / 1e9, int(files))
        )
    grown = [
        (key, slope, slope * items / (1.0 if "seconds" in key else 1e9))
        for key, slope in ledger.items()
    ]
    return "\n".join(
        [
            table(
                "A chunk through a real scheduler (two worker processes)",
                ("figure", "found"),
                list(scheduler.items()),
            ),
            table(
                f"{workers} workers, {item_s * 1_000:.1f} ms an item",
                (
                    *("items a chunk", "chunks", "chunks/s", "scheduler's load"),
                    *("workers' share (simulated)", "kB a chunk"),
                ),
                chunk_rows,
            ),
            table("One more item", ("figure", "an item", f"{items:,} (GB, or s)"), grown),
            table("One more batch", ("figure", "a batch"), sorted(history.items())),
            table(
                f"{items:,} items",
                ("items a batch", "batches", "M events", "GB of history", "files"),
                batch_rows,
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
