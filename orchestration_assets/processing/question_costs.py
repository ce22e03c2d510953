"""What questions of earlier batches really cost, beside what one call to each service should."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from orchestration_assets.policy.pinned_policy import PinnedPolicyError, read_pinned_policy
from orchestration_assets.processing.asker import CACHE, CALLED, NOT_CALLED
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_PROFILES,
    PROCESSING_PLANS,
    PlanRow,
)
from orchestration_assets.selection.shown_context import NOTHING_SHOWN, ShownPieces
from orchestration_assets.selection.shown_conversations import (
    memory_by_question,
    messages_before,
    told_in_batch,
)
from orchestration_assets.selection.shown_plans import shown_by_question
from resources.home import Home

Floats = NDArray[np.float64]
Way = tuple[str, str, str | None, int | None]
"""Task, option, and the learned model with its operating point: a way of processing."""

_BATCHES: Final = 20
_QUESTIONS: Final = 20_000
_ALWAYS: Final = 1.0 - 1e-9  # a share of all questions, as far as sums of floats tell
_NEVER_ASKED: Final = frozenset({Status.OVER_BUDGET, Status.DEFERRED})
_MAYBE_ASKED: Final = frozenset({Status.TIMEOUT, Status.FAILED})


class ListPrice(Protocol):
    """From a service, the tokens of an item, its parts, and what there is to show beside it, to the
    price of one call about each part, in US dollars."""

    def __call__(
        self, name: str, tokens: int, parts: int = 1, shown: ShownPieces = NOTHING_SHOWN
    ) -> float: ...


@dataclass
class WayCosts:
    """Questions that were processed in one way: for each service that may be asked, what it cost
    over the price of one call, how many calls it got, and that price in US dollars. Calls about all
    parts of an item count as one.

    0 where it was not asked; more than 1 with retries, rounds and fallbacks. An answer from the
    cache counts as one that was paid for, one that is shared by near-copies as nothing.
    """

    services: tuple[str, ...]
    ratios: list[list[float]] = field(default_factory=list)
    calls: list[list[float]] = field(default_factory=list)
    prices: list[list[float]] = field(default_factory=list)


def way_of(plan: PlanRow) -> Way:
    """The way in which the plan is processed."""
    return plan.task, plan.option, plan.artefact, plan.point


def observed_costs(home: Home, policy: Policy, price: ListPrice) -> dict[Way, WayCosts]:
    """What the latest 20 batches (20,000 questions) show of the ways of this policy.

    Questions that a budget, a deadline or an outage cut short are left out: they cost too little.
    Only what was processed by the same choice, question and services counts: another prompt or
    model costs, and answers, in another way.
    """
    found: dict[Way, WayCosts] = {}
    for batch in reversed(home.tables.batches(CALL_LOG.name)[-_BATCHES:]):
        if sum(len(one.ratios) for one in found.values()) >= _QUESTIONS:
            break
        # a batch whose tables or policy cannot be read tells nothing of costs; checks name it
        try:
            _add(home, batch, policy, price, found)
        except (PinnedPolicyError, DamagedFileError):
            continue
    return found


def _add(
    home: Home, batch: str, policy: Policy, price: ListPrice, found: dict[Way, WayCosts]
) -> None:
    columns = ["item_id", "task", "option", "artefact", "point", "services", "parts", "policy_hash"]
    plans = home.tables.read(PROCESSING_PLANS.name, batch, [*columns, "trial_hash"])
    # what a policy on trial asked was asked by other choices, which may have the same names
    plans = plans.filter(pc.is_null(plans["trial_hash"]))
    then = read_pinned_policy(home.policies, plans)
    if then is None:
        return
    tokens = dict(
        values(
            home.tables.read(CONTENT_PROFILES.name, batch, ["item_id", "token_estimate"]),
            "item_id",
            "token_estimate",
        )
    )
    shown = shown_by_question(home.tables, batch, policy)
    before = messages_before(home.tables, batch)
    sizes = told_in_batch(policy, home.tables, batch) if before else []
    told = memory_by_question(policy, before, fmean(sizes) if sizes else 0.0)
    log = home.tables.read(CALL_LOG.name, batch)
    calls, unasked = _calls(log), _unasked(log)
    alike = {
        (task, option)
        for task, option in set(values(plans, "task", "option"))
        if _is_alike(then, policy, task, option)
    }
    for item, task, option, artefact, point, services, parts in values(plans, *columns[:-1]):
        if (task, option) not in alike or (item, task) in unasked:
            continue
        way = (task, option, artefact, point)
        costs = found.setdefault(way, WayCosts(tuple(services)))
        asked = calls.get((item, task), {})
        about = item, task
        beside = {**shown.get(about, NOTHING_SHOWN), **told.get(about, NOTHING_SHOWN)}
        prices = [price(name, tokens.get(item) or 0, parts or 1, beside) for name in costs.services]
        rows = [_due(asked.get(name, ())) for name in costs.services]
        costs.ratios.append([_ratio(row, one) for row, one in zip(rows, prices, strict=True)])
        costs.prices.append(prices)
        costs.calls.append([_calls_about_each(row) for row in rows])


class _Attempt(NamedTuple):
    """What an attempt cost, whether it is a kept answer, its number from 1, and its part."""

    usd: float
    is_kept: bool
    number: int
    part: int | None


_Attempts = list[_Attempt]


def _calls(log: pa.Table) -> Mapping[tuple[str, str], Mapping[str, _Attempts]]:
    """(item, task) -> service -> its attempts."""
    found: dict[tuple[str, str], dict[str, _Attempts]] = defaultdict(lambda: defaultdict(list))
    columns = ("item_id", "task", "service", "origin", "attempt", "part", "cost_usd")
    for item, task, service, origin, attempt, part, usd in values(log, *columns):
        if origin in (CALLED, CACHE):
            found[item, task][service].append(_Attempt(usd, origin == CACHE, attempt, part))
    return found


def _due(attempts: _Attempts | tuple[()]) -> _Attempts:
    """What would be paid for were nothing kept: a router that answers is asked the same twice,
    and its second answer comes from the cache in any case. Parts are kept one by one."""
    called = {one.part for one in attempts if not one.is_kept}
    return [one for one in attempts if not one.is_kept or one.part not in called]


def _parts_in(attempts: _Attempts) -> int:
    return max(1, len({one.part for one in attempts if one.part is not None}))


def _calls_about_each(attempts: _Attempts) -> float:
    """First attempts; of parts, in the mean over these."""
    if not any(one.part is not None for one in attempts):
        return sum(one.number == 1 for one in attempts)
    first = sum(one.number == 1 and one.part is not None for one in attempts)
    return first / _parts_in(attempts)


def _unasked(log: pa.Table) -> set[tuple[str, str]]:
    """Questions that were not asked as planned: for want of money, time, or the service."""
    columns = ("item_id", "task", "origin", "status")
    return {
        (item, task)
        for item, task, origin, status in values(log, *columns)
        if status in _NEVER_ASKED or (origin == NOT_CALLED and status in _MAYBE_ASKED)
    }


def _ratio(attempts: _Attempts, price: float) -> float:
    if price <= 0.0:
        return 0.0
    of_one = 1.0 / _parts_in(attempts)
    return sum(of_one if one.is_kept else one.usd / price for one in attempts)


def _is_alike(then: Policy, now: Policy, task: str, option: str) -> bool:
    old, new = then.tasks.get(task), now.tasks.get(task)
    if old is None or new is None or option not in old.choices or option not in new.choices:
        return False
    same_question = (old.question, old.labels, old.kind) == (new.question, new.labels, new.kind)
    return same_question and _choice(then, task, option) == _choice(now, task, option)


def _choice(policy: Policy, task: str, option: str) -> tuple[object, ...]:
    config = policy.tasks[task]
    choice = config.choices[option]
    services = [policy.services.get(name) for name in (*choice.admissible, *config.joiners)]
    return choice, services, config.task_parts, policy.features.share_answers


def prior_rows(plan: PlanRow, shares: Mapping[str, float]) -> Floats:
    """Made-up questions that stand for what is known of a way before any was seen.

    (k, services): for a learned model ten by how often it asks each service; else two, one with
    the fewest calls and one with the most.
    """
    names = plan.services
    if shares:
        tenths = 10.0 * np.array([shares.get(name, 0.0) for name in names])
        return np.clip(tenths - np.arange(10.0)[:, None], 0.0, 1.0)
    most = max(1, plan.calls_max // max(1, len(names)))
    fewest = certain_services(plan, shares)
    return np.array([fewest, [most] * len(names)], dtype=np.float64)


def certain_services(plan: PlanRow, shares: Mapping[str, float]) -> list[bool]:
    """Which services of a plan are asked whatever is answered: the first, or, where a learned model
    decides, whose order may be another for each item, those that it has always asked (``shares``).
    """
    if shares:
        return [shares.get(name, 0.0) >= _ALWAYS for name in plan.services]
    return [position < plan.calls_min for position in range(len(plan.services))]


def single_call_ratios(costs: Iterable[WayCosts]) -> dict[str, float]:
    """Service -> what one call cost over its list price, in the mean over all ways; without those
    of which no question got exactly one call."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for way in costs:
        width = len(way.services)
        ratios, calls = matrix(way.ratios, width), matrix(way.calls, width)
        for column, name in enumerate(way.services):
            found[name] += ratios[calls[:, column] == 1.0, column].tolist()
    return {name: float(np.mean(some)) for name, some in sorted(found.items()) if some}


def blank_costs(services: tuple[str, ...]) -> WayCosts:
    """No question at all, of a way that was never taken."""
    return WayCosts(services)


def matrix(rows: list[list[float]], width: int) -> Floats:
    """(n, width), also when there is no row."""
    return np.array(rows, dtype=np.float64).reshape(-1, width)


def each_way(plans: Iterator[PlanRow]) -> dict[Way, list[PlanRow]]:
    """The plans by the way in which they are processed."""
    found: dict[Way, list[PlanRow]] = {}
    for plan in plans:
        found.setdefault(way_of(plan), []).append(plan)
    return found
