"""Whether verdicts of the review queue teach the truth: estimates, calibration and selection.

Corpora are generated of which everything is known: services of known accuracy, some of whose
errors are shared, with confidences, and items that are hard for all of them. Each is resolved,
queued, judged and learned from by the project's own functions, in every way in which people may
answer. Shown are, for each estimate, how often the truth lies within its 95 % interval, and what
becomes of accuracy, risk and review when what was learned is put to use. The way `doubtful only`
is what must not be done: the riskiest questions, each verdict counted for itself; for every other
one coverage must lie between 93 and 97 per cent.
"""

import argparse
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.content.verdicts import DECLARED_BY
from orchestration_assets.disagreement.calibration import CalibrationResult, calibrate
from orchestration_assets.disagreement.label_history import LabelReadings, LabelVotes
from orchestration_assets.disagreement.label_weights import PromotedCalibration, weigh
from orchestration_assets.disagreement.resolution import triage
from orchestration_assets.disagreement.review import QuestionFacts, review_queue
from orchestration_assets.disagreement.scorecards import Tally, scorecards
from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.label_model import LabelModel
from orchestration_assets.evidence.recorded_answers import Bools, Floats, Ints, RecordedAnswers
from orchestration_assets.evidence.verdict_weights import VerdictWeights, verdict_weights
from orchestration_assets.schemas.disagreement import ReviewRow
from orchestration_assets.schemas.enums import (
    AnswerKind,
    ResolutionPolicy,
    ResolutionStatus,
    Status,
    Triage,
)
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.policy import Review
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import RESOLUTIONS, ResolutionRow
from orchestration_assets.schemas.verdicts import GoldRow
from orchestration_assets.selection.trained_selector import unpack_selector
from orchestration_assets.selection.training import PROMOTED, train_task
from orchestration_assets.selection.training_records import TrainingRecords
from resources.home import Home

TASK: Final = "topic"
SERVICES: Final = ("alpha", "beta", "gamma", "delta")
LABELS: Final = tuple("vwxyz")
_HONEST: Final = (0.93, 0.97)
"""Between which shares the truth must lie within 95 % intervals."""
_SHARED_ERRORS: Final = 0.1
_SHARED_HARD: Final = 0.4
_PRICES: Final = (0.002, 0.01, 0.001, 0.004)
_ITEMS: Final = 2_000
_VERDICTS: Final = 400
_OLD: Final = 300
_LARGE: Final = 20_000
_LEARN_FROM: Final = 200
_AUDIT: Final = 0.2
_WHEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ASKED: Final = Task(TASK, "1", AnswerKind.LABEL, LABELS)


@dataclass(frozen=True)
class Kind:
    """Of what a corpus is made: accuracies of the services on easy and hard items, the share of
    hard ones; ``sure``: where a service is as sure as this, the next one is not asked."""

    easy: tuple[float, ...] = (0.84, 0.95, 0.78, 0.90)
    hard: tuple[float, ...] = (0.50, 0.52, 0.45, 0.48)
    hard_share: float = 0.12
    sure: float | None = None


ALL_ASKED: Final = Kind()
CASCADE: Final = Kind(sure=0.8)
FEW_ERRORS: Final = Kind((0.98, 0.992, 0.97, 0.985), (0.65, 0.7, 0.6, 0.65), 0.15)


@dataclass(frozen=True)
class World:
    """A generated corpus: ``answers`` (n, K), ``confidences`` (n, K), ``gold`` (n,), which items
    are ``hard`` (n,), their content hashes, and which services were ``asked`` (n, K)."""

    answers: Ints
    confidences: Floats
    gold: Ints
    hard: Bools
    contents: tuple[str, ...]
    asked: Bools

    @property
    def truth(self) -> dict[str, str]:
        return {c: LABELS[g] for c, g in zip(self.contents, self.gold.tolist(), strict=True)}

    @property
    def readings(self) -> LabelReadings:
        votes: dict[str, LabelVotes] = {}
        for content, answers, confidences, asked in zip(
            self.contents,
            self.answers.tolist(),
            self.confidences.tolist(),
            self.asked.tolist(),
            strict=True,
        ):
            said = zip(SERVICES, answers, confidences, asked, strict=True)
            votes[content] = {
                name: (LABELS[answer], sure) for name, answer, sure, was in said if was
            }
        readings = LabelReadings(votes, dict.fromkeys(SERVICES, "1"))
        if not self.asked.all():
            first = {SERVICES[0]}
            readings.conditional = {c: set(said) - first for c, said in votes.items()}
            readings.selective = set(votes)
        return readings


def world(seed: int, n_items: int = _ITEMS, kind: Kind = ALL_ASKED) -> World:
    """A corpus of this seed."""
    rng = np.random.default_rng(seed)
    n_labels = len(LABELS)
    gold = rng.choice(n_labels, n_items, p=[0.35, 0.25, 0.2, 0.12, 0.08])
    hard = rng.random(n_items) < kind.hard_share
    # what all take a hard item for
    lure = (gold + rng.integers(1, n_labels, n_items)) % n_labels
    shape = (n_items, len(SERVICES))
    right = rng.random(shape) < np.where(hard[:, None], kind.hard, kind.easy)
    other = (gold[:, None] + rng.integers(1, n_labels, shape)) % n_labels
    shared = rng.random(shape) < np.where(hard[:, None], _SHARED_HARD, _SHARED_ERRORS)
    answers = np.where(right, gold[:, None], np.where(shared, lure[:, None], other))
    middle = np.where(right, 0.8, 0.62) - 0.08 * hard[:, None]
    confidences = np.clip(rng.normal(middle, 0.14), 0.05, 0.99)
    contents = tuple(
        blake2b(f"{seed} {n}".encode(), digest_size=16).hexdigest() for n in range(n_items)
    )
    asked = np.ones(shape, dtype=np.bool_)
    if kind.sure is not None:
        asked[:, 1:] = (confidences[:, :-1] < kind.sure).cumprod(axis=1)
    return World(answers, confidences, gold, hard, contents, asked)


@dataclass(frozen=True)
class Way:
    """How people answer: ``rounds`` of the questions that a queue holds and how many of them are
    answered from the top; ``answering`` is the share that each band gets an answer for;
    ``declared`` the share of easy items that declare their gold; ``weighed``: as it must be;
    ``of``: the kind of corpus;
    ``before`` counts the riskiest items, which were judged before the first queue was drawn."""

    name: str
    rounds: tuple[tuple[int, int], ...]
    answering: Mapping[str, float] = field(default_factory=dict)
    declared: float = 0.0
    weighed: bool = True
    of: Kind = ALL_ASKED
    before: int = 0


WAYS: Final = (
    Way("doubtful only", ((_VERDICTS, _VERDICTS),), weighed=False),
    Way("whole queue", ((_VERDICTS, _VERDICTS),)),
    Way("from the top", ((1_000, _VERDICTS),)),
    Way("two rounds", ((500, _VERDICTS // 2), (500, _VERDICTS // 2))),
    Way("left out", ((800, 800),), {"accept": 0.65, "review": 0.5, "reject": 0.35}),
    Way("old ones first", ((_VERDICTS, _VERDICTS),), before=_OLD),
    Way("uneven", ((800, 800),), {"accept": 0.9, "review": 0.35, "reject": 0.5}),
    Way("declared too", ((300, 300),), declared=0.2),
    Way("cascade", ((_VERDICTS, _VERDICTS),), of=CASCADE),
    Way("few errors", ((_VERDICTS, _VERDICTS),), of=FEW_ERRORS),
)


def resolve(readings: LabelReadings, model: LabelModel | None) -> list[ResolutionRow]:
    """The answers that stand, by the model in use or else by agreement."""
    heard = {
        (content, TASK): tuple(
            (name, Reading(Status.OK, label, sure)) for name, (label, sure) in said.items()
        )
        for content, said in readings.votes.items()
    }
    promoted = PromotedCalibration(model, "1") if model is not None else None
    weighed, _ = weigh(_ASKED, heard, readings.versions, promoted, _LEARN_FROM)
    bands = Review()
    rows = []
    for content, said in readings.votes.items():
        one = weighed[content, TASK]
        sides = defaultdict(list)
        for name, (label, _) in said.items():
            sides[label == one.answer].append(name)
        rows.append(
            ResolutionRow(
                batch="b",
                item_id=content[:16],
                content_hash=content,
                path="",
                task=TASK,
                status=ResolutionStatus.RESOLVED,
                kind=AnswerKind.LABEL,
                answer=one.answer,
                answer_set=None,
                answer_score=None,
                answer_vector=None,
                answer_record=None,
                error_risk=one.risk,
                risk_basis="",
                triage=triage(one.risk, bands),
                policy=ResolutionPolicy.WEIGHT,
                spread=None,
                supporters=tuple(sides[True]),
                dissenters=tuple(sides[False]),
                reason="",
                readings=(),
            )
        )
    return rows


def judge(
    way: Way, corpus: World, readings: LabelReadings, first: Sequence[ResolutionRow]
) -> tuple[list[GoldRow], list[ReviewRow]]:
    """The verdicts that people give, and the queue as it is stored after them; ``first`` are the
    answers that stand before anybody was asked."""
    truth = corpus.truth
    rng = np.random.default_rng(int(corpus.contents[0][:8], 16))
    easy = [one for one, hard in zip(corpus.contents, corpus.hard, strict=True) if not hard]
    gold = [_verdict(one, truth[one], DECLARED_BY) for one in easy if rng.random() < way.declared]
    declared = {(str(row.content_hash), TASK) for row in gold}
    gold += [_verdict(row.content_hash, truth[row.content_hash]) for row in _riskiest(first, way)]
    queue: list[ReviewRow] = []
    for number, (size, answers) in enumerate(way.rounds):
        rows = first
        if number:
            rows = resolve(readings, _calibrated(readings, gold, _weights(way, gold, queue)).model)
        answered = {(str(row.content_hash), TASK) for row in gold} - declared
        judged = declared | answered
        resolved, asked_before = rows_to_arrow(RESOLUTIONS, rows), (queue, answered)
        queue = review_queue(resolved, QuestionFacts(), {}, {}, judged, size, _AUDIT, *asked_before)
        asked: Sequence[ReviewRow | ResolutionRow]
        asked = [row for row in queue if row.probability is None]
        if not way.weighed:
            asked = _doubtful(rows)
        willing = [row for row in asked if rng.random() < way.answering.get(str(row.triage), 1.0)]
        gold += [_verdict(one.content_hash, truth[one.content_hash]) for one in willing[:answers]]
    return gold, queue


def _riskiest(rows: Sequence[ResolutionRow], way: Way) -> list[ResolutionRow]:
    return sorted(rows, key=lambda row: -(row.error_risk or 0.0))[: way.before]


def _doubtful(rows: Sequence[ResolutionRow]) -> list[ResolutionRow]:
    """What is not accepted, the riskiest first."""
    doubtful = [row for row in rows if row.triage is not Triage.ACCEPT]
    return sorted(doubtful, key=lambda row: -(row.error_risk or 0.0))


def _verdict(content: str, label: str, who: str = "kim") -> GoldRow:
    return GoldRow(
        item_id=content[:16],
        path="",
        content_hash=content,
        task=TASK,
        kind=AnswerKind.LABEL,
        answer=label,
        answer_set=None,
        answer_score=None,
        who=who,
        said_at=_WHEN,
        file="",
        line=1,
        dissenters=(),
        history=(),
    )


def _weights(
    way: Way, gold: Sequence[GoldRow], queue: Sequence[ReviewRow]
) -> VerdictWeights | None:
    return verdict_weights(gold, queue)[TASK] if way.weighed else None


def _calibrated(
    readings: LabelReadings, gold: Sequence[GoldRow], weights: VerdictWeights | None
) -> CalibrationResult:
    labels = {str(row.content_hash): row.answer for row in gold}
    return calibrate(TASK, readings, labels, None, None, LABELS, weights, _LEARN_FROM)


@dataclass(frozen=True, slots=True)
class Covered:
    """One estimate beside the truth."""

    name: str
    truth: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Lesson:
    """What one corpus, judged in one way, came to: estimates, and what they did once in use.

    ``figures`` are accuracy, expected calibration error of the risk and share not accepted, of all
    items, before and after; ``outcomes`` count what was promoted.
    """

    way: str
    estimates: tuple[Covered, ...]
    figures: Mapping[str, float]
    outcomes: Mapping[str, int]


def learn(seed: int, way: Way) -> Lesson:
    """One corpus from its queue to what was learned."""
    corpus = world(seed, kind=way.of)
    readings = corpus.readings
    first = resolve(readings, None)
    gold, queue = judge(way, corpus, readings, first)
    weights = _weights(way, gold, queue)
    labels = {str(row.content_hash): row.answer for row in gold}
    estimates = [*_card_estimates(readings, labels, weights, way.of)]
    before = _standing(first, corpus)
    result = _calibrated(readings, gold, weights)
    figures = {f"{name} before": value for name, value in before.figures.items()}
    after = before
    if result.fitted is not None:
        fitted = _standing(resolve(readings, result.fitted), corpus)
        estimates += _calibration_estimates(result, before, fitted, corpus)
        after = fitted if result.model is not None else before
    figures |= {f"{name} after": value for name, value in after.figures.items()}
    selected = before.figures["accuracy"]
    if corpus.asked.all():  # else no item tells what every service would have said
        selected, selection = _selected(corpus, labels, weights, before)
        estimates += selection
    figures["accuracy learned"] = selected
    outcomes = Counter(
        calibration=int(result.model is not None),
        sole=int(result.model is not None and result.model.sole_service is not None),
        selection=int(selected != before.figures["accuracy"]),
        verdicts=len(labels),
    )
    return Lesson(way.name, tuple(estimates), figures, outcomes)


@dataclass(frozen=True)
class _Standing:
    """All items of a corpus: ``right`` (n,), ``risk`` (n,) of the answer that stands."""

    right: Bools
    risk: Floats
    figures: Mapping[str, float]


def _standing(rows: Sequence[ResolutionRow], corpus: World) -> _Standing:
    truth = corpus.truth
    right = np.array([row.answer == truth[row.content_hash] for row in rows])
    risk = np.array([row.error_risk for row in rows], dtype=np.float64)
    doubtful = sum(row.triage is not Triage.ACCEPT for row in rows) / len(rows)
    error = reliability(1.0 - risk, right).expected_calibration_error
    figures = {"accuracy": float(right.mean()), "ECE": error, "under review": doubtful}
    return _Standing(right, risk, figures)


def _card_estimates(
    readings: LabelReadings,
    labels: Mapping[str, str],
    weights: VerdictWeights | None,
    kind: Kind,
) -> Iterator[Covered]:
    counted = _tally(readings)
    by_task = None if weights is None else {TASK: weights}
    alone, without = _truth_of_services(kind)
    for card in scorecards(counted, {TASK: readings}, {TASK: labels}, by_task):
        yield _covered(
            "accuracy of a service",
            alone[card.service],
            card.accuracy,
            card.accuracy_low,
            card.accuracy_high,
        )
        if kind.sure is None:
            yield _covered(
                "accuracy without it",
                without[card.service],
                card.without_accuracy,
                card.without_accuracy_low,
                card.without_accuracy_high,
            )


@cache
def _truth_of_services(kind: Kind) -> tuple[dict[str, float], dict[str, float]]:
    """Accuracy of each service, and its change without it, over a corpus so large that chance
    plays no part."""
    large = world(0, _LARGE, kind)
    readings = large.readings
    cards = list(scorecards(_tally(readings), {TASK: readings}, {TASK: large.truth}))
    return (
        {card.service: card.accuracy or 0.0 for card in cards},
        {card.service: card.without_accuracy or 0.0 for card in cards},
    )


def _tally(readings: LabelReadings) -> Tally:
    counted = Tally()
    for name in SERVICES:
        counted.statuses[TASK, name]["ok"] = len(readings.votes)
    return counted


def _calibration_estimates(
    result: CalibrationResult, before: _Standing, after: _Standing, corpus: World
) -> Iterator[Covered]:
    row = result.row
    right, risk = after.right, after.risk
    squares = [(one.risk - ~one.right) ** 2 for one in (after, before)]
    named = SERVICES.index(row.best_single or SERVICES[0])
    single_right = (corpus.answers[:, named] == corpus.gold) & corpus.asked[:, named]
    single = float(single_right.mean())
    ends = (row.accuracy, row.accuracy_low, row.accuracy_high)
    yield _covered("accuracy calibrated", float(right.mean()), *ends)
    ends = (row.best_single_accuracy, row.best_single_low, row.best_single_high)
    yield _covered("best single service", single, *ends)
    ends = (row.risk_gap, row.risk_gap_low, row.risk_gap_high)
    yield _covered("risk less errors", float((risk - ~right).mean()), *ends)
    yield _covered(
        "Brier score", float(squares[0].mean()), row.brier, row.brier_low, row.brier_high
    )
    ends = (row.brier_change, row.brier_change_low, row.brier_change_high)
    yield _covered("change of the Brier score", float((squares[0] - squares[1]).mean()), *ends)


def _selected(
    corpus: World, labels: Mapping[str, str], weights: VerdictWeights | None, before: _Standing
) -> tuple[float, list[Covered]]:
    """The accuracy over all items once learned selection is on, and its estimates."""
    everything = recorded(corpus)
    known = labels if weights is None else weights.weights
    counted = [n for n, content in enumerate(corpus.contents) if content in known]
    judged = everything.take(np.array(counted, dtype=np.int64))
    if weights is not None:
        judged = replace(judged, stands_for=weights.of(judged.items))
    records = TrainingRecords(judged, len(labels), 0, standing=before.right[counted].astype(float))
    with tempfile.TemporaryDirectory() as folder:
        registry = Home(Path(folder)).models
        row = train_task(TASK, records, dict.fromkeys(SERVICES, "1"), registry)
        if row.trained is None:
            return before.figures["accuracy"], []
        artefact = registry.load(f"selection_model.{TASK}", row.trained)
    deployed = unpack_selector(artefact.arrays, artefact.facts["selector"])
    point = max(range(len(deployed.points)), key=lambda at: deployed.points[at].accuracy)
    correct = deployed.run(point, everything).scores
    accuracy = float(correct.mean())
    found = [
        _covered("accuracy learned", accuracy, row.accuracy, row.accuracy_low, row.accuracy_high),
        _covered(
            "gain of learned",
            accuracy - before.figures["accuracy"],
            row.gain,
            row.gain_low,
            row.gain_high,
        ),
    ]
    return (accuracy if row.outcome == PROMOTED else before.figures["accuracy"]), found


def recorded(corpus: World) -> RecordedAnswers:
    """The corpus as recorded answers, every service asked about every item."""
    shape = corpus.answers.shape
    return RecordedAnswers(
        name=TASK,
        services=SERVICES,
        labels=LABELS,
        items=corpus.contents,
        answers=corpus.answers.astype(np.int64),
        confidences=corpus.confidences,
        asked=np.ones(shape, dtype=np.bool_),
        gold=corpus.gold,
        costs=np.tile(_PRICES, (shape[0], 1)),
        milliseconds=np.ones(shape),
    )


def _covered(
    name: str, truth: float, mean: float | None, low: float | None, high: float | None
) -> Covered:
    if mean is None or low is None or high is None:
        raise ValueError(f"{name} was not estimated")
    return Covered(name, truth, mean, low, high)


def main(arguments: Sequence[str]) -> int:
    """``[--repetitions N] [--way NAME ...] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks review_bias", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=200, metavar="N")
    parser.add_argument("--way", action="append", choices=[way.name for way in WAYS])
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    ways = [way for way in WAYS if not given.way or way.name in given.way]
    cases = [(seed, way) for way in ways for seed in range(1, given.repetitions + 1)]
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        lessons = list(pool.map(_learn, cases, chunksize=4))
    by_way = {way.name: [one for one in lessons if one.way == way.name] for way in ways}
    coverage = {name: _coverage(found) for name, found in by_way.items()}
    names = list(dict.fromkeys(name for found in coverage.values() for name in found))
    rows = [
        [name, *(found[name].text if name in found else "" for found in coverage.values())]
        for name in names
    ]
    words = (
        f"Truth within the 95 % interval, {given.repetitions} corpora of {_ITEMS:,} items "
        "(mean error in points)"
    )
    print(table(words, ["estimate", *coverage], rows))
    used = [_in_use(found) for found in by_way.values()]
    print(table("Once it is in use, over all items, per cent", _IN_USE, used))
    figures = {
        name: {
            "coverage": {one: figure.share for one, figure in found.items()},
            "in use": dict(zip(_IN_USE, row, strict=True)),
        }
        for (name, found), row in zip(coverage.items(), used, strict=True)
    }
    write_json(given.json, figures)
    outside = outside_of_intervals({way.name: by_way[way.name] for way in ways if way.weighed})
    if outside:
        low, high = (f"{100 * end:.0f}" for end in _HONEST)
        print(f"not between {low} and {high} per cent: {'; '.join(outside)}")
    return 1 if outside else 0


def outside_of_intervals(lessons: Mapping[str, Sequence[Lesson]]) -> list[str]:
    """The estimates of each way whose intervals hold the truth more or less often than 95 % may
    mean, in words."""
    return [
        f"{way}: {name} {100 * figure.share:.1f}"
        for way, of_way in lessons.items()
        for name, figure in _coverage(of_way).items()
        if not _HONEST[0] <= figure.share <= _HONEST[1]
    ]


def _learn(case: tuple[int, Way]) -> Lesson:
    return learn(*case)


@dataclass(frozen=True, slots=True)
class _Share:
    share: float
    error: float

    @property
    def text(self) -> str:
        return f"{100 * self.share:.1f} ({100 * self.error:+.1f})"


def _coverage(lessons: Sequence[Lesson]) -> dict[str, _Share]:
    """Estimate -> how often its interval holds the truth, and its mean error."""
    by_name = defaultdict(list)
    for lesson in lessons:
        for one in lesson.estimates:
            by_name[one.name].append((one.low <= one.truth <= one.high, one.mean - one.truth))
    return {
        name: _Share(
            float(np.mean([hit for hit, _ in found])), float(np.mean([e for _, e in found]))
        )
        for name, found in by_name.items()
    }


_IN_USE: Final = (
    "way", "verdicts", "calibrated", "sole service", "accuracy before", "after", "worst",
    "ECE before", "after ", "worst ", "review before", "after  ", "learned", "accuracy change",
    "worst  ",
)  # fmt: skip


def _in_use(lessons: Sequence[Lesson]) -> list[Any]:
    def mean(name: str) -> float:
        return 100.0 * float(np.mean([one.figures[name] for one in lessons]))

    def change(after: str, before: str) -> Floats:
        return 100.0 * np.array([one.figures[after] - one.figures[before] for one in lessons])

    def share(name: str) -> float:
        return 100.0 * float(np.mean([one.outcomes[name] for one in lessons]))

    calibrated, learned = (
        change(after, "accuracy before") for after in ("accuracy after", "accuracy learned")
    )
    return [
        lessons[0].way,
        round(share("verdicts") / 100.0),
        share("calibration"),
        share("sole"),
        mean("accuracy before"),
        mean("accuracy after"),
        float(calibrated.min()),
        mean("ECE before"),
        mean("ECE after"),
        float(change("ECE after", "ECE before").max()),
        mean("under review before"),
        mean("under review after"),
        share("selection"),
        float(learned.mean()),
        float(learned.min()),
    ]
