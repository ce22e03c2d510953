"""What records cost from file to report as they become more: time, memory, disk, looks, queries.

Each size has a home of its own: one label task of an embedded service, one of a service over HTTP
that answers at once.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks._output import table, write_json
from benchmarks._records import write_records
from benchmarks.first_light import step_seconds
from benchmarks.http_services import fixed_server
from benchmarks.records_cost import bytes_by_kind, orchestrate
from orchestration_assets.explorer.index_files import FOLDER, HomeIndex, IndexFiles
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.home import Home

Value = TypeVar("Value")

SIZES: Final = (10_000, 100_000, 1_000_000)
LIMIT_RATIO: Final = 1.2
LIMIT_PEAK_MB: Final = 1_500.0
LIMIT_BYTES: Final = 3_000.0
LIMIT_UNCHANGED_S: Final = 60.0
LIMIT_QUERY_S: Final = 0.01
"""A ratio of microseconds says nothing of what somebody waits for."""
_POLICY: Final = """
version: 2
content:
  records:
    - {{files: "*.jsonl", text: text, id: id}}
services:
  langid: {{implementation: langid}}
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    concurrency: 32
    prompt: {{user: "{{{{ task.question }}}} {{{{ content }}}}"}}
tasks:
  natural_language:
    question: In which language is the prose written?
    kind: label
    default: {{model: sequential, services: [langid]}}
  colour:
    question: Which colour is it?
    labels: [red, green, blue]
    default: {{model: sequential, services: [model]}}
"""


def main(arguments: Sequence[str]) -> int:
    """``[--records N ...] [--keep FOLDER] [--json FILE]``; the first size is what the others are
    compared with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the homes are left")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    for records in given.records if given.keep else ():
        if (given.keep / str(records)).exists():
            parser.error(f"{given.keep / str(records)} is there already: give another --keep")
    sizes = []
    with fixed_server(0.0) as url:
        for records in given.records:
            with _folder(given.keep, records) as folder:
                sizes.append(measure(records, folder, url))
            print(_show_size(sizes[-1]), flush=True)
    print(_show(sizes))
    write_json(given.json, {"sizes": sizes})
    return 0


@contextmanager
def _folder(keep: Path | None, records: int) -> Iterator[Path]:
    """Where the home of so many records is made: a folder that is left, or one for the moment."""
    if keep is None:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)
    else:
        folder = keep.absolute() / str(records)
        folder.mkdir(parents=True)
        yield folder


def measure(records: int, folder: Path, url: str) -> dict[str, Any]:
    """The first run of so many records, the second one, and what people ask afterwards."""
    policy, source, home = folder / "policy.yaml", folder / "source", folder / "home"
    policy.write_text(_POLICY.format(url=url), "utf-8")
    source.mkdir()
    write_records(source / "records.jsonl", records)
    places = ("--home", home, "--policy", policy)
    first = orchestrate("run", source, *places)
    steps = step_seconds(home)
    disk = bytes_by_kind(home)
    again = orchestrate("run", source, *places)
    tables = Home(home).tables
    batch = tables.batches(CONTENT_MANIFEST.name)[-1]
    item = tables.read(CONTENT_MANIFEST.name, batch, ["item_id"])["item_id"][0].as_py()
    explained = orchestrate("explain", item, *places)
    corpus = orchestrate("job", "corpus_reports", *places)
    site = IndexFiles(tables, home / "cache" / FOLDER)
    opened_s, opened_cpu_s, _ = _timed(site.bring_up_to_date)
    query_s, query_cpu_s, counted = _timed(lambda: _by_status(site.current))
    return {
        "records": records,
        "batches": len(tables.batches(CONTENT_MANIFEST.name)),
        "resolutions": sum(counted.values()),
        "cpu_ms_per_record": first["cpu_s"] / records * 1_000,
        "wall_ms_per_record": first["wall_s"] / records * 1_000,
        "peak_mb": max(run["peak_mb"] for run in (first, again, corpus)),
        "bytes_per_record": sum(disk.values()) / records,
        "unchanged_s": again["wall_s"],
        "explain_s": explained["wall_s"],
        "explain_cpu_s": explained["cpu_s"],
        "query_s": query_s,
        "query_cpu_s": query_cpu_s,
        "corpus_reports_s": corpus["wall_s"],
        "corpus_reports_cpu_s": corpus["cpu_s"],
        "explorer_opened_s": opened_s,
        "explorer_opened_cpu_s": opened_cpu_s,
        "steps_s": steps,
        "home_bytes": disk,
    }


def _timed(work: Callable[[], Value]) -> tuple[float, float, Value]:
    """Seconds on the clock, those of the processor, and what came of the work."""
    began, began_cpu = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - began, time.process_time() - began_cpu, found


def _by_status(index: HomeIndex) -> dict[str, int]:
    """How many answers have each status over all batches: what the explorer's first page tells, as
    it asks for it once it is open."""
    counted = Counter[str]()
    for batch in index.batches:
        counted.update(batch.facts.by_status)
    return dict(counted)


def _show_size(one: dict[str, Any]) -> str:
    records = one["records"]
    steps = [(name, took, took / records * 1_000) for name, took in one["steps_s"].items()]
    kinds = [(kind, size / 1e6, size / records) for kind, size in one["home_bytes"].items()]
    title = f"{records:,} records in {one['batches']:,} batches"
    return "\n".join(
        [
            table(f"{title}: steps on the clock", ("step", "s", "ms a record"), steps),
            table(f"{title}: the home", ("kind", "MB", "bytes a record"), kinds),
        ]
    )


def _show(sizes: Sequence[dict[str, Any]]) -> str:
    first = sizes[0]
    figures = (
        ("processor time a record, ms", "cpu_ms_per_record", LIMIT_RATIO, True),
        ("time on the clock a record, ms", "wall_ms_per_record", LIMIT_RATIO, True),
        ("peak memory of the largest process, MB", "peak_mb", LIMIT_PEAK_MB, False),
        ("bytes on disk a record", "bytes_per_record", LIMIT_BYTES, False),
        ("second run, unchanged, s", "unchanged_s", LIMIT_UNCHANGED_S, False),
        ("explain of one item, s", "explain_s", LIMIT_RATIO, True),
        ("explain of one item, s of processor", "explain_cpu_s", LIMIT_RATIO, True),
        ("answers by status over all batches, s", "query_s", LIMIT_QUERY_S, False),
        ("reports over all batches, s", "corpus_reports_s", LIMIT_RATIO, True),
        ("reports over all batches, s of processor", "corpus_reports_cpu_s", LIMIT_RATIO, True),
    )
    rows = []
    for words, key, limit, is_ratio in figures:
        for one in sizes:
            ratio = one[key] / first[key]
            held = (ratio if is_ratio else one[key]) / limit
            of = "times the first size" if is_ratio else "itself"
            rows.append((words, f"{one['records']:,}", float(one[key]), ratio, limit, of, held))
    header = ("figure", "records", "found", "per first", "limit", "limit of", "per limit")
    return table("Limits", header, rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
