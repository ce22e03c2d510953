"""What a price per second of waiting buys: services asked at once, or one after the other.

FILE is a Parquet table with model, id, ref_answer, answer, latency (seconds) and cost (USD) of
answers that name yes or no in square brackets. Nothing is expected of the single question, so
services are asked on by what was answered. Each seed learns from one half and is measured on the
other, once as asking several at once is allowed, and once where each call is waited for: at the
exchange rate where a right answer is worth ``--worth`` US dollars. Times are the mean ones of each
service; the net value is what answers are worth less the price of calls and of waiting.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._output import table, write_json
from benchmarks._selection_arguments import seeds_of
from benchmarks.selection import parted
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from orchestration_assets.selection.content_fitting import fit_content_policy
from orchestration_assets.selection.content_simulation import ContentSimulator
from orchestration_assets.selection.policy_outcomes import (
    PolicyOutcome,
    best_single,
    outcome_of_service,
)

LABELS = ("no", "yes")
PRICES_PER_SECOND = (0.0, 0.001, 0.003)
_COLUMNS = ("model", "id", "ref_answer", "answer", "latency", "cost")
_BRACKETS = re.compile(r"\[\s*(yes|no)\s*\]", re.IGNORECASE)


def main(arguments: Sequence[str]) -> int:
    """``FILE [--worth USD] [--seeds K] [--json FILE]``"""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks selection_latency", description=__doc__
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--worth", type=float, default=1.0, help="USD that a right answer is worth")
    parser.add_argument(
        "--seeds", type=seeds_of, default="1,5,10", help="comma-separated, or how many (1,5,10)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        recorded = load_timed(given.file)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        parser.error(f"{given.file} has no recorded answers with times: {error}")
    rows, figures = [], {}
    for usd_a_second in PRICES_PER_SECOND:
        runs = [measure(recorded, seed, usd_a_second, given.worth) for seed in given.seeds]
        for way in runs[0]:
            mean = {name: fmean(run[way][name] for run in runs) for name in runs[0][way]}
            figures[f"{way} at {usd_a_second} USD a second"] = mean
            rows.append((f"{usd_a_second}", way, *mean.values()))
    header = ("USD a second", "way", "accuracy", "USD", "seconds", "calls", "net USD")
    title = f"{recorded.name}: {recorded.n_items} questions, figures an item"
    print(table(title, header, rows))
    write_json(given.json, figures)
    return 0


def load_timed(path: Path) -> RecordedAnswers:
    """The answers of every service to the questions that all of them were asked."""
    rows = pq.read_table(path, columns=list(_COLUMNS)).to_pylist()
    services = tuple(sorted({row["model"] for row in rows}))
    by_key = {(row["id"], row["model"]): row for row in rows}
    items = sorted({row["id"] for row in rows})
    complete = [item for item in items if all((item, name) in by_key for name in services)]
    grid = [[by_key[item, name] for name in services] for item in complete]
    shape = (len(complete), len(services))

    def numbers(column: str) -> Floats:
        return np.array([[row[column] for row in line] for line in grid], np.float64).reshape(shape)

    return RecordedAnswers(
        path.stem,
        services,
        LABELS,
        tuple(map(str, complete)),
        np.array([[_label(row["answer"]) for row in line] for line in grid]).reshape(shape),
        np.full(shape, np.nan),
        np.ones(shape, dtype=np.bool_),
        np.array([LABELS.index(line[0]["ref_answer"].strip().lower()) for line in grid]),
        numbers("cost"),
        1_000.0 * numbers("latency"),
    )


def _label(answer: str | None) -> int:
    """The last answer in brackets; missing where there is none."""
    named = _BRACKETS.findall(answer or "")
    return LABELS.index(named[-1].lower()) if named else MISSING


def measure(
    recorded: RecordedAnswers, seed: int, usd_a_second: float, worth: float
) -> dict[str, dict[str, float]]:
    """By the way of asking, what it reaches and takes on the half that was not learned from."""
    train, test = parted(recorded, seed, None)
    overall = train.mean(train.scores)
    seconds = train.milliseconds.mean(axis=0) / 1_000.0
    waiting = usd_a_second * seconds
    ways = {
        "one by one": (train.prices + waiting, np.zeros_like(waiting)),
        "also at once": (train.prices, waiting),
    }
    best = best_single(train)
    alone = np.tile(np.arange(train.n_services) == best, (test.n_items, 1))
    single = outcome_of_service(test, alone, np.full(test.n_items, best))
    found = {"best single": _figures(single, alone @ seconds, usd_a_second, worth)}
    for way, (prices, times) in ways.items():
        expected = np.tile(overall, (train.n_items, 1))
        policy, _ = fit_content_policy(
            train, expected, prices, np.array([1.0 / worth]), seed, times
        )
        expected = np.tile(overall, (test.n_items, 1))
        outcome = ContentSimulator(policy, expected, test).run(0)
        waits = outcome.asked @ seconds
        if times.any() and outcome.waits is not None:
            waits = outcome.waits / usd_a_second
        found[way] = _figures(outcome, waits, usd_a_second, worth)
    return found


def _figures(
    outcome: PolicyOutcome, waits: Floats, usd_a_second: float, worth: float
) -> dict[str, float]:
    seconds = float(waits.mean())
    return {
        "accuracy": outcome.accuracy,
        "usd": outcome.price,
        "seconds": seconds,
        "calls": float(outcome.asked.sum(axis=1).mean()),
        "net": outcome.accuracy * worth - outcome.price - usd_a_second * seconds,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
