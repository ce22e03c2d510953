"""Which questions are asked where the money is short: those that buy most, in rounds.

A question that no round has paid for yet is held: its reading is ``over_budget``. After each round
the held questions are ordered by value a dollar, the best are granted what is left, and the plans
that they belong to are carried out again, with all answers that they have got. As no round begins
before all replies of the last one are in, the order in which replies come changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from orchestration_assets.evidence.consensus import consensus
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.processing.asker import NOT_CALLED, AskResult
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity

_HELD: Final = "other questions buy more for the money that is left"
_UNKNOWN_RELIABILITY: Final = 0.75
_ROUNDING_USD: Final = 1e-9
_LEAST_ROUND: Final = 32
"""So many questions are granted in one round, though they take more than half of what is left."""
_AMPLE: Final = 0.8
"""Share of what is left that all that may still be asked is expected to take: then all is."""

Pair = tuple[str, str]
Ask = Callable[[str, Question], Awaitable[AskResult]]
_Call = tuple[str, int]
"""A service, and how often the plan asked it before."""


@dataclass(frozen=True, slots=True)
class FundingRules:
    """What questions are worth: the ``impact`` of each task (1 unless given), and how often each
    (task, service) is right, in [0, 1], as far as that is known."""

    impacts: Mapping[str, float] = field(default_factory=dict)
    reliabilities: Mapping[Pair, float] = field(default_factory=dict)

    def value(self, task: str, service: str, certainty: float, usd: float) -> float:
        """What asking is worth a dollar: risk times impact times gain, by its price.

        The risk is 1 - ``certainty`` of the answer so far (0 without one); the gain is how often
        the service is right, which is how often it would mend a wrong answer.
        """
        gain = self.reliabilities.get((task, service), _UNKNOWN_RELIABILITY)
        return self.impacts.get(task, 1.0) * (1.0 - certainty) * gain / max(usd, 1e-12)


@dataclass(frozen=True, slots=True)
class _Held:
    call: _Call
    question: Question


@dataclass
class _Asked:
    """What one plan was granted and told, over all rounds; what it was refused in the last one."""

    plan: PlanRow
    granted: set[_Call] = field(default_factory=set)
    told: dict[_Call, AskResult] = field(default_factory=dict)
    held: list[_Held] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Grant:
    value: float
    usd: float
    asked: _Asked
    call: _Call


class Funding:
    """Spends a budget that is too small for all questions on those that buy most.

    ``left_usd`` says what is left of it, ``price`` what asking a service a question is expected
    to cost, 0 for what costs nothing. Plans are named by item and task.
    """

    def __init__(
        self,
        rules: FundingRules,
        services: Mapping[str, Service],
        left_usd: Callable[[], float],
        price: Callable[[str, Question], float],
    ) -> None:
        self._rules = rules
        self._services = services
        self._left_usd = left_usd
        self._price = price
        self._plans: dict[Pair, _Asked] = {}
        self._is_ample = False

    def asking(self, plan: PlanRow, ask: Ask) -> Ask:
        """``ask`` for one execution of a plan: again what it was told, else what is granted."""
        asked = self._plans.setdefault((plan.item_id, plan.task), _Asked(plan))
        asked.held = []
        times: Counter[str] = Counter()
        is_first_wave = True

        async def funded(service: str, question: Question) -> AskResult:
            nonlocal is_first_wave
            call = (service, times[service])
            times[service] += 1
            if call in asked.told:
                return asked.told[call]
            is_free = self._price(service, question) <= 0.0
            if not is_first_wave:
                # it follows from a refusal: what it is told may not be asked next time
                return await ask(service, question) if is_free else self._refused(call, question)
            if self._is_ample or call in asked.granted or is_free:
                result = await ask(service, question)
                asked.told[call] = result
                return result
            asked.held.append(_Held(call, question))
            # what is asked at the same time is held too; whatever comes later follows from it
            await asyncio.sleep(0)
            is_first_wave = False
            return self._refused(call, question)

        return funded

    def _refused(self, call: _Call, question: Question) -> AskResult:
        service = self._services[call[0]]
        key = answer_key(question, service)
        reading = Reading(Status.OVER_BUDGET, reason=_HELD)
        now = datetime.now(UTC)
        version = service_identity(service, question.task)
        return AskResult(call[0], version, key, reading, NOT_CALLED, 0.0, now, 0.0)

    def next_round(self) -> set[str]:
        """The items whose plans are to be carried out again; none when nothing more is bought."""
        waiting = [asked for asked in self._plans.values() if asked.held]
        left = self._left_usd()
        if waiting and sum(map(self._price_of_all, waiting)) <= left * _AMPLE:
            self._is_ample = True
            return {asked.plan.item_id for asked in waiting}
        grants = sorted(
            (self._best(asked) for asked in waiting),
            key=lambda one: (-one.value, one.asked.plan.item_id, one.asked.plan.task),
        )
        items = set()
        for grant in _affordable(grants, left):
            grant.asked.granted.add(grant.call)
            items.add(grant.asked.plan.item_id)
        return items

    def _best(self, asked: _Asked) -> _Grant:
        """The held question of a plan that is worth most a dollar."""
        certainty = _certainty(asked)
        task = asked.plan.task

        def grant(held: _Held) -> _Grant:
            service = held.call[0]
            usd = self._price(service, held.question)
            return _Grant(self._rules.value(task, service, certainty, usd), usd, asked, held.call)

        return max(map(grant, asked.held), key=lambda one: one.value)

    def _price_of_all(self, asked: _Asked) -> float:
        """What all that a plan may still ask is expected to cost."""
        question = asked.held[0].question
        told = {service for service, _ in asked.told}
        # rounds, judges and escalations ask more often than once
        names = [name for name in asked.plan.services if name not in told]
        often = max(1.0, asked.plan.calls_max / max(len(asked.plan.services), 1))
        return often * sum(self._price(name, question) for name in names or asked.plan.services)


def _affordable(grants: Iterable[_Grant], left: float) -> Iterable[_Grant]:
    """The first of the grants, for half of what is left: the answers may show better ones."""
    taken, spent = 0, 0.0
    for grant in grants:
        if spent + grant.usd > left + _ROUNDING_USD:
            continue
        if taken >= _LEAST_ROUND and spent + grant.usd > left / 2.0:
            return
        taken, spent = taken + 1, spent + grant.usd
        yield grant


def _certainty(asked: _Asked) -> float:
    """How sure the answer so far is, from the last answer of each service to the plan's task."""
    task = asked.held[0].question.task
    last = {service: result.reading for (service, _), result in asked.told.items()}
    place = {name: n for n, name in enumerate(asked.plan.services)}
    votes = sorted(last.items(), key=lambda vote: (place.get(vote[0], len(place)), vote[0]))
    leading = consensus(votes, task) if task.name == asked.plan.task else None
    return leading.certainty if leading is not None and leading.answer is not None else 0.0
