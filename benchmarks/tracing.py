"""What traces cost a run: processor time with and without them, and inside of them.

Each run is a process of its own over new items, in turn without traces, with the default share of
items and with every item. A receiver on loopback takes what is sent and forgets it; its work is not
counted. ``ratio`` is the processor time of whole runs beside those without traces, which on a busy
machine varies more than traces cost; ``inside`` is what they took, imports included, beside the
rest of the same run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks._corpora import standard_library, texts_of
from benchmarks._output import table, write_json

LIMIT: Final = 0.03
"""The most that traces may add to the processor time of a run, by the default share of items."""
_SHARES: Final = {"off": None, "share 0.05": "0.05", "share 1": "1"}
_OVER_HTTP: Final = """
version: 2
services:
  fixed:
    type: openai_chat
    base_url: http://127.0.0.1:{port}/v1
    model: fixed-1
    concurrency: 64
    prompt: {{user: "{{{{ content }}}}"}}
tasks:
  {tasks}
"""
_TASK: Final = (
    "t{number}: {{kind: label, question: Which?, labels: [red, blue], "
    "default: {{model: sequential, services: [fixed]}}}}"
)


def main(arguments: Sequence[str]) -> int:
    """``[--items N] [--rounds N] [--json FILE]``; makes homes in temporary folders."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tracing", description=__doc__)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        print(json.dumps(_child(given.child)))
        return 0
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, _receiver() as url, _service() as port:
        folder = Path(name)
        source = folder / "source"
        source.mkdir()
        for number, one in enumerate(texts_of(standard_library(), ".py", given.items)):
            (source / f"{number}.py").write_text(one.text[:4000], "utf-8")
        policy = folder / "http.yaml"
        tasks = "\n  ".join(_TASK.format(number=number) for number in range(4))
        policy.write_text(_OVER_HTTP.format(port=port, tasks=tasks), "utf-8")
        for load, more in (("embedded", []), ("http", ["--policy", str(policy)])):
            figures[load] = _figures(folder / load, source, more, url, given.rounds)
    print(_show(figures))
    write_json(given.json, {"items": given.items, "limit": LIMIT, **figures})
    return 0


def _figures(
    folder: Path, source: Path, more: list[str], url: str, rounds: int
) -> dict[str, dict[str, float]]:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in _SHARES}
    folder.mkdir()
    for round_ in range(rounds):
        for name, share in _SHARES.items():
            home = folder / f"{round_}-{name.replace(' ', '-')}"
            arguments = ["run", str(source), "--home", str(home), "--jobs", "1", *more]
            runs[name].append(_run(arguments, share, url))
    off = median(one["cpu_s"] for one in runs["off"])
    return {
        name: {
            "cpu_s": median(one["cpu_s"] for one in own),
            "ratio": median(one["cpu_s"] for one in own) / off,
            "inside": median(one["inside_s"] / (one["cpu_s"] - one["inside_s"]) for one in own),
            "spans": median(one["spans"] for one in own),
        }
        for name, own in runs.items()
    }


def _run(arguments: list[str], share: str | None, url: str) -> dict[str, float]:
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OMP_NUM_THREADS": "1"}
    environment["ORCHESTRATION_DASK"] = "threads"
    environment.pop("ORCHESTRATION_TRACE_SHARE", None)
    if share is not None:
        environment["ORCHESTRATION_TRACE_SHARE"] = share
    program = [sys.executable, "-m", "benchmarks", "tracing", "--child", json.dumps(arguments)]
    done = subprocess.run(program, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(arguments: list[str]) -> dict[str, float]:
    from orchestration_assets.__main__ import main as orchestrate
    from orchestration_assets.tracing.export import Exporter
    from orchestration_assets.tracing.sender import TraceSender

    inside, spans = 0.0, 0
    whole: Callable[..., None] = TraceSender._safely
    sent: Callable[..., None] = Exporter.spans

    def safely(self: TraceSender, work: Callable[[], object]) -> None:
        nonlocal inside
        began = time.process_time()
        whole(self, work)
        inside += time.process_time() - began

    def counted(self: Exporter, trace: int, records: Sequence[Any]) -> None:
        nonlocal spans
        spans += len(records)
        sent(self, trace, records)

    TraceSender._safely = safely  # type: ignore[method-assign]
    Exporter.spans = counted  # type: ignore[method-assign]
    with redirect_stdout(StringIO()):
        code = orchestrate(arguments)
    if code != 0:
        raise SystemExit(code)
    return {"cpu_s": time.process_time(), "inside_s": inside, "spans": spans}


@contextmanager
def _receiver() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _service() -> Iterator[int]:
    program = [sys.executable, "-m", "benchmarks._fixed_server", "1"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def _show(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    header = ("services", "traces", "CPU s", "ratio", "inside", "spans")
    rows = [
        (load, name, one["cpu_s"], one["ratio"], f"{one['inside']:.2%}", int(one["spans"]))
        for load, own in figures.items()
        for name, one in own.items()
    ]
    return table(f"cost of traces (limit {LIMIT:.0%} by the default share)", header, rows)
