"""The whole loop as a user goes it: runs, a bad minute, a kill, a budget, verdicts, learning."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow.compute as pc

from benchmarks._output import table, write_json
from benchmarks._ticket_verdicts import fill_in_reviews
from benchmarks._tickets import SKILLS, number_in_path, ticket
from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.schemas.disagreement import SERVICE_SCORECARDS
from orchestration_assets.schemas.records import Table
from orchestration_assets.schemas.selection import SELECTION_MODEL
from resources.home import Home

TASK: Final = "concern"
DEFERRED_EXIT: Final = 75
_KILL_AT: Final = 0.3
"""Share of the first half's calls that the server has billed when the first run is killed."""
_BAD_AT: Final = 0.5
"""Share of the first half's calls after which the bad minute begins."""
_MOST_RUNS: Final = 8


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that the system says, beside the truth that it should hold.

    ``low`` and ``high`` are the ends of the stated interval; None where a side is open.
    """

    what: str
    low: float | None
    stated: float
    high: float | None
    truth: float

    @property
    def holds(self) -> bool:
        above = self.low is None or self.truth >= self.low - 1e-9
        return above and (self.high is None or self.truth <= self.high + 1e-9)


@dataclass
class Loop:
    """A folder in which the loop goes on, and what it has said so far."""

    folder: Path
    seed: int
    statements: list[Statement] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def source(self) -> Path:
        return self.folder / "tickets"

    @property
    def bill(self) -> Path:
        return self.folder / "bill.jsonl"

    def state(
        self, what: str, stated: float, truth: float, low: float | None, high: float | None
    ) -> None:
        """Adds a statement."""
        self.statements.append(Statement(what, low, stated, high, truth))

    def billed(self) -> pd.DataFrame:
        """The server's own bill: columns model, ticket (missing for health checks), usd."""
        rows = [json.loads(line) for line in self.bill.read_text("utf-8").splitlines()]
        return pd.DataFrame(rows, columns=["model", "ticket", "usd"])

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.home / "tables" / name, partitioning=None)


def main(arguments: Sequence[str]) -> int:
    """``[--tickets N] [--verdicts N] [--seed N] [--keep FOLDER] [--json FILE]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks whole_loop", description=__doc__)
    parser.add_argument("--tickets", type=int, default=2000, metavar="N")
    parser.add_argument("--verdicts", type=int, default=300, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here and leave it")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        loop = Loop(given.keep or Path(temporary), given.seed)
        loop.folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        measure(loop, given.tickets, given.verdicts)
        loop.notes["seconds"] = round(time.perf_counter() - began, 1)
    print(show(loop))
    rows = [
        {"what": s.what, "low": s.low, "stated": s.stated, "high": s.high, "truth": s.truth}
        for s in loop.statements
    ]
    write_json(given.json, {"statements": rows, "notes": loop.notes})
    return 0 if all(statement.holds for statement in loop.statements) else 1


def measure(loop: Loop, tickets: int, verdicts: int) -> None:
    """Goes the whole loop: half of the tickets before the verdicts, half of them after."""
    half = tickets // 2
    calls = half * len(SKILLS)
    with served(loop, round(_BAD_AT * calls)) as url:
        (loop.folder / "all.yaml").write_text(policy_text(url, learned=False), "utf-8")
        (loop.folder / "learned.yaml").write_text(policy_text(url, learned=True), "utf-8")
        _first_half(loop, half)
        _verdicts(loop, verdicts)
        _second_half(loop, range(half, tickets))
    _totals(loop, tickets)


def _first_half(loop: Loop, count: int) -> None:
    """Every service is asked of every ticket; one kill, one bad minute, a budget that suffices."""
    write_tickets(loop, "first", range(count))
    forecast = orchestrate(loop, "all", "preview", str(loop.source))
    cap = 1.5 * forecast["usd_high"]
    killed = killed_run(loop, cap, round(_KILL_AT * count * len(SKILLS)))
    loop.notes["billed when killed"] = killed
    codes = run_until_done(loop, "all", cap)
    loop.notes["exit codes of the runs after the kill"] = codes
    _cost(loop, "cost of the first half, forecast", forecast, 0.0)
    loop.state("cost of the first half, cap", cap, float(loop.billed()["usd"].sum()), None, cap)


def _cost(loop: Loop, what: str, forecast: Mapping[str, Any], before_usd: float) -> None:
    billed = float(loop.billed()["usd"].sum()) - before_usd
    loop.state(what, forecast["usd"], billed, forecast["usd_low"], forecast["usd_high"])


def _verdicts(loop: Loop, count: int) -> None:
    """Verdicts on the review queue, from its top; then what the jobs make of them."""
    loop.notes["verdicts"] = fill_in_reviews(loop.home, TASK, loop.seed, count)
    for job in ("take_feedback", "calibrate", "learn_selection", "corpus_reports"):
        run_job(loop, "learned", job)
    cards = {card["service"]: card for card in rows_of(loop, SERVICE_SCORECARDS)}
    answers = loop.table("parallel_interpretations")
    answered = answers[answers["status"] == "ok"]
    for service in SKILLS:
        own = answered[answered["service"] == service]
        truth = float((own["answer"] == truths(loop, own)).mean())
        card = cards[service]
        ends = card["accuracy_low"], card["accuracy_high"]
        loop.state(f"accuracy of {service}", card["accuracy"], truth, *ends)


def rows_of(loop: Loop, of: Table[Any]) -> list[dict[str, Any]]:
    """The rows of a table over all batches."""
    rows: list[dict[str, Any]] = Home(loop.home).tables.read(of.name).to_pylist()
    return rows


def truths(loop: Loop, rows: pd.DataFrame) -> pd.Series:
    """The true label of each row's item, as its path names the ticket."""
    paths = loop.table("content_manifest").drop_duplicates("item_id").set_index("item_id")["path"]
    return (
        rows["item_id"].map(paths).map(lambda path: ticket(number_in_path(path), loop.seed).label)
    )


def _second_half(loop: Loop, numbers: range) -> None:
    """What was learned decides, within a budget of half of what asking everybody would cost."""
    accuracy_before, risk = accuracy_of(loop, 0)
    before = float(loop.billed()["usd"].sum())
    write_tickets(loop, "second", numbers)
    cap = 0.5 * before
    budget = ("--budget-usd", f"{cap:.6f}")
    forecast = orchestrate(loop, "learned", "preview", str(loop.source), *budget)
    codes = run_until_done(loop, "learned", cap)
    loop.notes["exit codes of the runs after the verdicts"] = codes
    _cost(loop, "cost of the second half, forecast", forecast, before)
    spent = float(loop.billed()["usd"].sum()) - before
    loop.state("cost of the second half, cap", cap, spent, None, cap)
    loop.notes["cost of the first half, USD"] = round(before, 6)
    loop.notes["cost of the second half, USD"] = round(spent, 6)
    accuracy_after, risk = accuracy_of(loop, 1)
    count = len(numbers)
    low, _ = wilson(round(accuracy_before * count), count)
    # what stands against the majority of all services: not worse than chance allows
    loop.state(
        "accuracy, all services asked -> learned", accuracy_before, accuracy_after, low, None
    )
    (model,) = rows_of(loop, SELECTION_MODEL)
    if model["accuracy"] is not None:
        ends = model["accuracy_low"], model["accuracy_high"]
        loop.state("accuracy of what was learned", model["accuracy"], accuracy_after, *ends)
    spread = 1.96 * (risk * (1.0 - risk)).sum() ** 0.5 / count
    mean = float(risk.mean())
    loop.state(
        "share of wrong answers (mean risk)",
        mean,
        1.0 - accuracy_after,
        mean - spread,
        mean + spread,
    )


def accuracy_of(loop: Loop, half: int) -> tuple[float, pd.Series]:
    """Share of right answers among all tickets of a half, and the stated risks of its answers."""
    rows = loop.table("resolutions")
    rows = rows[rows["path"].str.startswith(("first", "second")[half])]
    rows = rows.sort_values("batch").drop_duplicates("item_id", keep="last")
    right = rows["answer"] == truths(loop, rows)
    return float(right.mean()), rows["error_risk"].fillna(1.0)


def _totals(loop: Loop, tickets: int) -> None:
    rows = loop.table("resolutions").drop_duplicates("item_id")
    loop.state(
        "tickets with an answer",
        tickets,
        int((rows["status"] == "resolved").sum()),
        tickets,
        tickets,
    )
    bill = float(loop.billed()["usd"].sum())
    ledger = spent_in_all(loop)
    in_flight = loop.notes["billed when killed"]["in_flight_usd"]
    loop.state("money spent in all", ledger, bill, ledger - in_flight, ledger + in_flight)
    repeated = loop.billed().groupby(["model", "ticket"]).size()
    loop.notes["calls paid twice"] = int((repeated - 1).sum())


def spent_in_all(loop: Loop) -> float:
    """What the home says that was ever paid."""
    rows = Home(loop.home).spending.rows(["usd"])
    return float(pc.sum(rows["usd"]).as_py() or 0.0)


def write_tickets(loop: Loop, name: str, numbers: range) -> None:
    """Writes the tickets as records of a file of JSON Lines into the source."""
    loop.source.mkdir(exist_ok=True)
    lines = [
        json.dumps({"id": f"{number:06d}", "text": ticket(number, loop.seed).text})
        for number in numbers
    ]
    (loop.source / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


@contextmanager
def served(loop: Loop, bad_from: int) -> Iterator[str]:
    """The server in a process of its own, as a real one is: a kill of the run leaves it alone."""
    loop.bill.touch()
    command = [sys.executable, "-m", "benchmarks._ticket_server", str(loop.seed), str(loop.bill)]
    with subprocess.Popen(
        [*command, str(bad_from), "30"], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        finally:
            server.terminate()


def policy_text(url: str, *, learned: bool) -> str:
    """The policy: every service is asked, unless ``learned`` and something was learned."""
    services = "".join(_SERVICE.format(name=name, url=url, **_price(name)) for name in SKILLS)
    names = ", ".join(SKILLS)
    learning = f"    learned: {{services: [{names}], explore: 0.05}}\n" if learned else ""
    return _POLICY.format(services=services, names=names, learning=learning)


def _price(name: str) -> dict[str, float]:
    return {"input_usd": SKILLS[name].input_usd, "output_usd": SKILLS[name].output_usd}


_POLICY: Final = """version: 2
feedback: {{settle_s: 0}}
content:
  records:
    - {{files: "*.jsonl", text: text, id: id}}
services:
{services}tasks:
  concern:
    question: What is the main concern of the writer?
    labels: [billing, delivery, login, defect, cancellation]
{learning}    default: {{model: parallel, services: [{names}]}}
"""
_SERVICE: Final = """  {name}:
    type: openai_chat
    base_url: {url}
    model: {name}
    price: {{input_usd: {input_usd}, output_usd: {output_usd}}}
    max_output_tokens: 40
    prompt:
      system: "{{{{ task.question }}}} Answer with one of: {{{{ labels | join(', ') }}}}."
      user: "{{{{ content }}}}"
"""


def orchestrate(loop: Loop, policy: str, *arguments: str) -> dict[str, Any]:
    """What a command prints as JSON; raises CalledProcessError when it fails."""
    done = subprocess.run(
        [*_command(loop, policy, *arguments), "--json"], capture_output=True, text=True, check=True
    )
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def run_job(loop: Loop, policy: str, job: str) -> None:
    """Runs a job by name; raises CalledProcessError when it fails."""
    subprocess.run(_command(loop, policy, "job", job), capture_output=True, text=True, check=True)


def _command(loop: Loop, policy: str, *arguments: str) -> list[str]:
    where = ("--home", str(loop.home), "--policy", str(loop.folder / f"{policy}.yaml"))
    return [sys.executable, "-m", "orchestration_assets", *arguments, *where]


def killed_run(loop: Loop, cap: float, calls: int) -> dict[str, float]:
    """Starts the run and kills it once so many calls are billed; what stood on the bill then."""
    command = _command(loop, "all", "run", str(loop.source), "--budget-usd", f"{cap:.6f}")
    run = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while len(loop.billed()) < calls and run.poll() is None:
        time.sleep(0.05)
    if run.poll() is not None:
        raise RuntimeError(f"the run ended with {run.returncode} before it could be killed")
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    time.sleep(1.0)  # what was on its way when the run died is billed all the same
    bill = loop.billed()
    at_once = 16 * len(SKILLS)
    return {
        "requests": len(bill),
        "usd": float(bill["usd"].sum()),
        "in_flight_usd": float(bill["usd"].nlargest(at_once).sum()),
    }


def run_until_done(loop: Loop, policy: str, cap: float) -> list[int]:
    """Runs until nothing is deferred, as a nightly schedule would; the exit codes."""
    codes: list[int] = []
    while len(codes) < _MOST_RUNS and (not codes or codes[-1] == DEFERRED_EXIT):
        run = ("run", str(loop.source), "--budget-usd", f"{cap:.6f}")
        command = _command(loop, policy, *run)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        loop.notes.setdefault("last lines of runs", []).append(done.stdout.splitlines()[:20])
        codes.append(done.returncode)
    return codes


def show(loop: Loop) -> str:
    """The one table, and the notes below it."""
    rows = [
        (
            s.what,
            _figure(s.low),
            _figure(s.stated),
            _figure(s.high),
            _figure(s.truth),
            "yes" if s.holds else "NO",
        )
        for s in loop.statements
    ]
    header = ("statement", "low", "stated", "high", "truth", "holds")
    notes = "\n".join(
        f"{name}: {value}" for name, value in loop.notes.items() if name != "last lines of runs"
    )
    return table("The loop, what it says and what is true", header, rows) + notes


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.4f}"
