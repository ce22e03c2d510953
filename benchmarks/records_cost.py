"""What short records cost from file to report, beside the bare loop of profile and services."""

import argparse
import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orchestration_assets
import resources
from benchmarks._output import table, write_json
from benchmarks._records import texts, write_records
from benchmarks.first_light import step_seconds
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.profiling.profiler import load_everything, profile
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.services.registry import load_embedded

LIMIT_PER_BARE: Final = 2.5
LIMIT_PEAK_MB: Final = 400
_BARE_RECORDS: Final = 2_000
# Linux counts kilobytes, macOS bytes
_RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
_BESIDE: Final = ("jobs", "sensors")
_SERVICES: Final = ("stopwords", "langid")
_POLICY: Final = """
version: 2
content:
  records:
    - {files: "*.jsonl", text: text, id: id}
services:
  stopwords: {implementation: stopwords}
  langid: {implementation: langid}
tasks:
  natural_language:
    question: In which language is the prose written?
    kind: label
    default: {model: parallel, services: [stopwords, langid]}
"""


def main(arguments: Sequence[str]) -> int:
    """``[--records N] [--json FILE]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks records_cost", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(given.records, Path(folder))
    print(_show(figures))
    write_json(given.json, figures)
    return 0


def measure(records: int, folder: Path) -> dict[str, Any]:
    """The bare loop before and after the run, so that a change of the machine's load shows."""
    policy, source, home = folder / "policy.yaml", folder / "source", folder / "home"
    policy.write_text(_POLICY, "utf-8")
    source.mkdir()
    write_records(source / "records.jsonl", records)
    compile_packages()
    before = _bare_ms(min(records, _BARE_RECORDS), policy)
    run = orchestrate("run", source, "--home", home, "--policy", policy)
    after = _bare_ms(min(records, _BARE_RECORDS), policy)
    bare = {name: min(before[name], after[name]) for name in before}
    bare_ms = sum(bare.values())
    cpu_ms = run["cpu_s"] / records * 1000
    return {
        "records": records,
        "bare_ms": bare,
        "bare_total_ms": bare_ms,
        "cpu_ms_per_record": cpu_ms,
        "cpu_per_bare": cpu_ms / bare_ms,
        "wall_ms_per_record": run["wall_s"] / records * 1000,
        "peak_mb": run["peak_mb"],
        "home_bytes": bytes_by_kind(home),
        "steps_s": step_seconds(home),
    }


def _bare_ms(count: int, policy: Path) -> dict[str, float]:
    """Processor milliseconds a record of profile and of each service, and nothing else."""
    load_everything()
    task = build_tasks(load_policy(policy).policy)["natural_language"]
    services = [load_embedded(name) for name in _SERVICES]
    contents = list(texts(count))
    warm = profile("r.jsonl#0", contents[0], size_bytes=len(contents[0])).features
    for service in services:
        service.answer(Question(task, Item("", "", "r.jsonl#0", contents[0], warm)))
    began = time.process_time()
    profiles = [
        profile(f"r.jsonl#{n}", text, size_bytes=len(text)).features
        for n, text in enumerate(contents)
    ]
    found = {"profile": (time.process_time() - began) / count * 1000}
    for service in services:
        began = time.process_time()
        for n, (text, features) in enumerate(zip(contents, profiles, strict=True)):
            service.answer(Question(task, Item("", "", f"r.jsonl#{n}", text, features)))
        found[service.name] = (time.process_time() - began) / count * 1000
    return found


def compile_packages() -> None:
    """Byte code for every module of the project, as an installer makes it: else a run in a fresh
    check-out begins with compiling them."""
    folders = {Path(str(module.__file__)).parent for module in (orchestration_assets, resources)}
    for folder in (*folders, *(folder.parent / name for folder in folders for name in _BESIDE)):
        if folder.is_dir():
            compileall.compile_dir(folder, quiet=2)


def orchestrate(command: str, *arguments: str | Path) -> dict[str, float]:
    """The command in a process of its own: its time with that of its workers, and the peak of the
    largest of these processes."""
    words = [sys.executable, "-m", "orchestration_assets", command, *map(str, arguments), "--json"]
    began = time.perf_counter()
    # an installed package keeps its byte code and templates; a check-out may be told not to
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert process.stdout is not None
    with process.stdout:
        process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": wall,
        "peak_mb": usage.ru_maxrss * _RSS_UNIT / 1e6,
    }


def bytes_by_kind(home: Path) -> dict[str, int]:
    """Bytes on disk below the home, by the first folders; a sparse file counts what it takes."""
    found: dict[str, int] = {}
    for path in home.rglob("*"):
        if path.is_file():
            parts = path.relative_to(home).parts[:-1]
            kind = "/".join(parts[:2]) or path.name
            found[kind] = found.get(kind, 0) + path.stat().st_blocks * 512
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _show(figures: dict[str, Any]) -> str:
    records, total = figures["records"], sum(figures["home_bytes"].values())
    bare = [*figures["bare_ms"].items(), ("together", figures["bare_total_ms"])]
    limits = [
        (
            "processor time per bare loop",
            figures["cpu_per_bare"],
            LIMIT_PER_BARE,
            figures["cpu_per_bare"] / LIMIT_PER_BARE,
        ),
        (
            "peak memory of the largest process, MB",
            figures["peak_mb"],
            float(LIMIT_PEAK_MB),
            figures["peak_mb"] / LIMIT_PEAK_MB,
        ),
    ]
    whole = [
        ("processor time of all processes, ms", figures["cpu_ms_per_record"]),
        ("time on the clock, ms", figures["wall_ms_per_record"]),
    ]
    steps = [(name, took, took / records * 1000) for name, took in figures["steps_s"].items()]
    kinds = [(kind, size / 1e6, size / records) for kind, size in figures["home_bytes"].items()]
    return "\n".join(
        [
            table(f"{records:,} records: bare loop, processor ms a record", ("part", "ms"), bare),
            table("The whole run, a record", ("figure", "found"), whole),
            table("Steps on the clock", ("step", "s", "ms a record"), steps),
            table(
                "The home",
                ("kind", "MB", "bytes a record"),
                [*kinds, ("all", total / 1e6, total / records)],
            ),
            table("Limits", ("figure", "found", "limit", "ratio"), limits),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
