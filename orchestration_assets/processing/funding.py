"""Which questions are asked where the money is short: those that buy most, in rounds.

A question is worth the gain in accuracy that it is expected to bring, times the task's impact. One
that no round has paid for yet is held: its reading is ``over_budget``. After each round
the held questions are ordered by value a dollar, the best are granted what is left, and the plans
that they belong to are carried out again, with all answers that they have got. As no round begins
before all replies of the last one are in, the order in which replies come changes nothing.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from orchestration_assets.evidence.consensus import Vote, consensus
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.processing.asker import NOT_CALLED, AskResult
from orchestration_assets.processing.question_gains import (
    FundingRules,
    QuestionGains,
    is_weighed,
)
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading, Task
from orchestration_assets.schemas.policy import EXPLORE
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity

_HELD: Final = "other questions buy more for the money that is left"
_USELESS: Final = "it would add nothing to the answers so far, by what is known of its service"
_SAMPLE_SHARE: Final = 0.15
"""Share of the money that comparing services of which nothing is known may take."""
_SAMPLE_LEAST, _SAMPLE_MOST = 16, 60
_ROUNDING_USD: Final = 1e-9
_LEAST_ROUND: Final = 32
"""So many questions are granted in one round, though they take more than half of what is left."""
_AMPLE: Final = 0.8
"""Share of what is left that all that may still be asked is expected to take: then all is."""

Pair = tuple[str, str]
Answers = tuple[tuple[str, Answer | None], ...]
Ask = Callable[[str, Question], Awaitable[AskResult]]
_Call = tuple[str, int]
"""A service, and how often the plan asked it before."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A question without its content, which may be large: what asking the plan's services costs,
    and whether it shows earlier answers."""

    call: _Call
    task: Task
    has_earlier: bool
    prices: Mapping[str, float]

    @property
    def usd(self) -> float:
        return self.prices[self.call[0]]


@dataclass
class _Asked:
    """What one plan was granted and told, over all rounds; what it was refused in the last one.

    ``answers`` are those to other tasks that go with its questions. Once they are others, what it
    was told answers another question, and is ``lost``.
    """

    plan: PlanRow
    granted: set[_Call] = field(default_factory=set)
    told: dict[_Call, AskResult] = field(default_factory=dict)
    held: list[_Held] = field(default_factory=list)
    answers: Answers = ()
    lost: list[AskResult] = field(default_factory=list)
    refusal: str = _HELD
    best: tuple[object, "_Grant"] | None = None
    """What is worth most, and all that this depends on."""


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
        self._gains = QuestionGains(rules)
        self._is_ample = False
        self._is_first_round = True
        self._samples: list[_Asked] = []
        self._tasks: dict[str, Task] = {}

    def asking(self, plan: PlanRow, ask: Ask, answers: Answers = ()) -> Ask:
        """``ask`` for one execution of a plan: again what it was told, else what is granted.

        ``answers`` are those to other tasks that go with its questions.
        """
        asked = self._plans.setdefault((plan.item_id, plan.task), _Asked(plan))
        if asked.answers != answers:
            self.release(plan)
            asked.answers = answers
        asked.held = []
        times: Counter[str] = Counter()
        is_first_wave = True

        async def funded(service: str, question: Question) -> AskResult:
            nonlocal is_first_wave
            call = (service, times[service])
            times[service] += 1
            if call in asked.told:
                return asked.told[call]
            # what is explored is asked in full, or nothing is learned from it
            is_free = plan.option == EXPLORE or self._price(service, question) <= 0.0
            if not is_first_wave:
                # it follows from a refusal: what it is told may not be asked next time
                if is_free:
                    return await ask(service, question)
                return self._refused(asked, call, question)
            if self._is_ample or call in asked.granted or is_free:
                result = await ask(service, question)
                asked.told[call] = result
                return result
            names = {service, *plan.services}
            prices = {name: self._price(name, question) for name in sorted(names)}
            asked.held.append(_Held(call, question.task, bool(question.earlier), prices))
            # what is asked at the same time is held too; whatever comes later follows from it
            await asyncio.sleep(0)
            is_first_wave = False
            return self._refused(asked, call, question)

        return funded

    def abandon(self, plan: PlanRow) -> tuple[AskResult, ...]:
        """What the plan was told so far; it is not carried out again, and asks nothing more."""
        asked = self._plans.pop((plan.item_id, plan.task), None)
        return (*asked.lost, *asked.told.values()) if asked is not None else ()

    def release(self, plan: PlanRow) -> tuple[AskResult, ...]:
        """What the plan was told so far, by answers to other tasks that stand no more.

        It is not carried out in this round, or with other answers; nothing is held for it.
        """
        asked = self._plans.get((plan.item_id, plan.task))
        if asked is None:
            return ()
        asked.lost += asked.told.values()
        asked.told, asked.held, asked.best = {}, [], None
        return tuple(asked.lost)

    def lost(self, plan: PlanRow) -> tuple[AskResult, ...]:
        """What the plan was told by answers to other tasks that stand no more."""
        asked = self._plans.get((plan.item_id, plan.task))
        return tuple(asked.lost) if asked is not None else ()

    def _refused(self, asked: _Asked, call: _Call, question: Question) -> AskResult:
        service = self._services[call[0]]
        key = answer_key(question, service)
        reading = Reading(Status.OVER_BUDGET, reason=asked.refusal)
        now = datetime.now(UTC)
        version = service_identity(service, question.task)
        return AskResult(call[0], version, key, reading, NOT_CALLED, 0.0, now, 0.0)

    def next_round(self) -> set[str]:
        """The items whose plans are to be carried out again; none when nothing more is bought."""
        waiting = [asked for asked in self._plans.values() if asked.held]
        self._gains.learn(
            (asked.plan.task, (service, result.reading))
            for asked in self._plans.values()
            for (service, _), result in asked.told.items()
        )
        left = self._left_usd()
        self._compare_services()
        grants = sorted(
            (self._best(asked) for asked in waiting),
            key=lambda one: (-one.value, one.asked.plan.item_id, one.asked.plan.task),
        )
        useless = [one.asked for one in grants if one.value <= 0.0]
        is_ample = sum(map(self._price_of_all, waiting)) <= left * _AMPLE
        if is_ample and (self._is_first_round or not useless):
            self._is_ample = True
            return {asked.plan.item_id for asked in waiting}
        if self._is_first_round:
            self._is_first_round = False
            if self._choose_samples(waiting, left):
                return {asked.plan.item_id for asked in self._samples}
        items = set()
        for grant in _affordable((one for one in grants if one.value > 0.0), left):
            grant.asked.granted.add(grant.call)
            items.add(grant.asked.plan.item_id)
        if not items:
            # nothing more is bought: what was not for the money's sake says so
            unsaid = [asked for asked in useless if asked.refusal != _USELESS]
            for asked in unsaid:
                asked.refusal = _USELESS
            items = {asked.plan.item_id for asked in unsaid}
        return items

    def _choose_samples(self, waiting: Iterable[_Asked], left: float) -> bool:
        """Grants a few plans of unknown services all that they ask at once, so that the services
        can be compared; returns whether there are such plans."""
        by_task: defaultdict[str, list[_Asked]] = defaultdict(list)
        for asked in waiting:
            names = [held.call[0] for held in asked.held]
            if _is_plain(asked) and self._gains.is_unknown(asked.plan.task, names):
                by_task[asked.plan.task].append(asked)
        for _, some in sorted(by_task.items()):
            some.sort(key=lambda asked: blake2b(asked.plan.item_id.encode()).digest())
            usd = sum(held.usd for held in some[0].held)
            most = min(_SAMPLE_MOST, int(left * _SAMPLE_SHARE / len(by_task) / usd))
            if most >= _SAMPLE_LEAST:
                self._tasks[some[0].plan.task] = some[0].held[0].task
                for asked in some[:most]:
                    asked.granted |= {held.call for held in asked.held}
                    self._samples.append(asked)
        return bool(self._samples)

    def _compare_services(self) -> None:
        """Learns from the sampled plans, once they were carried out."""
        by_task: defaultdict[str, list[_Asked]] = defaultdict(list)
        for asked in self._samples:
            by_task[asked.plan.task].append(asked)
        for _, some in sorted(by_task.items()):
            self._gains.compare(self._tasks[some[0].plan.task], [_votes(asked) for asked in some])
        self._samples = []

    def _best(self, asked: _Asked) -> _Grant:
        """The held question of a plan that is worth most a dollar."""
        votes = _votes(asked)
        prices = {held.call[0]: held.usd for held in asked.held}
        told = {service for service, _ in asked.told}
        for name in asked.plan.services:
            if name not in told and name not in prices:
                prices[name] = asked.held[0].prices[name]
        impact = self._rules.impacts.get(asked.plan.task, 1.0)
        basis = (len(asked.told), self._gains.version, prices)
        if asked.best is not None and asked.best[0] == basis:
            return asked.best[1]

        def grant(held: _Held) -> tuple[tuple[float, float], _Grant]:
            value, alone = self._value(asked, held, votes, prices)
            usd = prices[held.call[0]]
            return (value, alone), _Grant(impact * value, usd, asked, held.call)

        best = max(map(grant, asked.held), key=lambda pair: pair[0])[1]
        asked.best = (basis, best)
        return best

    def _value(
        self, asked: _Asked, held: _Held, votes: Sequence[Vote], prices: Mapping[str, float]
    ) -> tuple[float, float]:
        """The gain a dollar of a held question, and that of it alone."""
        (service, times), task = held.call, held.task
        usd = max(prices[service], 1e-12)
        if not _is_plain(asked) or times or held.has_earlier:
            # it does not join the consensus as one more reading that nobody has influenced
            certainty = _certainty(votes, task) if task.name == asked.plan.task else 0.0
            mending = self._rules.mending(asked.plan.task, service, certainty) / usd
            return mending, mending
        return self._gains.value(task, votes, service, prices)

    def _price_of_all(self, asked: _Asked) -> float:
        """What all that a plan may still ask is expected to cost."""
        prices = asked.held[0].prices
        told = {service for service, _ in asked.told}
        # rounds, judges and escalations ask more often than once
        names = [name for name in asked.plan.services if name not in told]
        often = max(1.0, asked.plan.calls_max / max(len(asked.plan.services), 1))
        return often * sum(prices[name] for name in names or asked.plan.services)


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


def _is_plain(asked: _Asked) -> bool:
    """Whether the consensus of the plan's own task weighs its answers, and nothing else does."""
    task = asked.held[0].task
    return is_weighed(task) and task.name == asked.plan.task and asked.plan.artefact is None


def _votes(asked: _Asked) -> list[Vote]:
    """The last answer of each service, in the order of the plan."""
    last = {service: result.reading for (service, _), result in asked.told.items()}
    place = {name: n for n, name in enumerate(asked.plan.services)}
    return sorted(last.items(), key=lambda vote: (place.get(vote[0], len(place)), vote[0]))


def _certainty(votes: Sequence[Vote], task: Task) -> float:
    leading = consensus(votes, task)
    return leading.certainty if leading.answer is not None else 0.0
