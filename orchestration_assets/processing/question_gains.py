"""What a question is expected to gain: how much more often the answer that stands is right."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from orchestration_assets.evidence.confidence import UNSTATED_CONFIDENCE, confidence_of
from orchestration_assets.evidence.consensus import Vote, consensus
from orchestration_assets.evidence.expected_gain import (
    AnsweringHabit,
    ToldLabel,
    answering_habit,
    calibrated_habit,
    expected_gain,
)
from orchestration_assets.evidence.label_free import one_factor_reliability, pairwise_kappa
from orchestration_assets.evidence.label_model import LabelModel, encode_votes
from orchestration_assets.evidence.recorded_answers import MISSING
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task

Pair = tuple[str, str]
_Given = tuple[str, float | None]
"""A label and the confidence that was stated with it."""

UNKNOWN_RELIABILITY: Final = 0.75
_TOGETHER: Final = 3
"""So many services are weighed at once: one may overturn nothing where two together would."""
_OTHERS: Final = 3
_ENOUGH_SERVICES: Final = 3
_LABELS_LEAST: Final = 2
_PRIOR_ITEMS: Final = 10.0  # as many items of average agreement are taken to have been seen
_NOTHING: Final = 1e-6


def is_weighed(task: Task) -> bool:
    """Whether the gain of answers to the task can be expected: of labels, by their probability."""
    return task.kind is AnswerKind.LABEL


@dataclass(frozen=True, slots=True)
class FundingRules:
    """What questions are worth: the ``impact`` of each task (1 unless given), and how often each
    (task, service) is right, in [0, 1], as far as that is known.

    ``calibrations`` are the models in use, by task, that the batch's answers will be weighed by.
    """

    impacts: Mapping[str, float] = field(default_factory=dict)
    reliabilities: Mapping[Pair, float] = field(default_factory=dict)
    calibrations: Mapping[str, LabelModel] = field(default_factory=dict)

    def mending(self, task: str, service: str, certainty: float) -> float:
        """How often asking mends a wrong answer: the risk, 1 - ``certainty`` (0 without an
        answer), times how often the service is right. Counts no answer that it would spoil."""
        right = self.reliabilities.get((task, service), UNKNOWN_RELIABILITY)
        return (1.0 - certainty) * right


class QuestionGains:
    """Expected gains of labels: from the calibration that will weigh them, where there is one; else
    from known reliabilities and the confidences that were stated.

    ``version`` is another one whenever anything was learned.
    """

    def __init__(self, rules: FundingRules) -> None:
        self._rules = rules
        self._answers: dict[Pair, list[_Given]] = {}
        self._habits: dict[Pair, AnsweringHabit] = {}
        self._agreement: dict[Pair, float] = {}
        self._compared: set[str] = set()
        self.version = 0
        self._rightness: dict[tuple[Pair, _Given], float] = {}

    def learn(self, told: Iterable[tuple[str, Vote]]) -> None:
        """Takes in all (task, answer) of a batch so far, whose order makes no difference.

        How a service answers is looked at again when it has answered twice as often.
        """
        answers: defaultdict[Pair, list[_Given]] = defaultdict(list)
        for task, (service, reading) in told:
            if reading.status is Status.OK and isinstance(reading.answer, str):
                answers[task, service].append((reading.answer, reading.confidence))
        for pair, given in answers.items():
            if len(given) >= 2 * len(self._answers.get(pair, ())):
                self._answers[pair] = sorted(given, key=lambda one: (one[1] or 0.0, one[0]))
                self._habits.pop(pair, None)
                self.version += 1

    def is_unknown(self, task: str, services: Iterable[str]) -> bool:
        """Whether enough of the services to judge each other are of unknown reliability."""
        unknown = [one for one in services if not self._is_known(task, one)]
        return len(unknown) >= _ENOUGH_SERVICES and task not in self._compared

    def compare(self, task: Task, items: Sequence[Sequence[Vote]]) -> None:
        """Learns from how services agree over items that all of them were asked about."""
        votes = [
            {name: (str(one.answer), None) for name, one in item if one.status is Status.OK}
            for item in items
        ]
        self._compared.add(task.name)
        services = sorted({name for item in votes for name in item})
        labels = sorted({*task.labels, *(label for item in votes for label, _ in item.values())})
        if len(services) < _ENOUGH_SERVICES or len(labels) < _LABELS_LEAST:
            return
        answers, _ = encode_votes(votes, services, labels)
        loadings = one_factor_reliability(pairwise_kappa(answers, len(labels)))
        counts = (answers != MISSING).sum(axis=0)
        shrunk = (counts * loadings + _PRIOR_ITEMS * loadings.mean()) / (counts + _PRIOR_ITEMS)
        by_chance = 1.0 / len(labels)
        for name, loading in zip(services, shrunk, strict=True):
            self._agreement[task.name, name] = float(by_chance + (1.0 - by_chance) * loading)
            self._habits.pop((task.name, name), None)
            self.version += 1

    def value(
        self, task: Task, votes: Sequence[Vote], service: str, usd: Mapping[str, float]
    ) -> tuple[float, float]:
        """Gain a dollar of asking ``service``, with whichever of the others gains most, and alone.

        ``usd`` is the price of each service that may yet be asked. 0 for a service that is known
        and adds nothing; one of which nothing is known may always mend what is doubtful.
        """
        gains = self._gains(task, votes, usd, service)
        joint = [some for some in gains if service in some]
        values = [gains[some] / max(sum(map(usd.__getitem__, some)), 1e-12) for some in joint]
        alone = gains[frozenset({service})] / max(usd[service], 1e-12)
        if self._is_known(task.name, service):
            helps = max(gains[some] for some in joint) > _NOTHING
            return (max(values) if helps else 0.0), alone
        certainty = consensus(votes, task).certainty if votes else 0.0
        mending = self._rules.mending(task.name, service, certainty) / max(usd[service], 1e-12)
        return max(*values, 0.0) + _NOTHING * mending, alone

    def _gains(
        self, task: Task, votes: Sequence[Vote], usd: Mapping[str, float], service: str
    ) -> dict[frozenset[str], float]:
        """The gain in [-1, 1] of the service with each few of those that promise most a dollar."""
        told = self._told(task.name, votes)
        habits = {name: self._habit(task.name, name) for name in sorted(usd)}

        def promise(name: str) -> tuple[float, str]:
            return -habits[name].accuracy / max(usd[name], 1e-12), name

        others = sorted(usd.keys() - {service}, key=promise)[:_OTHERS]
        return {
            frozenset({service, *some}): expected_gain(
                told, tuple(habits[name] for name in sorted({service, *some})), len(task.labels)
            )
            for size in range(_TOGETHER)
            for some in combinations(others, size)
        }

    def _told(self, task: str, votes: Sequence[Vote]) -> tuple[ToldLabel, ...]:
        ok = [vote for vote in votes if vote[1].status is Status.OK]
        counted = ok or [vote for vote in votes if vote[1].status is Status.FALLBACK][:1]
        labels: dict[str, int] = {}
        told = []
        for service, reading in counted:
            answer = str(reading.answer)
            stated = round(confidence_of(reading), 2)
            calibrated = self._calibrated((task, service), (answer, reading.confidence))
            if calibrated is None:
                right = self._habit(task, service).rightness(stated)
            else:
                stated = right = calibrated
            told.append(ToldLabel(labels.setdefault(answer, len(labels)), stated, right))
        return tuple(told)

    def _habit(self, task: str, service: str) -> AnsweringHabit:
        pair = (task, service)
        if pair not in self._habits:
            given = self._answers.get(pair, [])
            calibrated = [self._calibrated(pair, one) for one in given]
            rights = [right for right in calibrated if right is not None]
            if rights:
                self._habits[pair] = calibrated_habit(rights)
            else:
                stated = [
                    UNSTATED_CONFIDENCE if confidence is None else confidence
                    for _, confidence in given
                ]
                unknown = sum(stated) / len(stated) if stated else UNKNOWN_RELIABILITY
                estimate = self._agreement.get(pair, unknown)
                accuracy = self._rules.reliabilities.get(pair, estimate)
                self._habits[pair] = answering_habit(accuracy, stated)
        return self._habits[pair]

    def _is_known(self, task: str, service: str) -> bool:
        calibration = self._rules.calibrations.get(task)
        return (task, service) in self._rules.reliabilities or (
            calibration is not None and service in calibration.services
        )

    def _calibrated(self, pair: Pair, given: _Given) -> float | None:
        """How probably this answer is right by itself, by the calibration in use."""
        task, service = pair
        calibration = self._rules.calibrations.get(task)
        answer, confidence = given
        if calibration is None or answer not in calibration.labels:
            return None
        if service not in calibration.services:
            return None
        key = (pair, (answer, None if confidence is None else round(confidence, 2)))
        if key not in self._rightness:
            votes = [{service: key[1]}]
            encoded = encode_votes(votes, calibration.services, calibration.labels)
            _, _, risk = calibration.resolve(*encoded)
            self._rightness[key] = round(1.0 - float(risk[0]), 2)
        return self._rightness[key]
