"""The explorer under load: latency of pages and growth of memory over a home of many items.

A base home is processed once; its tables are written again and again under other ids, paths and
batches until there are as many items as asked for. Then `orchestrate serve` indexes that home, and
requests are sent at a steady rate whether or not those before were answered: a page that is late
makes the next ones late, and that is counted.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks._output import table, write_json
from orchestration_assets.schemas.tables import BATCH_TABLES, CONTENT_MANIFEST, TABLES
from resources.home import Home

_BATCH_ITEMS: Final = 10_000
_WORDS: Final = (
    "the plan of the house was good and it is not the same that we had because they were late "
    "meeting afternoon report number river market paper window table letter garden morning"
).split()
_ID_COLUMNS: Final = ("item_id", "entry_id", "computed_as", "representative")
_LEFT_OUT: Final = frozenset({"content_vectors", "disagreement_report"})
"""Vectors are most of the bytes, and no page shows them."""


@dataclass(frozen=True)
class Answered:
    """One request: its kind, when it was answered after it was due, in seconds, and its status."""

    kind: str
    seconds: float
    status: int


def main(arguments: Sequence[str]) -> int:
    """Prints latencies and memory; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks explorer", description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2, help="processes that make pages")
    parser.add_argument("--base", type=Path, help="a home with one batch; made when left out")
    parser.add_argument("--home", type=Path, help="where the large home is kept, to be used again")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="explorer-") as scratch:
        folder = given.home or Path(scratch) / "home"
        if not (folder / "tables").is_dir():
            base = given.base or _base_home(Path(scratch))
            grow(base, folder, given.items)
        figures = _measure(folder, given.rate, given.seconds, given.workers)
    kinds = figures.pop("kinds")
    print(table("Pages", ("page", "requests", "p50 ms", "p95 ms", "worst ms"), kinds))
    print(table("The server", ("figure", "value"), list(figures.items())))
    write_json(given.json, {**figures, "kinds": kinds})
    return 0


def _base_home(scratch: Path) -> Path:
    """A home of one batch of 1,000 generated items."""
    rng, source, home = random.Random(20), scratch / "source", scratch / "base"
    for number in range(1_000):
        text = " ".join(rng.choices(_WORDS, k=rng.randint(20, 120)))
        suffix = rng.choice(("txt", "md", "py", "json"))
        body = {
            "md": f"# Note {number}\n\n{text}.\n",
            "py": f'"""Note {number}: {text}."""\nvalue = {number}\n',
            "json": json.dumps({"number": number, "text": text}),
        }.get(suffix, f"{number}. {text}.\n")
        path = source / rng.choice(_WORDS) / f"{rng.choice(_WORDS)}-{number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, "utf-8")
    run = (sys.executable, "-m", "orchestration_assets", "run", str(source), "--home", str(home))
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return home


def grow(base: Path, folder: Path, items: int) -> None:
    """A home of at least so many items, made of the one batch of another."""
    source, target = Home(base), Home(folder)
    (batch,) = source.tables.batches(CONTENT_MANIFEST.name)
    tables = {
        name: source.tables.read(name, batch)
        for name in BATCH_TABLES
        if name not in _LEFT_OUT and source.tables.exists(name, batch)
    }
    own = tables[CONTENT_MANIFEST.name].num_rows
    copies, per_batch = -(-items // own), max(1, _BATCH_ITEMS // own)
    entries = source.batches.read(batch)
    for path in source.policies.glob("*.json"):
        target.policies.mkdir(parents=True, exist_ok=True)
        (target.policies / path.name).write_bytes(path.read_bytes())
    for number, first in enumerate(range(0, copies, per_batch)):
        name = f"2026{1 + number // 28:02d}{1 + number % 28:02d}T000000Z-{number:08x}"
        copied = range(first, min(first + per_batch, copies))
        target.batches.write(name, entries)
        for table_name, data in tables.items():
            parts = [_renamed(data, name, copy) for copy in copied]
            target.tables.write(TABLES[table_name], pa.concat_tables(parts), name)


def _renamed(data: pa.Table, batch: str, copy: int) -> pa.Table:
    """The rows under another batch, and their items under other ids and paths."""
    for name in data.column_names:
        place = data.schema.get_field_index(name)
        if name == "batch":
            column: Any = pa.array([batch] * data.num_rows)
        elif name in _ID_COLUMNS:
            column = pc.binary_replace_slice(data[name], 0, 5, f"{copy:05x}").cast(pa.string())
        elif name == "path":
            prefix = pa.scalar(f"copy-{copy}/")
            column = pc.binary_join_element_wise(prefix, data[name], "")
        else:
            continue
        data = data.set_column(
            place, data.schema.field(name), column.cast(data.schema.field(name).type)
        )
    return data


@contextmanager
def _served(folder: Path, workers: int) -> Iterator[tuple[str, int]]:
    """The address of a server over the home, and its process."""
    command = (sys.executable, "-m", "orchestration_assets", "serve", "--port", "0")
    process = subprocess.Popen(
        [*command, "--home", str(folder), "--workers", str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+/", process.stdout.readline())
        assert found is not None, "the server does not say where it is"
        yield found[0].rstrip("/"), process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _measure(folder: Path, rate: float, seconds: float, workers: int) -> dict[str, Any]:
    with _served(folder, workers) as (address, pid):
        began = time.monotonic()
        _until_looked_up(folder)
        asyncio.run(_until_indexed(address))
        indexed = time.monotonic() - began
        addresses = _addresses(folder)
        asyncio.run(_load(address, addresses, rate, min(10.0, seconds)))
        before, busy = _own_memory(pid), _processor_seconds(pid)
        answered = asyncio.run(_load(address, addresses, rate, seconds))
        after, busy = _own_memory(pid), _processor_seconds(pid) - busy
    bare = _bare_page_ms()
    every = [one.seconds * 1000 for one in answered]
    kinds = []
    for kind in sorted({one.kind for one in answered}):
        times = [one.seconds * 1000 for one in answered if one.kind == kind]
        kinds.append((kind, len(times), *_percentiles(times), max(times)))
    p50, p95 = _percentiles(every)
    return {
        "kinds": [*kinds, ("all", len(every), p50, p95, max(every))],
        "requests a second asked for": rate,
        "seconds": seconds,
        "answers other than 200": sum(one.status != 200 for one in answered),
        "p50 ms": p50,
        "p95 ms": p95,
        "workers": workers,
        "processor ms a page": 1000 * busy / len(answered),
        "pages a second and core": len(answered) / busy,
        "processor ms of a bare page": bare,
        "seconds until all was indexed": indexed,
        "memory before, MB": before,
        "memory after, MB": after,
        "load average": os.getloadavg()[0],
    }


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(times, [50, 95]).tolist()
    return p50, p95


async def _until_indexed(address: str) -> None:
    """Waits until every batch can be searched."""
    async with aiohttp.ClientSession() as client:
        while True:
            async with client.get(f"{address}/spending") as response:
                if "still being indexed" not in await response.text():
                    return
            await asyncio.sleep(1.0)


def _until_looked_up(folder: Path) -> None:
    """Waits until the rows of every batch can be looked up by item."""
    home = Home(folder)
    batches = home.tables.batches(CONTENT_MANIFEST.name)
    wanted = {f"{batch}.rows" for batch in batches}
    rows = folder / "cache" / "explorer" / "rows"
    while {one.name for one in rows.glob("*.rows")} < wanted:
        time.sleep(1.0)


def _addresses(folder: Path) -> list[tuple[str, str]]:
    """Kinds of pages and their addresses, as people would ask for them, always the same."""
    rng, tables = random.Random(7), Home(folder).tables
    batches = tables.batches(CONTENT_MANIFEST.name)
    found: list[tuple[str, str]] = []
    for batch in rng.choices(batches, k=20):
        ids = tables.read(CONTENT_MANIFEST.name, batch, ["item_id"])["item_id"].to_pylist()
        found += [("item", f"/item/{one}") for one in rng.sample(ids, 15)]
        found += [("id prefix", f"/items?q={rng.choice(ids)[:9]}")] * 2
        found += [("batch", f"/batch/{batch}")] * 3
    for _ in range(60):
        word, other = rng.choice(_WORDS), rng.choice(_WORDS)
        found += [
            ("search", f"/items?q={word}"),
            ("rare search", f"/items?q={word}-{rng.randint(0, 999)}+{other}"),
            ("filters", f"/items?task=content_type&family={rng.choice(('code', 'prose'))}"),
            ("filters", f"/items?risk={rng.choice(('low', 'middle', 'high'))}&disputed=1"),
        ]
    for order in ("risk", "severity", "path"):
        found += [(f"by {order}", f"/items?sort={order}")] * 15
    found += (
        [("home", "/")] * 40
        + [("policies", "/policies")] * 10
        + [("lessons", "/review/lessons")] * 10
    )
    rng.shuffle(found)
    return found


async def _load(
    address: str, pages: Sequence[tuple[str, str]], rate: float, seconds: float
) -> list[Answered]:
    """Asks for pages at a steady rate, each at its time."""
    limits = aiohttp.TCPConnector(limit=0)
    patience = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=limits, timeout=patience) as client:
        await client.get(f"{address}/")
        began = time.monotonic()

        async def ask(number: int) -> Answered:
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            kind, path = pages[number % len(pages)]
            status = 0
            with suppress(TimeoutError, aiohttp.ClientError):
                async with client.get(address + path) as response:
                    await response.read()
                    status = response.status
            return Answered(kind, time.monotonic() - due, status)

        return list(await asyncio.gather(*map(ask, range(int(rate * seconds)))))


def _family(pid: int) -> list[int]:
    """A process and those that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _processor_seconds(pid: int) -> float:
    """Processor time of a process and those that it started, so far."""
    every = 0
    for one in _family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        every += int(fields[11]) + int(fields[12])
    return every / os.sysconf("SC_CLK_TCK")


def _own_memory(pid: int) -> float:
    """Memory of a process and those that it started that is no file's, in MB."""
    every = 0
    for one in _family(pid):
        status = Path(f"/proc/{one}/status").read_text()
        found = re.search(r"RssAnon:\s+(\d+) kB", status)
        every += int(found[1]) if found else 0
    return every / 1000


_BARE: Final = "benchmarks._bare_page_server"


def _bare_page_ms() -> float:
    """Processor time of a page of 20 KB that nothing is done for, in milliseconds."""
    process = subprocess.Popen([sys.executable, "-m", _BARE], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        asyncio.run(_load(address, [("bare", "/")], 200.0, 0.5))
        busy = _processor_seconds(process.pid)
        answered = asyncio.run(_load(address, [("bare", "/")], 200.0, 5.0))
        return 1000 * (_processor_seconds(process.pid) - busy) / len(answered)
    finally:
        process.kill()
        process.wait()
