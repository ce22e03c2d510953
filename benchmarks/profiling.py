"""What profiling one item takes: on a real folder, and on content made to hurt.

``python -m benchmarks profiling [FOLDER] [--limit N] [--slower X] [--json FILE]`` profiles the text
files of FOLDER (default: the running Python's standard library), about seventy hostile texts, such
as a file of 60 MB, minified JavaScript of 5 MB on one line and JSON nested 100,000 deep, and 300
texts made of marks by chance. Files are read and decoded beforehand, so reading is not in the
figures. Every item is profiled once, after a warm-up on others; times are the processor's, with
the wall clock beside them.

Beside them stand the profile of a record of 300 characters, whose fixed cost counts, and floors:
the bare parse, by tree-sitter and without bounds, of what the profile parses of the same files.

How fast the machine is stands beside the figures: what a fixed piece of work takes, again and again
between the items. Where it is slower than the machine that the limits of mean and p99 were set on,
these grow in proportion; the hard limit does not. ``--slower 3`` simulates a machine three times
slower: the profiler's clock runs three times as fast, and all figures are multiplied.
"""

import argparse
import gc
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._corpora import (
    CorpusText,
    chance_texts,
    hostile_texts,
    standard_library,
    texts_of,
)
from benchmarks._output import table, write_json
from benchmarks._records import texts as record_texts
from orchestration_assets.profiling.code import (
    CODE_LANGUAGES,
    DOCUMENT_LANGUAGES,
    code_chars,
    part_to_parse,
)
from orchestration_assets.profiling.kind import detect_kind
from orchestration_assets.profiling.profiler import TEXT_CHARS, load_everything, profile
from orchestration_assets.text.grammars import parsable_source, parser

MEAN_LIMIT_MS = 2.0
P99_LIMIT_MS = 20.0
HARD_LIMIT_MS = 50.0
# what the fixed work takes on the machine that the first two limits were set on
REFERENCE_WORK_MS = 7.0
_ROUNDS = 10_000
_WARM_UP = 50
_CHANCE_TEXTS = 300
_RECORDS = 500
_BETWEEN_WORKS = 10
_STAGES = ("preprocess_ms", "features_ms", "complexity_ms", "aggregation_ms")


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--limit N] [--slower X] [--json FILE]``; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks profiling")
    parser.add_argument("folder", nargs="?", type=Path, default=standard_library())
    parser.add_argument("--limit", type=int, help="at most so many files of the folder")
    parser.add_argument("--slower", type=float, default=1.0, metavar="X", help="times slower")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    real = texts_of(given.folder, limit=given.limit)
    if not real:
        print(f"{given.folder}: no text files", file=sys.stderr)
        return 2
    load_everything()
    for item in real[-_WARM_UP:]:
        profile(item.path, item.text, size_bytes=item.size_bytes)
    works: list[float] = []
    figures: dict[str, Any] = {
        "folder": str(given.folder),
        "real": _described(_timed(real, given.slower, works)),
        "hostile": _described(_timed(hostile_texts(), given.slower, works)),
        "chance": _described(_timed(chance_texts(_CHANCE_TEXTS), given.slower, works)),
    }
    figures["records_us"] = _records_us() * given.slower
    figures["floors_ms"] = {
        name: 1000 * seconds * given.slower for name, seconds in _floors(real).items()
    }
    took_ms = float(np.median(works)) * given.slower
    figures["machine"] = {
        "work_ms": took_ms,
        "reference_work_ms": REFERENCE_WORK_MS,
        "times_slower": took_ms / REFERENCE_WORK_MS,
        "simulated_times_slower": given.slower,
    }
    print(_show(figures))
    write_json(given.json, figures)
    return 0 if all(row[-1] <= 1 for row in _limits(figures)) else 1


def work_ms(rounds: int = _ROUNDS) -> float:
    """What a fixed loop of Python over words takes now, in milliseconds of the processor."""
    start = time.thread_time()
    counts: dict[str, int] = {}
    for number in range(rounds):
        word = f"word{number * 7919 % 10_007}"
        counts[word] = counts.get(word, 0) + len(word)
    sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return (time.thread_time() - start) * 1000


def _timed(items: Iterable[CorpusText], slower: float, works: list[float]) -> list[dict[str, Any]]:
    """A row an item; adds to ``works`` what the fixed work took in between."""

    def slow_clock() -> float:
        return time.thread_time() * slower

    clock = time.thread_time if slower == 1.0 else slow_clock
    rows = []
    for number, item in enumerate(items):
        if number % _BETWEEN_WORKS == 0:
            works.append(work_ms())
        # a collection of what others left behind is nobody's profile
        gc.collect(0)
        wall, cpu = time.perf_counter(), time.thread_time()
        found = profile(
            item.path,
            item.text,
            size_bytes=item.size_bytes,
            clock=clock,
        )
        cpu_ms = (time.thread_time() - cpu) * 1000 * slower
        wall_ms = (time.perf_counter() - wall) * 1000 * slower
        rows.append(
            {
                "path": item.path,
                "bytes": item.size_bytes,
                "cpu_ms": cpu_ms,
                "wall_ms": wall_ms,
                "coverage": found.coverage,
                "missing": len(found.features_missing),
                "cut_by_clock": found.cut_by_clock,
                **{stage: getattr(found, stage) for stage in _STAGES},
            }
        )
    return rows


def _records_us() -> float:
    """The profile of a record of 300 characters, in microseconds: the mean of the best round."""
    records = list(enumerate(record_texts(_RECORDS)))

    def profiled(record: tuple[int, str]) -> object:
        number, text = record
        return profile(f"r.jsonl#{number}", text, size_bytes=len(text))

    return _mean_s(profiled, records) * 1e6


def _floors(items: Sequence[CorpusText]) -> dict[str, float]:
    """What single calls that the profile cannot do without take an item, in seconds."""
    parts = []
    for item in items:
        language = detect_kind(item.path, item.text).language
        if language in (*CODE_LANGUAGES, *DOCUMENT_LANGUAGES):
            part = part_to_parse(item.text, language, code_chars(language))
            parts.append((parsable_source(part, language) or b"", language))

    def parsed(part: tuple[bytes, str]) -> object:
        return parser(part[1]).parse(part[0])

    words = re.compile(r"\w+")
    return {
        "bare parse of what is parsed": _mean_s(parsed, parts) * len(parts) / len(items),
        "words of what is read, by pattern": _mean_s(
            lambda item: words.findall(item.text[:TEXT_CHARS]), items
        ),
    }


def _mean_s(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Seconds of the processor an item, of the fastest of three rounds."""
    rounds = []
    for _ in range(3):
        start = time.thread_time()
        for item in items:
            work(item)
        rounds.append((time.thread_time() - start) / max(len(items), 1))
    return min(rounds)


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
        "cut_by_clock": sum(row["cut_by_clock"] for row in rows),
        "coverage": float(np.mean([row["coverage"] for row in rows])),
        "stages_ms": {stage: float(np.mean([row[stage] for row in rows])) for stage in _STAGES},
        "stages_max_ms": {stage: float(max(row[stage] for row in rows)) for stage in _STAGES},
        "slowest": sorted(rows, key=lambda row: -row["cpu_ms"])[:8],
    }


def _limits(figures: dict[str, Any]) -> list[tuple[str, float, float, float]]:
    real = figures["real"]
    # what the machine cannot help: a slower one takes longer for the same work
    slower = max(figures["machine"]["times_slower"], 1.0)
    found = [
        ("mean ms an item", real["mean_ms"], MEAN_LIMIT_MS * slower),
        ("p99 ms", real["p99_ms"], P99_LIMIT_MS * slower),
        ("maximum ms", real["max_ms"], HARD_LIMIT_MS),
        ("maximum ms, hostile", figures["hostile"]["max_ms"], HARD_LIMIT_MS),
        ("maximum ms, by chance", figures["chance"]["max_ms"], HARD_LIMIT_MS),
    ]
    return [(name, value, limit, value / limit) for name, value, limit in found]


def _show(figures: dict[str, Any]) -> str:
    kinds = ("real", "hostile", "chance")
    keys = [key for key, value in figures["real"].items() if isinstance(value, int | float)]
    header = ("figure", *kinds)
    rows = [(key, *(figures[kind][key] for kind in kinds)) for key in keys]
    stages = [
        (f"{name}, {stage}", *(figures[kind][key][stage] for kind in kinds))
        for name, key in (("mean", "stages_ms"), ("largest", "stages_max_ms"))
        for stage in _STAGES
    ]
    parts = [
        table(f"One item's profile: {figures['folder']}", header, rows),
        table("The stages' clocks (their budgets: 5, 30, 10 and 5 ms)", header, stages),
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
    floors = [(f"{name}, ms", value) for name, value in figures["floors_ms"].items()]
    parts.append(
        table(
            "Floors, and a record",
            ("figure", "value"),
            [*floors, ("profile of a record of 300 characters, us", figures["records_us"])],
        )
    )
    machine = figures["machine"]
    parts.append(table("The machine", ("figure", "value"), list(machine.items())))
    parts.append(table("Limits", ("figure", "found", "limit", "ratio"), _limits(figures)))
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
