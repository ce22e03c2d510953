"""Where the time goes from a folder to its report: cold, again, and reprocessed."""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from benchmarks._output import table, write_json
from orchestration_assets.content.intake import unfinished
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.listings import ContentError
from resources.content_source import open_source
from resources.home import Home

LIMIT_SECONDS = 60.0
LIMIT_MAGIKA_SHARE = 0.25


def main(arguments: Sequence[str]) -> int:
    """``[SOURCE] [--json FILE]``; SOURCE is the standard library unless given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks first_light", description=__doc__)
    parser.add_argument("source", nargs="?", default=sysconfig.get_path("stdlib"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(given.source, Path(folder) / "home")
    print(_show(figures))
    write_json(given.json, figures)
    return 0


def measure(source: str, home: Path) -> dict[str, Any]:
    """Runs the command three times on an empty home, and reads the same files bare.

    Before that it runs once on a single text in a home of its own: an installed package has its
    modules compiled, and a folder of sources, where nobody may write byte code, compiles all of
    them in each process.
    """
    single = home.with_name("single") / "single.txt"
    single.parent.mkdir()
    single.write_text("A single text.\n", encoding="utf-8")
    _orchestrate(str(single.parent), home.with_name("compiled"))
    bare = _bare_read(source)
    cold, cold_s = _orchestrate(source, home)
    steps = step_seconds(home)
    # before anything is processed again: cached answers have other clocks
    services = _services(home, cold["batches"])
    magika, items = _asked(home, cold["batches"], "magika")
    _, again_s = _orchestrate(source, home)
    _, reprocess_s = _orchestrate(source, home, "--reprocess")
    return {
        "source": source,
        "entries": cold["entries"],
        "accepted": cold["outcomes"].get("accepted", 0),
        "bare_read_s": bare,
        "cold_s": cold_s,
        "again_s": again_s,
        "reprocess_s": reprocess_s,
        "cold_per_limit": cold_s / LIMIT_SECONDS,
        "cold_per_bare_read": cold_s / bare,
        "magika_share": magika / max(items, 1),
        "disputed": cold["disputed"],
        "failed": cold["failed"],
        "steps_s": steps,
        "services_ms": services,
    }


def _orchestrate(source: str, home: Path, *more: str) -> tuple[dict[str, Any], float]:
    command = [sys.executable, "-m", "orchestration_assets", "run", source]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--home", str(home), "--json", *more],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return json.loads(done.stdout), time.perf_counter() - began


def _bare_read(source: str) -> float:
    """Listing, reading and hashing the same files, and nothing else."""
    content = load_policy().policy.content
    began = time.perf_counter()
    opened = open_source(source, content.include, content.exclude)
    for entry in opened.list(datetime.now(UTC)).rows():
        if entry.problem is None:
            try:
                blake2b(opened.read(entry.address, content.max_bytes).data, digest_size=16)
            except ContentError:
                continue
    return time.perf_counter() - began


def step_seconds(home: Path) -> dict[str, float]:
    """Seconds of each step of every run so far, from Dagster's own event log."""
    from orchestration_assets.command.instance import open_instance

    found: dict[str, float] = {}
    with open_instance(Home(home)) as instance:
        for run in instance.get_runs():
            for step in instance.get_run_step_stats(run.run_id):
                if step.start_time and step.end_time:
                    took = step.end_time - step.start_time
                    found[step.step_key] = found.get(step.step_key, 0.0) + took
    assert not unfinished(Home(home))
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _asked(home: Path, batches: Sequence[str], service: str) -> tuple[int, int]:
    store = Home(home).tables
    logs = [store.read("call_log", batch, ["item_id", "service"]) for batch in batches]
    asked = sum(pc.sum(pc.equal(log["service"], service)).as_py() or 0 for log in logs)
    return asked, sum(len(pc.unique(log["item_id"])) for log in logs)


def _services(home: Path, batches: Sequence[str]) -> dict[str, dict[str, float]]:
    import pandas as pd

    store = Home(home).tables
    columns = ["service", "elapsed_ms"]
    calls = pd.concat([store.read("call_log", b, columns).to_pandas() for b in batches])
    described = calls.groupby("service")["elapsed_ms"]
    return {
        str(service): {
            "calls": int(values.size),
            "mean": float(values.mean()),
            "p95": float(values.quantile(0.95)),
            "total": float(values.sum()),
        }
        for service, values in described
    }


def _show(figures: dict[str, Any]) -> str:
    runs = [
        ("bare list, read and hash", figures["bare_read_s"], 1.0),
        ("cold run", figures["cold_s"], figures["cold_per_bare_read"]),
        ("nothing new", figures["again_s"], figures["again_s"] / figures["bare_read_s"]),
        ("reprocess", figures["reprocess_s"], figures["reprocess_s"] / figures["bare_read_s"]),
    ]
    total = sum(figures["steps_s"].values())
    rest = figures["cold_s"] - total
    steps = [(name, took, took / figures["cold_s"]) for name, took in figures["steps_s"].items()]
    services = [(name, *values.values()) for name, values in figures["services_ms"].items()]
    limits = [
        ("cold run, s", figures["cold_s"], LIMIT_SECONDS, figures["cold_per_limit"]),
        (
            "items that magika is asked about",
            figures["magika_share"],
            LIMIT_MAGIKA_SHARE,
            figures["magika_share"] / LIMIT_MAGIKA_SHARE,
        ),
    ]
    title = f"{figures['entries']:,} entries, {figures['accepted']:,} accepted: {figures['source']}"
    return "\n".join(
        [
            table(title, ("run", "seconds", "per bare read"), runs),
            table(
                "Where the cold run's time goes",
                ("step", "seconds", "share"),
                [*steps, ("start, listing, events", rest, rest / figures["cold_s"])],
            ),
            table("Services, ms", ("service", "calls", "mean", "p95", "total"), services),
            table("Limits", ("figure", "found", "limit", "ratio"), limits),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
