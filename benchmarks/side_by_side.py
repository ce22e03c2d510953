"""Four batches one after the other beside four batches side by side.

Records of 300 bytes, one HTTP service on the loopback that answers after a fixed time, one embedded
service. CPU work stays in the processes in both cases: the policy keeps it below the boundary for
workers, so that one after the other means one process, and the ratio is that of ``--jobs`` alone;
the fixed part of a run (start, intake, reports over all batches) is in it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from benchmarks._output import table, write_json
from benchmarks._records import write_records
from resources.machine import usable_cores

LEAST_SPEED_UP: Final = 1.7
BATCHES: Final = 4
_DELAY_MS: Final = 50
_POLICY: Final = """
version: 2
content:
  batch: {{max_items: {items}}}
  records:
    - {{files: "*.jsonl", text: text, id: id}}
execution:
  tiers: {{dask_from_items: 1000000, dask_from_bytes: 1000000000000}}
services:
  langid: {{implementation: langid}}
  model:
    type: openai_chat
    base_url: http://127.0.0.1:{port}/v1
    model: small-1
    concurrency: 64
    prompt:
      user: "{{{{ task.question }}}} {{{{ content }}}}"
tasks:
  natural_language:
    question: In which language is the prose written?
    kind: label
    default: {{model: sequential, services: [langid]}}
  colour:
    question: Which colour is named?
    labels: [red, green]
    default: {{model: sequential, services: [model]}}
"""


def main(arguments: Sequence[str]) -> int:
    """``[--items N] [--jobs N] [--turns N] [--json FILE]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks side_by_side", description=__doc__)
    parser.add_argument("--items", type=int, default=2_000, metavar="N", help="records a batch")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes side by side")
    parser.add_argument("--turns", type=int, default=1, metavar="N", help="runs of either kind")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = measure(given.items, given.jobs, given.turns)
    print(_show(figures))
    write_json(given.json, figures)
    return 0


def measure(items: int, jobs: int, turns: int) -> dict[str, Any]:
    """Seconds and memory of both, each from its fastest turn; turns alternate."""
    found: dict[int, list[dict[str, float]]] = {1: [], jobs: []}
    with tempfile.TemporaryDirectory() as name, _answering() as port:
        folder = Path(name)
        policy, source = folder / "policy.yaml", folder / "source"
        policy.write_text(_POLICY.format(items=items, port=port), "utf-8")
        source.mkdir()
        write_records(source / "records.jsonl", items * BATCHES)
        for turn in range(turns):
            for count in (1, jobs) if turn % 2 == 0 else (jobs, 1):
                home = folder / f"home-{turn}-{count}"
                found[count].append(_run(source, home, policy, count))
    alone, beside = (min(found[count], key=lambda one: one["wall_s"]) for count in (1, jobs))
    return {
        "items": items * BATCHES,
        "jobs": jobs,
        "cores": usable_cores(),
        "one_after_the_other": alone,
        "side_by_side": beside,
        "speed_up": alone["wall_s"] / beside["wall_s"],
        "cpu_ratio": beside["cpu_s"] / alone["cpu_s"],
    }


@contextmanager
def _answering() -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks._fixed_server", str(_DELAY_MS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


def _run(source: Path, home: Path, policy: Path, jobs: int) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "orchestration_assets", "run", str(source)]
    command += ["--home", str(home), "--policy", str(policy), "--jobs", str(jobs), "--json"]
    began, before = time.monotonic(), os.times()
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    memory = _Memory(child.pid)
    code = child.wait()
    seconds, after = time.monotonic() - began, os.times()
    if code:
        raise RuntimeError(f"the run ended with exit code {code}")
    cpu = after.children_user - before.children_user + after.children_system
    return {
        "wall_s": seconds,
        "cpu_s": cpu - before.children_system,
        "peak_mb": memory.stop() / 2**20,
    }


class _Memory:
    """The most that a process and those below it held together, in bytes; shared pages once."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            held = 0
            try:
                for one in (self._process, *self._process.children(recursive=True)):
                    held += one.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            self._most = max(self._most, held)


def _show(figures: dict[str, Any]) -> str:
    rows = [
        [words, *(figures[name][key] for key in ("wall_s", "cpu_s", "peak_mb"))]
        for name, words in (
            ("one_after_the_other", "one after the other"),
            ("side_by_side", f"{figures['jobs']} side by side"),
        )
    ]
    title = (
        f"{BATCHES} batches, {figures['items']:,} records, {figures['cores']} cores: "
        f"{figures['speed_up']:.2f} times as fast (bar {LEAST_SPEED_UP} on 2 cores)"
    )
    return table(title, ["", "s", "s of CPU", "MB at most"], rows)
