"""What the cache saves: profiling cold and warm from each tier, one edit, a row's price."""

import argparse
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks._output import table, write_json
from benchmarks._records import CHARS, texts
from benchmarks.records_cost import bytes_by_kind
from orchestration_assets.content.manifest import content_hash
from orchestration_assets.features.batch import KEPT_FROM_BYTES as VECTORS_FROM
from orchestration_assets.features.batch import compute_vectors
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling.batch import ProfileChunk, profile_batch, reread_texts
from orchestration_assets.profiling.profile_cache import COMPUTED, profile_key
from orchestration_assets.profiling.profile_cache import KEPT_FROM_BYTES as PROFILES_FROM
from orchestration_assets.profiling.profiler import load_everything
from orchestration_assets.schemas.policy import Execution, FeatureCache
from orchestration_assets.schemas.source_urls import file_address
from orchestration_assets.schemas.tables import AcceptedItem
from resources.content_source import open_source
from resources.dask_cluster import DaskCluster
from resources.feature_cache.opening import open_cache
from resources.home import Home

LIMIT_TIMES = 20.0
LIMIT_GET_US = 10.0
SIZES = (100, 300, 1_024, 4_096, 8_192, 16_384)
_SIZED_CHARS = 400_000
_MOST_SIZED = 1_000
TIERS: dict[str, dict[str, int]] = {
    "memory": {},
    "lmdb": {"memory_bytes": 0},
    "durable": {"memory_bytes": 0, "local_bytes": 0},
}


def main(arguments: Sequence[str]) -> int:
    """``[SOURCE] [--items N] [--json FILE]``; SOURCE is the standard library unless given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks feature_cache", description=__doc__)
    parser.add_argument("source", nargs="?", default=sysconfig.get_path("stdlib"))
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(given.source, given.items, Path(folder))
    print(_show(figures))
    write_json(given.json, figures)
    return 0


def corpus(source: str, items: int, folder: Path) -> tuple[AcceptedItem, ...]:
    """That many files of the source, by path; each further round over it adds a line of its own."""
    content = load_policy().policy.content
    opened = open_source(source, content.include, content.exclude)
    texts: list[tuple[str, str]] = []
    for entry in opened.list(datetime.now(UTC)).rows():
        if entry.problem is None and 0 < entry.size_bytes <= content.max_bytes:
            try:
                texts.append(
                    (entry.path, opened.read(entry.address, content.max_bytes).data.decode())
                )
            except UnicodeDecodeError:
                continue
    rows = []
    for n in range(items):
        path, text = texts[n % len(texts)]
        data = (text if n < len(texts) else f"{text}\n# {n}\n").encode()
        file = folder / f"{n:06d}" / Path(path).name
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
        rows.append(_row(file, f"{n:06d}/{file.name}", data))
    return tuple(rows)


def _row(file: Path, path: str, data: bytes) -> AcceptedItem:
    address = file_address(file)
    return AcceptedItem(
        path, address, path, content_hash(data), len(data), "utf-8", kept=False, record=None
    )


def measure(source: str, items: int, folder: Path) -> dict[str, Any]:
    """All figures from one process on the same files."""
    files, home = folder / "files", folder / "home"
    rows = corpus(source, items, files)
    work = ProfileChunk(Home(home), "benchmark", file_address(files), rows)
    load_everything()
    read_s = min(_seconds(lambda: [*reread_texts(work)]) for _ in range(2))
    cold_s = _seconds(lambda: _profile(work, home))
    warm: dict[str, dict[str, float]] = {}
    for name, settings in TIERS.items():
        times = []
        for _ in range(3):
            done, took = _timed(partial(_profile, work, home, **settings))
            # what the clock cut short is not kept: on a busy machine there may be a few
            assert done.from_cache > 0.98 * items
            assert set(done.profiles["origin"].to_pylist()) <= {name, COMPUTED}
            times.append(took)
        took = min(times)
        warm[name] = {
            "seconds": took,
            "not_kept": items - done.from_cache,
            "without_reading_s": took - read_s,
            "cold_per_warm": (cold_s - read_s) / (took - read_s),
            "cold_per_warm_with_reading": cold_s / took,
        }
    return {
        "source": source,
        "items": items,
        "bytes": sum(row.size_bytes for row in rows),
        "read_and_hash_s": read_s,
        "cold_s": cold_s,
        "cold_ms_per_item": (cold_s - read_s) / items * 1000,
        "warm": warm,
        "one_edit": _one_edit(rows[:2_000], files, folder / "edit"),
        "get_us_per_row": _gets(rows, home),
        "by_size": _by_size(folder / "sizes"),
    }


def _profile(work: ProfileChunk, home: Path, **cache: Any) -> Any:
    execution = _here(len(work.rows), cache)
    return profile_batch(work, open_cache(home, execution.cache), execution, DaskCluster())


def _here(items: int, cache: dict[str, Any]) -> Execution:
    """Settings by which everything is computed in this process; everything is kept by default."""
    execution = Execution(cache=FeatureCache(**{"min_item_bytes": 0, **cache}))
    tiers = {"dask_from_items": items + 1, "dask_from_bytes": 1 << 62}
    return execution.model_copy(update={"tiers": execution.tiers.model_copy(update=tiers)})


def _vectors(work: ProfileChunk, home: Path, **cache: Any) -> Any:
    execution = _here(len(work.rows), cache)
    tiers = open_cache(home, execution.cache)
    return compute_vectors(work, tiers, execution, False, DaskCluster())


def _one_edit(rows: tuple[AcceptedItem, ...], files: Path, home: Path) -> dict[str, int]:
    work = ProfileChunk(Home(home), "benchmark", file_address(files), rows)
    _profile(work, home)
    file = files / rows[len(rows) // 2].path
    file.write_bytes(file.read_bytes() + b"\nedited = True\n")
    edited = _row(file, rows[len(rows) // 2].path, file.read_bytes())
    changed = [edited if row.item_id == edited.item_id else row for row in rows]
    done = _profile(
        ProfileChunk(Home(home), "benchmark", file_address(files), tuple(changed)), home
    )
    return {
        "items": len(rows),
        "recomputed": len(rows) - done.from_cache,
        "rows_returned": done.profiles.num_rows,
    }


def _gets(rows: Sequence[AcceptedItem], home: Path) -> dict[str, float]:
    """A batch get of every row, checksum included, from each tier alone; microseconds a row."""
    keys = [profile_key(row.content_hash, row.encoding, row.path) for row in rows]
    found = {}
    for tier in open_cache(home, FeatureCache()).tiers:
        tier.get_many(keys)
        found[tier.name] = (
            min(_seconds(partial(tier.get_many, keys)) for _ in range(5)) / len(keys) * 1e6
        )
    return found


def _by_size(folder: Path) -> list[dict[str, float | str]]:
    """Computing beside keeping and finding again, and the disk that keeping takes, by size."""
    found: list[dict[str, float | str]] = []
    for size in SIZES:
        contents = [text.encode()[:size] for text in _texts_of(size)]
        files = folder / f"files{size}"
        rows = []
        for n, data in enumerate(contents):
            file = files / f"{n}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            rows.append(_row(file, file.name, data))
        for kind, function in (("profile", _profile), ("vectors", _vectors)):
            home = folder / f"{kind}{size}"
            work = ProfileChunk(Home(home), "benchmark", file_address(files), tuple(rows))
            function(work, home / "none", min_item_bytes=1 << 40)
            bare = min(
                _seconds(partial(function, work, home / "none", min_item_bytes=1 << 40))
                for _ in range(3)
            )
            cold = min(
                _seconds(partial(function, work, home / str(n), min_item_bytes=0)) for n in range(3)
            )
            warm = min(
                _seconds(partial(function, work, home / "0", min_item_bytes=0, memory_bytes=0))
                for _ in range(3)
            )
            disk = sum(bytes_by_kind(home / "0").values())
            found.append(
                {
                    "kind": kind,
                    "bytes": size,
                    "compute_us": bare / len(rows) * 1e6,
                    "keep_us": (cold - bare) / len(rows) * 1e6,
                    "find_us": warm / len(rows) * 1e6,
                    "disk_per_content": disk / (size * len(rows)),
                }
            )
    return found


def _texts_of(size: int) -> list[str]:
    """Texts of at least that many characters, of the records that other benchmarks take."""
    each = -(-size // CHARS) + 1
    pieces = list(texts(min(_SIZED_CHARS // size, _MOST_SIZED) * each))
    return [" ".join(pieces[n : n + each]) for n in range(0, len(pieces), each)]


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """With the processor seconds of this process: other work on the machine does not count."""
    began = time.process_time()
    result = function()
    return result, time.process_time() - began


def _seconds(function: Callable[[], Any]) -> float:
    return _timed(function)[1]


def _show(figures: dict[str, Any]) -> str:
    warm = [
        (
            f"warm from {name}",
            found["seconds"],
            found["without_reading_s"],
            found["cold_per_warm"],
            found["cold_per_warm_with_reading"],
            found["not_kept"],
        )
        for name, found in figures["warm"].items()
    ]
    cold = figures["cold_s"] - figures["read_and_hash_s"]
    whole = [("cold", figures["cold_s"], cold, 1.0, 1.0, figures["items"]), *warm]
    gets = [(name, us, us / LIMIT_GET_US) for name, us in figures["get_us_per_row"].items()]
    sizes = [tuple(one.values()) for one in figures["by_size"]]
    edit = figures["one_edit"]
    titles = [
        f"{figures['items']:,} items, {figures['bytes']:,} bytes; reading and hashing them takes "
        f"{figures['read_and_hash_s']:.2f} s of the processor; limit: {LIMIT_TIMES:g} times faster",
        f"A batch get of all rows, checksums included; limit: {LIMIT_GET_US:g} us a row in L2",
        f"Where keeping does not pay: profiles below {PROFILES_FROM:,} bytes and vectors below "
        f"{VECTORS_FROM:,} are not kept; microseconds an item, all tiers",
    ]
    return "\n".join(
        [
            table(
                titles[0],
                ("profiling", "s", "s without reading", "times faster", "with reading", "computed"),
                whole,
            ),
            table(titles[1], ("tier", "us a row", "of the limit"), gets),
            table(
                titles[2],
                ("kind", "bytes", "compute", "keep more", "find", "disk per content"),
                sizes,
            ),
            f"One edit in {edit['items']:,} items: {edit['recomputed']} recomputed, "
            f"{edit['rows_returned']:,} rows returned",
        ]
    )
