"""Money over killed, resumed and repeated runs: the command, real kills, a server's own bill."""

import json
import time
from pathlib import Path

import pytest

from orchestration_assets.schemas.tables import CORPUS_REPORT
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home
from tests.forked import Captured, command

pytestmark = pytest.mark.slow

ITEMS = 120
CALL_USD = 0.002
POLICY = """
version: 2
services:
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    concurrency: 4
    price: {{input_usd: 0.0, output_usd: 0.0, call_usd: 0.002}}
    prompt:
      system: "You label texts. {{{{ task.question }}}} One of: {{{{ labels | join(', ') }}}}."
      user: "{{{{ content }}}}"
tasks:
  colour:
    kind: label
    question: Which colour?
    labels: [red, green, blue]
    default: {{model: sequential, services: [model]}}
"""


def start(source: Path, home: Path, policy: Path, *more: str) -> Captured:
    given = ("run", source, "--json", "--home", home, "--policy", policy)
    return command(source.parent, *given, *more)


def finished(child: Captured) -> dict:
    out, _ = child.communicate()
    return json.loads(out)


def test_a_budget_holds_over_a_kill_and_the_home_says_what_was_paid_in_all(tmp_path) -> None:
    source, home, policy = tmp_path / "source", tmp_path / "home", tmp_path / "policy.yaml"
    source.mkdir()
    for n in range(ITEMS):
        (source / f"note{n}.txt").write_text(f"This is the note with number {n}, a colour word.\n")
    server = DrillServer(FaultScript(median_ms=25))
    budget = 60 * CALL_USD
    with serving(server) as url:
        policy.write_text(POLICY.format(url=url))
        child = start(source, home, policy, "--budget-usd", str(budget))
        while len(server.billed) < 20:
            assert child.poll() is None
            time.sleep(0.005)
        child.kill()
        child.wait()
        billed = len(server.billed)
        resumed = finished(start(source, home, policy, "--budget-usd", str(budget)))
        bill = len(server.billed) * CALL_USD
        # calls in flight at the kill are counted, and may be billed once more
        assert bill <= budget + 4 * CALL_USD + 1e-9
        # what was answered but not on disk at the kill is paid for twice, and billed once: the
        # server knows the question again
        lost = 8 * CALL_USD
        assert abs(resumed["paid_usd"] - bill) <= lost + 1e-9
        assert resumed["account_usd"] <= budget + 1e-9
        assert resumed["account_usd"] > budget - 2 * CALL_USD
        assert resumed["cost_usd"] <= resumed["account_usd"] - 15 * CALL_USD
        assert resumed["over_budget"] > 0
        assert billed < len(server.billed)
        # done again on purpose, it has the whole budget again: what is known costs nothing
        # the next run does not ask it, and says what would
        idle = finished(start(source, home, policy))
        assert not idle["batches"]
        assert f"{resumed['over_budget']} readings" in " ".join(idle["left_standing"])
        again = finished(start(source, home, policy, "--budget-usd", "1.0", "--reprocess"))
        assert again["over_budget"] == 0
        bill = len(server.billed) * CALL_USD
        assert abs(again["paid_usd"] - bill) <= lost + 1e-9
        free = finished(start(source, home, policy, "--reprocess"))
    # one probe a run, if at all: every answer is known
    assert free["cost_usd"] <= CALL_USD + 1e-9
    rows = list(CORPUS_REPORT.rows(Home(home).tables.read("corpus_report")))
    assert sum(row.cost_usd for row in rows) == 0.0
    probes = Home(home).spending.rows().to_pylist()
    probed = sum(row["usd"] for row in probes if row["purpose"] == "probe")
    assert sum(row.paid_usd for row in rows) + probed == pytest.approx(free["paid_usd"])
    cards = Home(home).tables.read("service_scorecards").to_pylist()
    assert sum(card["cost_usd"] for card in cards) == pytest.approx(free["paid_usd"] - probed)
    index = (home / "reports" / "index.html").read_text()
    assert 'data-figure="total_paid_usd"' in index
