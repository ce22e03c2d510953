"""Panels beside asking the best one again and again for the same money.

``python -m benchmarks panel [FOLDER] [--items N] [--seed S] [--json FILE]``. Panels are carried out
as a policy does; who answers is simulated, with a seed. Assumptions of every world: four labels;
each item is easy or hard for all alike to a degree (``shared``), and a member's chance to be right
about an item stays the same; asked again, it says the same with probability ``repeats``, and else
draws afresh; of wrong answers a share (``trap``) is the one distractor of the item. Shown the
others, a member moves to the plurality of them with probability ``follows`` times the share that
holds it; where the right answer is on the table it takes it with probability ``sees``. Every call
costs the same.

With a FOLDER of recorded sets (FrugalML) first answers are the recorded ones of the three best
services of one half, measured on the other; moves are not recorded, and drawn as among peers that
err together and cannot check answers; a service asked again repeats itself.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.evidence.recorded_answer_files import (
    find_frugalml_folders,
    load_frugalml,
)
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    random_halves,
)
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.panel import OWN
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import PlanResult, lead, marked
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice

MEMBERS: Final = 3
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class PanelWorld:
    """What is assumed of members: probabilities in [0, 1], ``accuracy`` by member."""

    name: str
    accuracy: tuple[float, ...]
    shared: float
    trap: float
    follows: float
    sees: float
    repeats: float = 0.7


WORLDS: Final = (
    PanelWorld("peers, answers can be checked", (0.74, 0.72, 0.70), 0.5, 0.4, 0.2, 0.5),
    PanelWorld("the same, afresh each time", (0.74, 0.72, 0.70), 0.5, 0.4, 0.2, 0.5, repeats=0.0),
    PanelWorld("peers, nothing to check", (0.74, 0.72, 0.70), 0.5, 0.4, 0.2, 0.0),
    PanelWorld("peers that follow the crowd", (0.74, 0.72, 0.70), 0.5, 0.4, 0.8, 0.0),
    PanelWorld("peers that err together", (0.74, 0.72, 0.70), 0.9, 0.9, 0.4, 0.2),
    PanelWorld("one that knows, two that do not", (0.88, 0.62, 0.60), 0.5, 0.4, 0.4, 0.2),
)


@dataclass(frozen=True, slots=True)
class Cases:
    """Label codes by item: ``gold`` (n,), the members' ``first`` answers (n, K), and those of the
    best one when it is asked ``again`` (n, draws). ``accuracy`` (K,) in [0, 1]."""

    labels: int
    gold: Ints
    first: Ints
    again: Ints
    accuracy: Floats


def simulated(world: PanelWorld, items: int, rng: np.random.Generator) -> Cases:
    """Items of a world; chances to be right are Beta by difficulty, of mean ``accuracy``."""
    gold = rng.integers(0, 4, items)
    trap = (gold + rng.integers(1, 4, items)) % 4
    difficulty = rng.beta(0.8, 0.8, items)
    chances = []
    for accuracy in world.accuracy:
        own = rng.beta(0.8, 0.8, items)
        mixed = world.shared * difficulty + (1.0 - world.shared) * own
        # ranks give every member its accuracy, whatever it shares
        ranks = (mixed.argsort().argsort() + 0.5) / items
        chances.append(ranks ** (1.0 / accuracy - 1.0))

    def drawn(chance: Floats) -> Ints:
        other = (gold + rng.integers(1, 4, items)) % 4
        wrong = np.where(rng.random(items) < world.trap, trap, other)
        return np.where(rng.random(items) < chance, gold, wrong)

    first = np.stack([drawn(chance) for chance in chances], axis=1)
    best = int(np.argmax(world.accuracy))
    afresh = [
        np.where(rng.random(items) < world.repeats, first[:, best], drawn(chances[best]))
        for _ in range(15)
    ]
    again = np.stack([first[:, best], *afresh], axis=1)
    return Cases(4, gold, first, again, np.array(world.accuracy))


def recorded(folder: Path, items: int, seed: int) -> Cases:
    """The half of a recorded set that the members were not chosen by, as many items at most."""
    answers = load_frugalml(folder)
    train, test = random_halves(answers.n_items, seed)
    accuracy = (answers.answers[train] == answers.gold[train, None]).mean(axis=0)
    chosen = np.argsort(-accuracy, kind="stable")[:MEMBERS]
    test = test[:items]
    first = answers.answers[np.ix_(test, chosen)]
    again = np.repeat(first[:, :1], 16, axis=1)
    return Cases(len(answers.labels), answers.gold[test], first, again, accuracy[chosen])


class Members:
    """Answers as a world has it: first ones are given, later ones drawn by item and member."""

    def __init__(self, world: PanelWorld, cases: Cases, seed: int) -> None:
        self._world, self._cases, self._seed = world, cases, seed
        self.calls = 0

    async def ask(self, service: str, question: Question) -> AskResult:
        self.calls += 1
        item, member = int(question.item.item_id), int(service[1:])
        code = self._cases.first[item, member]
        if question.earlier:
            code = self._shown(item, member, question)
        if code == MISSING:
            reading = Reading(Status.ABSTAINED, reason="no answer was recorded")
        else:
            sure = float(self._cases.accuracy[member])
            reading = Reading(Status.OK, str(code), min(max(sure, 0.01), 0.99))
        key = f"{item}:{service}:{self.calls}"
        return AskResult(service, "1", key, reading, "called", 1.0, _NOW, 0.0)

    def _shown(self, item: int, member: int, question: Question) -> int:
        told = [(name, int(str(reading.answer))) for name, reading in question.earlier]
        own = next((code for name, code in told if name == OWN), MISSING)
        others = Counter(code for name, code in told if name != OWN)
        # the same chance in every round: whoever did not move does not, being shown the same
        rng = np.random.default_rng([self._seed, item, member])
        sees, follows = rng.random(2)
        gold = int(self._cases.gold[item])
        if sees < self._world.sees and gold in {own, *others}:
            return gold
        plurality, count = min(others.items(), key=lambda one: (-one[1], one[0]))
        share = count / sum(others.values())
        return plurality if own == MISSING or follows < self._world.follows * share else own


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--items N] [--seed S] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks panel")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    rng = np.random.default_rng(given.seed)
    cases = [(world, simulated(world, given.items, rng)) for world in WORLDS]
    for folder in find_frugalml_folders(given.folder) if given.folder else ():
        revising = replace(WORLDS[4], name=f"recorded: {folder.name}", sees=0.0)
        cases.append((revising, recorded(folder, given.items, given.seed)))
    found = {world.name: measure(world, one, given.seed) for world, one in cases}
    rows = [
        (name, way, *figures.values()) for name, of in found.items() for way, figures in of.items()
    ]
    header = (
        "world",
        "way",
        "accuracy",
        "contested",
        "calls",
        "stated risk",
        "errors",
        "low",
        "high",
    )
    title = (
        f"{given.items} items a world; low and high: 95 % of the accuracy over the best one again"
    )
    print(table(title, header, rows))
    write_json(given.json, found)
    return 0


def measure(world: PanelWorld, cases: Cases, seed: int) -> dict[str, dict[str, float]]:
    """Way -> its figures, over all items and over those on which first answers differ."""
    task = Task("t", "1", AnswerKind.LABEL, tuple(str(n) for n in range(cases.labels)))
    members = Members(world, cases, seed)
    names = tuple(f"m{n}" for n in range(cases.first.shape[1]))
    choice = Choice.model_validate({"model": "iterative", "services": names, "panel": {}})
    questions = [
        Question(task, Item(str(n), str(n), f"{n}.txt", "text")) for n in range(len(cases.gold))
    ]

    async def all_panels() -> list[PlanResult]:
        return [await execute(choice, one, members.ask, {}) for one in questions]

    panels = asyncio.run(all_panels())
    contested = np.array([len(set(row)) > 1 for row in cases.first.tolist()], bool)
    money = members.calls / len(questions)
    again = _again(cases, money, seed)
    ways: dict[str, tuple[list[str | None], list[float | None], float]] = {
        "best once": (_coded(cases.again[:, 0]), [], 1.0),
        "best again, same money": (_coded(again), [], money),
    }
    talks = {
        "first answers": [_first(one) for one in panels],
        "panel": [one.answered for one in panels],
        "panel, each last answer a voice": [_all_count(one) for one in panels],
    }
    for name, of in talks.items():
        stand = [lead(answered, one) for answered, one in zip(of, questions, strict=True)]
        calls = float(len(names)) if name == "first answers" else money
        answers = [None if one.answer is None else str(one.answer) for one in stand]
        ways[name] = answers, [one.error_risk for one in stand], calls
    truth = _coded(cases.gold)
    beside = _right(ways["best again, same money"][0], truth)
    return {
        name: _figures(_right(answers, truth), beside, contested, calls, risks)
        for name, (answers, risks, calls) in ways.items()
    }


def _again(cases: Cases, money: float, seed: int) -> Ints:
    """The majority of as many answers of the best one as the money pays for, the first on a tie."""
    rng = np.random.default_rng([seed, 2])
    draws = np.floor(money + rng.random(len(cases.gold))).astype(int)
    found = []
    for row, n in zip(cases.again.tolist(), draws.tolist(), strict=True):
        counts = Counter(row[: max(n, 1)])
        found.append(max(counts, key=lambda code: counts[code]))
    return np.array(found, np.int64)


def _first(done: PlanResult) -> tuple[AskResult, ...]:
    first = [one for one in done.answered if one.round == 0]
    return marked(first, [n for n, one in enumerate(first) if one.reading.status is Status.OK])


def _all_count(done: PlanResult) -> tuple[AskResult, ...]:
    """As if whatever is said last were found alone."""
    last = [replace(one, voice=None, saw=(), follows=None) for one in done.answered if one.final]
    return marked(last, [n for n, one in enumerate(last) if one.reading.status is Status.OK])


def _coded(codes: Ints) -> list[str | None]:
    return [None if code == MISSING else str(code) for code in codes.tolist()]


def _right(answers: Sequence[str | None], truth: Sequence[str | None]) -> Bools:
    return np.array([a is not None and a == b for a, b in zip(answers, truth, strict=True)], bool)


def _figures(
    right: Bools, beside: Bools, contested: Bools, calls: float, risks: Sequence[float | None]
) -> dict[str, Any]:
    gains = right.astype(float) - beside
    half = _Z * float(gains.std(ddof=1)) / len(gains) ** 0.5
    stated = [risk for risk in risks if risk is not None]
    return {
        "accuracy": float(right.mean()),
        "contested": float(right[contested].mean()) if contested.any() else 1.0,
        "calls": calls,
        "stated risk": float(np.mean(stated)) if stated else "",
        "errors": float(1.0 - right.mean()),
        "low": float(gains.mean()) - half,
        "high": float(gains.mean()) + half,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
