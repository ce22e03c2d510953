"""A tick of the sensor on many files, and manifests of many records, beside bare reading."""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks._output import table, write_json
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.policy import Policy
from resources.home import Home

LIMIT_COLD_S = 20.0
LIMIT_AGAIN_S = 5.0
LIMIT_SETTLED_PER_WALK = 1.2
LIMIT_PEAK_MB = 1000.0
_FILES_A_FOLDER = 100
_LOOKS = 5


def main(arguments: Sequence[str]) -> int:
    """``[--files N] [--records N] [--json FILE]``: makes both corpora in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks intake", description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        what, folder = given.child
        measured = {"ticks": _ticks, "manifests": _manifests}[what](Path(folder))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**measured, "peak_mb": peak}))
        return 0
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        _make_files(Path(folder) / "source", given.files)
        figures["files"] = {"files": given.files, **_child("ticks", folder)}
    with tempfile.TemporaryDirectory() as folder:
        size = _make_records(Path(folder) / "source", given.records)
        figures["records"] = {
            "records": given.records,
            "file_mb": size / 1e6,
            **_child("manifests", folder),
        }
    print(_show(figures))
    write_json(given.json, figures)
    return 0


def _child(what: str, folder: str) -> dict[str, Any]:
    """Measures in a process of its own, so that the peak of memory is that of the work."""
    command = [sys.executable, "-m", "benchmarks", "intake", "--child", what, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _make_files(source: Path, count: int) -> None:
    for number in range(count):
        if number % _FILES_A_FOLDER == 0:
            folder = source / f"{number // 10_000:03}" / f"{number // _FILES_A_FOLDER:06}"
            folder.mkdir(parents=True)
        (folder / f"{number:07}.txt").write_text(f"file number {number}\n")


def _make_records(source: Path, count: int) -> int:
    source.mkdir(parents=True)
    with (source / "records.jsonl").open("w") as file:
        for number in range(count):
            words = f"record {number} of many, with a sentence that is its own: {number * 7919}"
            file.write(json.dumps({"id": number, "text": words * 3}) + "\n")
    return (source / "records.jsonl").stat().st_size


def _policy(folder: Path) -> Path:
    """The packaged policy, with record files declared and without the sensor's waits."""
    shown = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    shown["content"] |= {
        "settle_s": 0,
        "records": [{"files": "*.jsonl", "text": "text", "id": "id"}],
    }
    shown["content"]["batch"] |= {"wait_s": 0}
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(shown))
    return path


def _clock(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds by the wall and by this process's CPU, and what the work gave."""
    began, began_cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - began, time.process_time() - began_cpu, result


def _ticks(folder: Path) -> dict[str, Any]:
    """A bare walk, then ticks of the real sensor: all new, nothing new, nothing new once run."""
    import dagster as dg

    from orchestration_assets.content.intake import unfinished
    from resources.home_resource import HomeResource, PolicyFileResource
    from sensors.new_content import new_content_sensor

    source, home = folder / "source", folder / "home"
    os.environ["ORCHESTRATION_SOURCES"] = str(source)
    resources = {
        "home": HomeResource(path=str(home)),
        "policy_file": PolicyFileResource(path=str(_policy(folder))),
    }
    walk_s, walk_cpu_s, walked = _clock(lambda: _walk(source))
    with dg.DagsterInstance.ephemeral() as instance:
        cursor: str | None = None

        def tick() -> dg.SensorResult:
            nonlocal cursor
            with dg.build_sensor_context(
                instance=instance, cursor=cursor, resources=resources
            ) as context:
                result = new_content_sensor(context)
            assert isinstance(result, dg.SensorResult)
            cursor = result.cursor
            return result

        cold_s, cold_cpu_s, _ = _clock(tick)
        batches = unfinished(Home(home))
        again_s, again_cpu_s, _ = _clock(tick)
    settled_s, settled_cpu_s = _settled_look(source, home, load_policy(_policy(folder)).policy)
    # once more, when as much of the folders is in the caches
    settled_walk_cpu_s = min(_clock(lambda: _walk(source))[1] for _ in range(_LOOKS))
    return {
        "walked": walked,
        "batches": len(batches),
        "bare_walk_s": walk_s,
        "cold_s": cold_s,
        "again_s": again_s,
        "bare_walk_cpu_s": walk_cpu_s,
        "cold_cpu_s": cold_cpu_s,
        "again_cpu_s": again_cpu_s,
        "cold_per_walk": cold_cpu_s / walk_cpu_s,
        "again_per_walk": again_cpu_s / walk_cpu_s,
        "settled_s": settled_s,
        "settled_cpu_s": settled_cpu_s,
        "settled_per_walk": settled_cpu_s / settled_walk_cpu_s,
        "cold_per_limit": cold_s / LIMIT_COLD_S,
        "again_per_limit": again_s / LIMIT_AGAIN_S,
    }


def _settled_look(source: Path, home: Path, policy: Policy) -> tuple[float, float]:
    """Seconds by the wall and by CPU of a look once every batch has a manifest: the least of some.

    The first such look lists everything, and remembers that there was nothing.
    """
    from datetime import UTC, datetime

    from orchestration_assets.content.intake import take_in
    from orchestration_assets.content.manifest_builder import make_manifest
    from orchestration_assets.progress import SilentProgress
    from orchestration_assets.schemas.tables import CONTENT_MANIFEST

    for batch in Home(home).batches.recorded():
        made = make_manifest(Home(home), batch, policy.content, SilentProgress())
        Home(home).tables.write(CONTENT_MANIFEST, made, batch)

    def look() -> None:
        take_in(Home(home), str(source), policy.content, datetime.now(UTC))

    look()
    clocks = [_clock(look)[:2] for _ in range(_LOOKS)]
    return min(wall for wall, _ in clocks), min(cpu for _, cpu in clocks)


def _walk(folder: Path) -> int:
    """Listing with sizes and times, and nothing else."""
    count, ahead = 0, [str(folder)]
    while ahead:
        with os.scandir(ahead.pop()) as children:
            for child in children:
                if child.is_dir(follow_symlinks=False):
                    ahead.append(child.path)
                else:
                    child.stat(follow_symlinks=False)
                    count += 1
    return count


def _manifests(folder: Path) -> dict[str, Any]:
    """From the listing of one large record file to the manifests of all its batches."""
    from datetime import UTC, datetime

    from orchestration_assets.content.intake import take_in
    from orchestration_assets.content.manifest_builder import make_manifest
    from orchestration_assets.progress import SilentProgress
    from orchestration_assets.schemas.tables import CONTENT_MANIFEST

    source, home = folder / "source", folder / "home"
    content = load_policy(_policy(folder)).policy.content
    store = Home(home).tables
    lines_s, lines_cpu_s, lines = _clock(lambda: _read_lines(source / "records.jsonl"))
    intake_s, intake_cpu_s, intake = _clock(
        lambda: take_in(Home(home), str(source), content, datetime.now(UTC))
    )

    def manifests() -> int:
        rows = 0
        for batch in intake.recorded:
            made = make_manifest(Home(home), batch, content, SilentProgress())
            store.write(CONTENT_MANIFEST, made, batch)
            rows += made.num_rows
        return rows

    manifests_s, manifests_cpu_s, rows = _clock(manifests)
    return {
        "lines": lines,
        "batches": len(intake.recorded),
        "rows": rows,
        "bare_json_s": lines_s,
        "intake_s": intake_s,
        "manifests_s": manifests_s,
        "bare_json_cpu_s": lines_cpu_s,
        "cpu_s": intake_cpu_s + manifests_cpu_s,
        "per_bare_json": (intake_cpu_s + manifests_cpu_s) / lines_cpu_s,
    }


def _read_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if json.loads(line)["text"])


def _both(figures: dict[str, Any], name: str) -> list[str]:
    return [f"{figures[f'{name}_s']:.2f} s", f"{figures[f'{name}_cpu_s']:.2f} s"]


def _show(figures: dict[str, Any]) -> str:
    files, records = figures["files"], figures["records"]
    rows = [
        ["bare walk", *_both(files, "bare_walk"), "", ""],
        *(
            [words, *_both(files, name), f"{files[name + '_per_walk']:.1f} x walk", limit]
            for name, words, limit in (
                ("cold", "tick, all new", f"limit {LIMIT_COLD_S:.0f} s"),
                ("again", "tick, nothing new", f"limit {LIMIT_AGAIN_S:.0f} s"),
                (
                    "settled",
                    "look, nothing new, all read",
                    f"limit {LIMIT_SETTLED_PER_WALK} x walk",
                ),
            )
        ),
        ["peak memory", f"{files['peak_mb']:.0f} MB", "", "", ""],
    ]
    together = records["intake_s"] + records["manifests_s"]
    of_records = [
        ["bare json.loads", *_both(records, "bare_json"), "", ""],
        ["listing and cutting", f"{records['intake_s']:.2f} s", "", "", ""],
        [
            "with manifests",
            f"{together:.2f} s",
            f"{records['cpu_s']:.2f} s",
            f"{records['per_bare_json']:.1f} x bare",
            "",
        ],
        ["peak memory", f"{records['peak_mb']:.0f} MB", "", "", f"limit {LIMIT_PEAK_MB:.0f} MB"],
    ]
    header = ["", "wall", "cpu", "ratio of cpu", "limit"]
    of_files = f"{files['files']:,} files, {files['batches']} batches"
    size = f"{records['file_mb']:.0f} MB, {records['batches']} batches"
    return (
        table(of_files, header, rows)
        + "\n"
        + table(f"{records['records']:,} records, {size}", header, of_records)
    )
