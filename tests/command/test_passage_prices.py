"""Forecasts count what prompts show beside the content: a real server's own bill is the measure."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from benchmarks._billing_server import LABELS, BillingServer, serving, unit
from orchestration_assets.__main__ import main
from orchestration_assets.schemas.tables import CALL_LOG, PROCESSING_PLANS
from orchestration_assets.text.token_estimates import token_estimate
from resources.home import Home

pytestmark = pytest.mark.slow

ITEMS = 24
PAGE_WORDS = 180
FILL = "the order we sent last week has not come and nobody could tell me why".split()


@dataclass
class Desk:
    """Short questions, a handbook of long pages, a service that bills by the token."""

    root: Path
    server: BillingServer
    capsys: pytest.CaptureFixture[str]

    def policy(self, at_most: int) -> Path:
        path = self.root / f"policy{at_most}.yaml"
        service = {
            "type": "openai_chat",
            "base_url": self.server.url,
            "model": "skill-90",
            "price": {"input_usd": 3.0, "output_usd": 0.0},
            "prompt": {
                "user": "{% for one in passages %}{{ one.content }}{% endfor %} {{ content }}"
            },
        }
        task = {
            "question": "What is it about?",
            "labels": list(LABELS),
            "passages": {"of": ["handbook"], "at_most": at_most},
            "default": {"model": "sequential", "services": ["model"]},
        }
        policy = {
            "version": 2,
            "knowledge": {"handbook": {"source": str(self.root / "handbook")}},
            "services": {"model": service},
            "tasks": {"topic": task},
        }
        path.write_text(yaml.safe_dump(policy))
        return path

    def called(self, command: str, at_most: int, *more: str) -> dict:
        home = ("--home", str(self.root / "home"), "--policy", str(self.policy(at_most)))
        self.capsys.readouterr()
        assert main([command, *more, *home, "--json"]) == 0
        return json.loads(self.capsys.readouterr().out)

    def preview(self, at_most: int, *, back: bool = False) -> dict:
        return self.called("preview", at_most, *([] if back else [str(self.root / "source")]))

    def billed(self, at_most: int, *more: str) -> float:
        before = self.server.billed
        self.called("run", at_most, str(self.root / "source"), *more)
        return self.server.billed - before


@pytest.fixture
def desk(tmp_path, capsys):
    handbook, source = tmp_path / "handbook", tmp_path / "source"
    handbook.mkdir()
    source.mkdir()
    for n in range(12):
        fill = " ".join(FILL[int(unit(n, place) * len(FILL))] for place in range(PAGE_WORDS))
        (handbook / f"page{n}.md").write_text(f"# Part{n}\n\nOf part{n} and of {fill}.\n")
    for n in range(ITEMS):
        (source / f"{n}.txt").write_text(
            f"Where is part{n % 12}, near part{(n * 5 + 1) % 12}, by {n}?\n"
        )
    with serving(3.0, 0.0) as server:
        yield Desk(tmp_path, server, capsys)


def test_the_passages_that_will_be_shown_are_in_the_price(desk) -> None:
    unknown = desk.preview(2)
    assert unknown["not_indexed"] == ["handbook"]
    assert main(["job", "refresh_knowledge", "--home", str(desk.root / "home"),
                 "--policy", str(desk.policy(2))]) == 0  # fmt: skip
    ahead = desk.preview(2)
    assert ahead["not_indexed"] == []
    paid = desk.billed(2)
    # nothing was seen before: the server counts tokens in a way that no estimate knows
    assert ahead["usd"] == pytest.approx(paid, rel=0.3)
    assert ahead["usd_low"] <= paid <= ahead["usd_high"]
    # before there was an index, documents said how long passages are
    assert unknown["usd"] == pytest.approx(ahead["usd"], rel=0.1)

    tables = Home(desk.root / "home").tables
    (batch,) = tables.batches(PROCESSING_PLANS.name)
    plans = tables.read(PROCESSING_PLANS.name, batch).to_pylist()
    shown = [one["text"] for plan in plans for one in plan["passages"]]
    assert len(shown) > ITEMS
    assert ahead["shown_tokens"] == sum(map(token_estimate, shown))
    # without the source what was shown is known from the plans
    assert desk.preview(2, back=True)["shown_tokens"] == ahead["shown_tokens"]

    # fewer passages than what was seen cost less, and answers to other passages are not kept
    fewer = desk.preview(1, back=True)
    assert (fewer["answers_kept"], fewer["answers_asked"]) == (0, ITEMS)
    again = desk.billed(1, "--reprocess")
    assert again < 0.75 * paid
    assert fewer["usd_low"] <= again <= fewer["usd_high"]
    assert fewer["usd"] == pytest.approx(again, rel=0.15)

    # what was asked with the same passages is kept
    kept = desk.preview(1, back=True)
    assert kept["answers_kept"] == ITEMS
    assert kept["usd"] == pytest.approx(0.0)

    # a batch that a killed run has profiled, and not planned
    for table in (PROCESSING_PLANS, CALL_LOG):
        tables.path(table.name, batch).unlink()
    assert desk.preview(1, back=True)["answers_asked"] == ITEMS
