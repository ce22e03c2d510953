"""One batch while a policy is tried: both policies at work, and the one in force takes back what
the other one does not answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow as pa

from orchestration_assets.evidence.verdict_history import gold_rows
from orchestration_assets.policy.kept_policies import read_kept_policy
from orchestration_assets.policy.rollout import comparable_tasks
from orchestration_assets.policy.rollout_state import (
    RolloutState,
    RolloutStatus,
    after_batch,
    current_state,
    move,
)
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.batch import build_work, learned_models, with_toolbox
from orchestration_assets.processing.event_loop import (
    BatchLimits,
    BatchResult,
    BatchWork,
    collect,
    warm_up,
)
from orchestration_assets.processing.near_copy_sharing import answered_each
from orchestration_assets.processing.near_items import NearItems
from orchestration_assets.processing.plan_result import PlanResult
from orchestration_assets.processing.rollout_copies import (
    copies_on_trial,
    results_of_copies,
    without,
)
from orchestration_assets.processing.rollout_evidence import gathered_before, keep_gathered
from orchestration_assets.processing.rollout_journal import RolloutJournal, Side, journal_of
from orchestration_assets.processing.rollout_outcomes import (
    OutcomeReader,
    TaskOutcome,
    outcomes_of,
)
from orchestration_assets.processing.rollout_watch import (
    Look,
    RolloutWatch,
    decision_rows,
    look_at,
)
from orchestration_assets.processing.trial_companion import TrialCompanion
from orchestration_assets.schemas.answers import Answer, answer_of, shown
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.record_answers import record_of
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.rollout import (
    ROLLOUT_ANSWERS,
    ROLLOUT_DECISIONS,
    Cohort,
    Rollout,
    RolloutAction,
    RolloutAnswerRow,
    RolloutDecisionRow,
    RolloutMetric,
)
from orchestration_assets.schemas.tables import RESOLUTIONS, PlanRow
from orchestration_assets.schemas.verdicts import GoldRow
from orchestration_assets.selection.rollout_plans import other_plans
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity
from resources.ai_services.http.service import HttpService
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.damage import leaving_out_damage
from resources.home import Home

_NOT_REACHED: Final = "the policy on trial did not come to it"
_UNSHARED: Final = "a near-copy of {}, which the policy on trial did not answer in full"
_UNANSWERED: Final = {
    Status.DEFERRED: "a service of the policy on trial was unavailable",
    Status.OVER_BUDGET: "the policy on trial has spent its share of the budget",
}


@dataclass(frozen=True, slots=True)
class RolloutRows:
    """What a batch adds to the tables of roll-outs; ``plans`` are those that stand now, where the
    policy in force took items back."""

    answers: tuple[RolloutAnswerRow, ...] = ()
    decisions: tuple[RolloutDecisionRow, ...] = ()
    plans: tuple[PlanRow, ...] | None = None


@dataclass(frozen=True, slots=True)
class TrialTools:
    """What asking the services of a policy on trial needs of the batch; ``leader_of`` names the
    item that is asked for its near-copies, where answers are shared."""

    cache: AnswerCache
    limits: BatchLimits
    near: NearItems
    work: BatchWork
    leader_of: Mapping[str, str]


@dataclass
class RolloutBatch:
    """The plans of a batch under a roll-out: ``rows`` are all of them, in order.

    ``state`` is where the roll-out stood when the batch was begun. Without ``watches``, where only
    deferred questions are asked again, nothing is compared.
    """

    home: Home
    batch: str
    rows: Sequence[PlanRow]
    profiles: pa.Table
    state: RolloutState
    policy: Policy
    watches: bool = True
    _done: dict[str, BatchResult] = field(default_factory=dict)
    _leader_of: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def config(self) -> Rollout:
        return self.policy.rollout or Rollout()

    @cached_property
    def control(self) -> list[PlanRow]:
        """The plans that the policy in force answers."""
        return [plan for plan in self.rows if plan.trial_hash is None]

    @cached_property
    def tried(self) -> list[PlanRow]:
        """The plans of the policy on trial, those of a shadow too."""
        shadows = [plan for plan in self.rows if plan.cohort is Cohort.SHADOW and self.watches]
        canary = [plan for plan in self.rows if plan.trial_hash is not None]
        return [*canary, *other_plans(shadows, Cohort.SHADOW)]

    @cached_property
    def work(self) -> BatchWork:
        """What the plans of the policy on trial refer to."""
        table = pa.table({name: [getattr(plan, name) for plan in self.tried] for name in _MODELS})
        learned = learned_models(table, self.home.models)
        return with_toolbox(
            build_work(self.policy, learned, self.home.models), self.policy, self.home
        )

    @cached_property
    def reader(self) -> OutcomeReader:
        family = dict(values(self.profiles, "item_id", "family"))
        in_force = read_kept_policy(self.home.policies / f"{self.state.in_force}.json")
        return OutcomeReader(
            {**build_tasks(in_force), **build_tasks(self.policy)},
            comparable_tasks(in_force, self.policy),
            lambda item: str(family.get(item)),
            self._answered_before(),
            {
                (row.content_hash, row.task): answer
                for row in gold_rows(self.home.tables)
                if row.content_hash is not None and (answer := _gold_answer(row)) is not None
            },
        )

    @cached_property
    def watch(self) -> RolloutWatch:
        before = gathered_before(self.home, self.state.rollout, self.config, self.batch)
        watch = RolloutWatch(self.config, before, lambda: datetime.now(UTC), self._shared)
        for side, outcome in self.journal.earlier():
            if side is Side.CONTROL:
                watch.add_control(outcome)
            else:
                watch.add_canary(outcome)
        return watch

    @cached_property
    def journal(self) -> RolloutJournal:
        rollout, shadow = self.state.rollout, self.config.shadow
        return journal_of(self.home, rollout, self.batch, pairs_items=shadow)

    @property
    def is_open(self) -> bool:
        """Whether the policy on trial is asked at all: another batch may have ended its trial.

        What it was asked about in a batch that is finished stays its own.
        """
        open_ones = (RolloutStatus.RUNNING, RolloutStatus.PROMOTED)
        return not self.watches or self.state.status in open_ones

    def over(self, plans: Sequence[PlanRow], results: Sequence[PlanResult]) -> None:
        """Takes down what came of an item that the policy in force answered."""
        self.controls_over(_collected(plans, results), plans)

    def controls_over(self, result: BatchResult, plans: Iterable[PlanRow]) -> None:
        """The same for several items, by their rows."""
        if self.watches:
            for outcomes in outcomes_of(plans, result).values():
                if self.config.shadow:
                    self._note_answers(outcomes)
                watch, outcome = self.watch, self.reader.item(outcomes)
                if outcome is not None and self.journal.add(Side.CONTROL, outcome):
                    watch.add_control(outcome)

    def _note_answers(self, outcomes: Mapping[str, TaskOutcome]) -> None:
        """What a shadow is compared with: not what stood before, but what stands in this batch."""
        for name, outcome in outcomes.items():
            if (answer := outcome.answer(self.reader.tasks[name])) is not None:
                self.reader.before[outcome.plan.item_id, name] = answer

    def companion(self, tools: TrialTools) -> TrialCompanion:
        """The policy on trial at work, with its share of what is left of the budget."""
        warm_up(self.work)
        limits, share = tools.limits, self._share
        left = limits.budget.left_usd
        asker = Asker(
            self.work.services,
            tools.cache,
            budget=SpendBudget(left * share, within=limits.budget),
            ratios=limits.token_ratios,
            call_limit_s=limits.item_deadline_s,
            near=tools.near,
            shared=self._limit_folders(tools.work, limits.shared),
            toolbox=self.work.toolbox,
            wait_limit_s=self.config.patience_s,
        )
        each = answered_each(self.work.tasks, tools.work.memories)
        judged = tools.work.judged
        self._leader_of = copies_on_trial(
            self.tried,
            tools.leader_of,
            lambda item, task: task in each or (item, task) in judged,
        )
        at_once = limits.in_flight(self.work.services.values())
        in_flight = self.config.look_every, round(at_once * share)
        # what stands of plans that were carried out before is known to both
        work = replace(self.work, given=tools.work.given, memories=tools.work.memories)
        plans = without(self.tried, self._leader_of), work, asker, self._tried_over
        return TrialCompanion(*plans, *in_flight, limits.ends_at)

    def finish(
        self, control: BatchResult, process: Callable[[Sequence[PlanRow]], BatchResult]
    ) -> tuple[list[BatchResult], RolloutRows]:
        """Decides at the end of the batch; ``process`` carries out what the policy in force takes
        back. The results of the items that are not in ``control``, and the rows."""
        plans_of: dict[str, list[PlanRow]] = {}
        for plan in self.tried:
            plans_of.setdefault(plan.item_id, []).append(plan)
        done = {**self._done, **dict(results_of_copies(plans_of, self._leader_of, self._done))}
        found = {item: outcomes_of(plans_of[item], one)[item] for item, one in done.items()}
        decisions = self._decide(found) if self.watches and self.is_open else []
        reasons = self._returned(found)
        taken_back = [plan for plan in self.rows if plan.item_id in reasons]
        again = other_plans(taken_back, Cohort.RETURNED)
        parts = [process(again)] if again else []
        parts += [
            one
            for item, one in done.items()
            if item not in reasons and plans_of[item][0].cohort is Cohort.CANARY
        ]
        in_force = outcomes_of([*self.control, *again], _merged([control, *parts]))
        answers = [
            self._answer_row(plan, found.get(plan.item_id), in_force, reasons)
            for plan in self.tried
        ]
        undone = sum(item in reasons for item in found)
        decisions = [
            replace(row, undone=undone) if row.action is RolloutAction.ROLL_BACK else row
            for row in decisions
        ]
        followed = [*without(self.rows, reasons), *again]
        in_order = sorted(followed, key=lambda plan: (plan.item_id, plan.task))
        changed = tuple(in_order) if again else None
        return parts, RolloutRows(tuple(answers), tuple(decisions), changed)

    def _tried_over(self, plans: Sequence[PlanRow], results: Sequence[PlanResult]) -> bool:
        result = self._done[plans[0].item_id] = _collected(plans, results)
        if not self.watches:
            return True
        (tasks,) = outcomes_of(plans, result).values()
        watch, outcome = self.watch, self.reader.item(tasks)
        if outcome is not None and self.journal.add(Side.CANARY, outcome):
            watch.add_canary(outcome)
        return not watch.worse

    def _decide(self, found: Mapping[str, Mapping[str, TaskOutcome]]) -> list[RolloutDecisionRow]:
        own = self.watch.gathered()
        self.journal.file.share()
        about = self.home, self.state.rollout, self.config, self.batch
        total, items = keep_gathered(*about, own, self.watch.items)
        looks = look_at(self.config, total)
        # what was beyond its limit at any look is: looking longer is no appeal
        verdicts = {
            metric: look.verdict for metric, look in looks.items() if look.limit is not None
        } | {look.metric: look.verdict for look in self.watch.worse}
        acted, shared = RolloutAction.GO_ON, self._shared

        def step(now: RolloutState) -> RolloutState:
            nonlocal acted
            moved, acted = after_batch(now, self.config, verdicts, items)
            return moved

        self.state = move(self.home, self.state.rollout, step, f"batch {self.batch}")
        shared |= {"look": self.watch.next_look(), "decided_at": datetime.now(UTC)}
        words = f"end of the batch, {len(found)} of its items tried: {self.state.reason}"
        shown_looks = _as_decided(looks, self.watch.worse)
        return [*self.watch.rows, *decision_rows(shown_looks, shared, acted, words, 0)]

    def _returned(self, found: Mapping[str, Mapping[str, TaskOutcome]]) -> dict[str, str]:
        """Item of the canary -> why the policy in force takes it back."""
        if not self.watches:
            return {}
        canary = {plan.item_id for plan in self.rows if plan.cohort is Cohort.CANARY}
        if self.state.status in (RolloutStatus.ROLLED_BACK, RolloutStatus.ABORTED):
            return dict.fromkeys(sorted(canary), f"{self.state.status}: {self.state.reason}")
        reasons = {}
        for item in sorted(canary):
            tasks = found.get(item)
            if tasks is None:
                leader = self._leader_of.get(item)
                reasons[item] = _NOT_REACHED if leader is None else _UNSHARED.format(leader)
                continue
            statuses = {status for one in tasks.values() for status in one.statuses}
            why = next((words for one, words in _UNANSWERED.items() if one in statuses), None)
            if why is not None:
                reasons[item] = why
        return reasons

    def _answer_row(
        self,
        plan: PlanRow,
        found: Mapping[str, TaskOutcome] | None,
        in_force: Mapping[str, Mapping[str, TaskOutcome]],
        reasons: Mapping[str, str],
    ) -> RolloutAnswerRow:
        task = self.reader.tasks[plan.task]
        outcome = found.get(plan.task) if found else None
        stands = plan.cohort is Cohort.CANARY and plan.item_id not in reasons
        other = None
        if not stands and (theirs := in_force.get(plan.item_id, {}).get(plan.task)) is not None:
            other = theirs.answer(task)
        elif stands:
            other = self.reader.before.get((plan.item_id, plan.task))
        cohort = Cohort.RETURNED if plan.item_id in reasons else plan.cohort or Cohort.CANARY
        why = "it passed what was looked at so far" if stands else "the answer in force stands"
        if plan.item_id in self._leader_of and outcome is not None:
            why = f"{why}; shared by a near-copy, {self._leader_of[plan.item_id]}"
        return RolloutAnswerRow(
            batch=plan.batch,
            item_id=plan.item_id,
            content_hash=plan.content_hash,
            path=plan.path,
            task=plan.task,
            rollout=self.state.rollout,
            cohort=cohort,
            policy_hash=self.state.trial,
            stands=stands,
            asked=outcome is not None and outcome.is_asked,
            answer=shown(outcome.answer(task)) if outcome else None,
            in_force=shown(other),
            differs=self.reader.differs(outcome, other) if outcome else None,
            failed=outcome is not None and outcome.failed > 0.0,
            elapsed_ms=outcome.elapsed_ms if outcome else 0.0,
            cost_usd=outcome.cost_usd if outcome else 0.0,
            reason=reasons.get(plan.item_id, why),
            answer_keys=outcome.answer_keys if outcome else (),
        )

    @property
    def _share(self) -> float:
        shares = self.config.shares
        return shares[min(self.state.step, len(shares) - 1)]

    @property
    def _shared(self) -> dict[str, object]:
        """The columns that all decisions about the batch have."""
        return {
            "batch": self.batch,
            "rollout": self.state.rollout,
            "in_force_hash": self.state.in_force,
            "policy_hash": self.state.trial,
            "share": self._share,
        }

    def _limit_folders(self, control: BatchWork, shared: Path | None) -> dict[str, Path]:
        """Where limits are kept of each service: with all others where it is the very service of
        the policy in force, so that both together keep its limits; else apart, so that what it
        suffers is not held against another of its name."""
        if shared is None:
            return {}
        task = next(iter(self.work.tasks.values()))
        same = {
            name
            for name, service in self.work.services.items()
            if (other := control.services.get(name)) is not None
            and service_identity(service, task) == service_identity(other, task)
            and _config(service) == _config(other)
        }
        apart = shared / self.state.trial
        return {name: shared if name in same else apart for name in self.work.services}

    def _answered_before(self) -> dict[tuple[str, str], Answer]:
        """What stood of the questions when the batch was carried out before."""
        tables = self.home.tables
        if not tables.exists(RESOLUTIONS.name, self.batch):
            return {}
        found: dict[tuple[str, str], Answer] = {}
        with leaving_out_damage():
            for row in RESOLUTIONS.rows(tables.read(RESOLUTIONS.name, self.batch)):
                if (answer := answer_of(row)) is not None:
                    found[row.item_id, row.task] = answer
        return found


@dataclass
class TrialRun:
    """When the policy on trial is asked: beside the first plans of the one in force that go through
    the event loop, a shadow after them."""

    rollout: RolloutBatch
    tools: TrialTools
    _begun: bool = False

    @property
    def control(self) -> list[PlanRow]:
        return self.rollout.control

    def companions(self) -> tuple[TrialCompanion, ...]:
        """The policy on trial, once, unless it is a shadow: what the one in force was told costs a
        shadow nothing."""
        return () if self.rollout.config.shadow else self._begin()

    def finish(
        self,
        control: BatchResult,
        alone: Callable[[Sequence[TrialCompanion]], object],
        process: Callable[[Sequence[PlanRow]], BatchResult],
    ) -> tuple[list[BatchResult], RolloutRows]:
        """Asks the policy on trial where that is still to be done, ``alone``, and decides."""
        if companions := self._begin():
            alone(companions)
        return self.rollout.finish(control, process)

    def _begin(self) -> tuple[TrialCompanion, ...]:
        if self._begun:
            return ()
        self._begun = True
        if not self.rollout.is_open or not self.rollout.tried:
            return ()
        return (self.rollout.companion(self.tools),)


_MODELS: Final = ("task", "artefact")


def rollout_batch(
    home: Home, batch: str, rows: Sequence[PlanRow], profiles: pa.Table, *, watches: bool
) -> RolloutBatch | None:
    """The roll-out that the plans of a batch were made under; None where none was under way.

    Raises KeptPolicyError where the policy on trial cannot be read back.
    """
    plan = next((one for one in rows if one.cohort in (Cohort.CANARY, Cohort.SHADOW)), None)
    if plan is None:
        return None
    trial = plan.trial_hash or next(one.trial_hash for one in other_plans([plan], Cohort.SHADOW))
    assert plan.rollout is not None
    assert trial is not None
    state = current_state(home)
    if state is None or state.rollout != plan.rollout:
        state = RolloutState(
            plan.rollout,
            plan.policy_hash,
            trial,
            RolloutStatus.ABORTED,
            reason="another roll-out began meanwhile",
        )
    policy = read_kept_policy(home.policies / f"{trial}.json")
    return RolloutBatch(home, batch, rows, profiles, state, policy, watches)


def _collected(plans: Sequence[PlanRow], results: Sequence[PlanResult]) -> BatchResult:
    found = BatchResult()
    for plan, result in zip(plans, results, strict=True):
        collect(plan, result, found)
    return found


def _merged(parts: Iterable[BatchResult]) -> BatchResult:
    whole = BatchResult()
    for part in parts:
        for model, rows in part.interpretations.items():
            whole.interpretations[model] += rows
        whole.calls += part.calls
    return whole


def _config(service: Service) -> object:
    return service.config if isinstance(service, HttpService) else None


def _gold_answer(row: GoldRow) -> Answer | None:
    if row.answer_score is not None:
        return row.answer_score
    if row.answer_set is not None:
        return row.answer_set
    return record_of(row.answer_record) if row.answer_record is not None else row.answer


def _as_decided(looks: Mapping[RolloutMetric, Look], worse: Sequence[Look]) -> list[Look]:
    """The looks, with those that decided before the end as they were then."""
    return [*{**looks, **{look.metric: look for look in worse}}.values()]


def rollout_tables(
    home: Home, batch: str, rollout: RolloutRows | None, *, watched: bool
) -> Iterator[tuple[str, pa.Table, dict[str, int | float]]]:
    """Name, table and telling figures of what a batch adds about roll-outs.

    What stands is kept where nothing was ``watched``, since only deferred questions were asked.
    """
    added = rollout or RolloutRows()
    for name, made in (
        (ROLLOUT_ANSWERS.name, rows_to_arrow(ROLLOUT_ANSWERS, added.answers)),
        (ROLLOUT_DECISIONS.name, rows_to_arrow(ROLLOUT_DECISIONS, added.decisions)),
    ):
        stands = not watched and home.tables.exists(name, batch)
        table = home.tables.read(name, batch) if stands else made
        yield name, table, {"rows": table.num_rows}
