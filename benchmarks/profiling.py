"""What profiling one item takes: on a real folder, and on content made to hurt.

``python -m benchmarks profiling [FOLDER] [--limit N] [--json FILE]``: profiles the text files of
FOLDER (default: the running Python's standard library) and about seventy hostile texts, such as a
file of 60 MB, minified JavaScript of 5 MB on one line and JSON nested 100,000 deep. Files are
read and decoded beforehand, so reading is not in the figures. Every item is profiled once, after
a warm-up on others; times are the processor's, which other programs on the machine do not change,
with the wall clock beside them.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._corpora import Text, hostile_texts, standard_library, texts_of
from benchmarks._output import table, write_json
from orchestration_assets.profiling.profiler import load_everything, profile

MEAN_LIMIT_MS = 2.0
P99_LIMIT_MS = 20.0
HARD_LIMIT_MS = 50.0
_WARM_UP = 50
_STAGES = ("preprocess_ms", "features_ms", "complexity_ms", "aggregation_ms")


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--limit N] [--json FILE]``; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks profiling")
    parser.add_argument("folder", nargs="?", type=Path, default=standard_library())
    parser.add_argument("--limit", type=int, help="at most so many files of the folder")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    real = texts_of(given.folder, limit=given.limit)
    if not real:
        print(f"{given.folder}: no text files", file=sys.stderr)
        return 2
    load_everything()
    for item in real[-_WARM_UP:]:
        profile(item.path, item.text, size_bytes=item.size_bytes)
    figures = {
        "folder": str(given.folder),
        "real": _described(_timed(real)),
        "hostile": _described(_timed(hostile_texts())),
    }
    print(_show(figures))
    write_json(given.json, figures)
    return 0 if all(row[-1] <= 1 for row in _limits(figures)) else 1


def _timed(items: Iterable[Text]) -> list[dict[str, Any]]:
    rows = []
    for item in items:
        # a collection of what others left behind is nobody's profile
        gc.collect(0)
        wall, cpu = time.perf_counter(), time.thread_time()
        found = profile(item.path, item.text, size_bytes=item.size_bytes)
        cpu_ms, wall_ms = (time.thread_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000
        rows.append(
            {
                "path": item.path,
                "bytes": item.size_bytes,
                "cpu_ms": cpu_ms,
                "wall_ms": wall_ms,
                "coverage": found.coverage,
                "missing": len(found.features_missing),
                **{stage: getattr(found, stage) for stage in _STAGES},
            }
        )
    return rows


def _described(rows: list[dict[str, Any]]) -> dict[str, Any]:
    cpu = np.array([row["cpu_ms"] for row in rows])
    wall = np.array([row["wall_ms"] for row in rows])
    return {
        "items": len(rows),
        "mean_bytes": float(np.mean([row["bytes"] for row in rows])),
        "mean_ms": float(cpu.mean()),
        "p50_ms": float(np.quantile(cpu, 0.5)),
        "p99_ms": float(np.quantile(cpu, 0.99)),
        "max_ms": float(cpu.max()),
        "wall_mean_ms": float(wall.mean()),
        "wall_p99_ms": float(np.quantile(wall, 0.99)),
        "wall_max_ms": float(wall.max()),
        "items_cut": sum(row["missing"] > 0 for row in rows),
        "coverage": float(np.mean([row["coverage"] for row in rows])),
        "stages_ms": {stage: float(np.mean([row[stage] for row in rows])) for stage in _STAGES},
        "slowest": sorted(rows, key=lambda row: -row["cpu_ms"])[:8],
    }


def _limits(figures: dict[str, Any]) -> list[tuple[str, float, float, float]]:
    real, hostile = figures["real"], figures["hostile"]
    found = [
        ("mean ms an item", real["mean_ms"], MEAN_LIMIT_MS),
        ("p99 ms", real["p99_ms"], P99_LIMIT_MS),
        ("maximum ms", real["max_ms"], HARD_LIMIT_MS),
        ("maximum ms, hostile", hostile["max_ms"], HARD_LIMIT_MS),
    ]
    return [(name, value, limit, value / limit) for name, value, limit in found]


def _show(figures: dict[str, Any]) -> str:
    kinds = ("real", "hostile")
    keys = [key for key, value in figures["real"].items() if isinstance(value, int | float)]
    header = ("figure", *kinds)
    rows = [(key, *(figures[kind][key] for kind in kinds)) for key in keys]
    stages = [(stage, *(figures[kind]["stages_ms"][stage] for kind in kinds)) for stage in _STAGES]
    parts = [
        table(f"One item's profile: {figures['folder']}", header, rows),
        table("Mean of each stage's clock", header, stages),
    ]
    columns = ("path", "bytes", "cpu_ms", "wall_ms", *_STAGES[:3], "missing")
    parts += [
        table(
            f"Slowest, {kind}",
            columns,
            [tuple(row[key] for key in columns) for row in figures[kind]["slowest"]],
        )
        for kind in kinds
    ]
    parts.append(table("Limits", ("figure", "found", "limit", "ratio"), _limits(figures)))
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
