"""What a question is expected to gain: how much more often the answer that stands is right."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.evidence.consensus import Vote, consensus
from orchestration_assets.evidence.expected_gain import (
    AnsweringHabit,
    ToldLabel,
    answering_habit,
    expected_gain,
)
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task

Pair = tuple[str, str]

UNKNOWN_RELIABILITY: Final = 0.75
_TOGETHER: Final = 3
"""So many services are weighed at once: one may overturn nothing where two together would."""
_NOTHING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class FundingRules:
    """What questions are worth: the ``impact`` of each task (1 unless given), and how often each
    (task, service) is right, in [0, 1], as far as that is known."""

    impacts: Mapping[str, float] = field(default_factory=dict)
    reliabilities: Mapping[Pair, float] = field(default_factory=dict)

    def mending(self, task: str, service: str, certainty: float) -> float:
        """How often asking mends a wrong answer: the risk, 1 - ``certainty`` (0 without an
        answer), times how often the service is right. Counts no answer that it would spoil."""
        right = self.reliabilities.get((task, service), UNKNOWN_RELIABILITY)
        return (1.0 - certainty) * right


class QuestionGains:
    """Expected gains of labels, from known reliabilities and the confidences that were stated."""

    def __init__(self, rules: FundingRules) -> None:
        self._rules = rules
        self._stated: dict[Pair, list[float]] = {}
        self._habits: dict[Pair, AnsweringHabit] = {}

    def learn(self, told: Iterable[tuple[str, Vote]]) -> None:
        """Takes in all (task, answer) of a batch so far, whose order makes no difference.

        What a service states is looked at again when it has answered twice as often.
        """
        stated: defaultdict[Pair, list[float]] = defaultdict(list)
        for task, (service, reading) in told:
            if reading.status is Status.OK:
                stated[task, service].append(confidence_of(reading))
        for pair, confidences in stated.items():
            if len(confidences) >= 2 * len(self._stated.get(pair, ())):
                self._stated[pair] = sorted(confidences)
                self._habits.pop(pair, None)

    def gains(
        self, task: Task, votes: Sequence[Vote], services: Mapping[str, float]
    ) -> dict[frozenset[str], float]:
        """The gain in [-1, 1] of each few of the ``services`` (name -> USD), asked together."""
        told = self._told(task.name, votes)
        # the cheapest few do: what is dearer is weighed with them once they were asked
        return {
            frozenset(some): expected_gain(
                told, tuple(self._habit(task.name, name) for name in some), len(task.labels)
            )
            for size in range(1, _TOGETHER + 1)
            for some in combinations(sorted(services), size)
        }

    def value(
        self, task: Task, votes: Sequence[Vote], service: str, usd: Mapping[str, float]
    ) -> tuple[float, float]:
        """Gain a dollar of asking ``service``, with whichever of the others gains most, and alone.

        ``usd`` is the price of each service that may yet be asked. 0 for a service that is known
        and adds nothing; one of which nothing is known may always mend what is doubtful.
        """
        gains = self.gains(task, votes, usd)
        price = {some: max(sum(usd[name] for name in some), 1e-12) for some in gains}
        with_others = max(gains[some] / price[some] for some in gains if service in some)
        alone = gains[frozenset({service})] / max(usd[service], 1e-12)
        if (task.name, service) not in self._rules.reliabilities:
            certainty = consensus(votes, task).certainty if votes else 0.0
            doubt = self._rules.mending(task.name, service, certainty) / max(usd[service], 1e-12)
            return max(with_others, 0.0) + _NOTHING * doubt, alone
        worth = max(gains[some] for some in gains if service in some)
        return (with_others if worth > _NOTHING else 0.0), alone

    def certainty_of(self, task: Task, votes: Sequence[Vote]) -> float:
        """How often the label that stands is right; 0 without one."""
        told = self._told(task.name, votes)
        return -expected_gain(told, (), len(task.labels)) if told else 0.0

    def _told(self, task: str, votes: Sequence[Vote]) -> tuple[ToldLabel, ...]:
        ok = [vote for vote in votes if vote[1].status is Status.OK]
        counted = ok or [vote for vote in votes if vote[1].status is Status.FALLBACK][:1]
        labels: dict[str, int] = {}
        told = []
        for service, reading in counted:
            label = labels.setdefault(str(reading.answer), len(labels))
            stated = round(confidence_of(reading), 2)
            right = self._habit(task, service).rightness(stated)
            told.append(ToldLabel(label, stated, right))
        return tuple(told)

    def _habit(self, task: str, service: str) -> AnsweringHabit:
        pair = (task, service)
        if pair not in self._habits:
            stated = self._stated.get(pair, [])
            unknown = sum(stated) / len(stated) if stated else UNKNOWN_RELIABILITY
            accuracy = self._rules.reliabilities.get(pair, unknown)
            self._habits[pair] = answering_habit(accuracy, stated)
        return self._habits[pair]


def is_weighed(task: Task) -> bool:
    """Whether the gain of answers to the task can be expected: of labels, by their probability."""
    return task.kind is AnswerKind.LABEL
