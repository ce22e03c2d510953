"""What processing a batch needs beside its plans, and the tables that it yields."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from time import monotonic
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.batch_completion import share_of_account, spending_pass
from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.evidence.label_model import LabelModel, unpack
from orchestration_assets.evidence.label_model import artefact_name as calibration_name
from orchestration_assets.policy.task_graph import task_inputs
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.asker import CACHE, CALLED
from orchestration_assets.processing.event_loop import BatchLimits, BatchResult, BatchWork, LoadItem
from orchestration_assets.processing.near_copy_sharing import SHARED
from orchestration_assets.processing.part_rows import part_figures
from orchestration_assets.processing.question_gains import FundingRules
from orchestration_assets.processing.taught_models import knowing_all
from orchestration_assets.processing.tools.toolbox import Toolbox
from orchestration_assets.processing.usage import observed_usage
from orchestration_assets.processing.usage_metadata import usage_by_model
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import SERVICE_SCORECARDS
from orchestration_assets.schemas.enums import EntryOutcome, Status
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.policy import Choice, Policy
from orchestration_assets.schemas.services import LocalConfig, is_paid
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    accepted_items,
    profiles_of,
)
from orchestration_assets.selection.active_selector import artefact_name
from orchestration_assets.selection.trained_selector import TrainedSelector, unpack_selector
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.model_registry import ModelRegistry
from resources.spending.writer import SpendingPurpose, SpendingWriter, process_name
from resources.table_store import TableStore

_ENOUGH_VERDICTS: Final = 50
_HEAVY_BYTES: Final = 1 << 20
_BLOCK_ITEMS: Final = 256
_BLOCKS_HELD: Final = 16
_About = TypeVar("_About")


def build_choices(policy: Policy | None) -> dict[tuple[str, str], Choice]:
    """Every way to process an item, by task and option."""
    return {
        (name, option): choice
        for name, task in (policy.tasks.items() if policy else ())
        for option, choice in task.choices.items()
    }


def build_work(
    policy: Policy | None,
    learned: Mapping[str, TrainedSelector] | None = None,
    registry: ModelRegistry | None = None,
) -> BatchWork:
    """What the plans of a batch refer to; nothing when there are no plans.

    Taught services know what the ``registry`` keeps of them; nothing without one.
    """
    services = build_services(policy.services) if policy else {}
    if policy and registry:
        services = knowing_all(services, policy, registry)
    return BatchWork(
        build_choices(policy), build_tasks(policy), services, learned or {}, task_inputs(policy)
    )


def with_toolbox(work: BatchWork, policy: Policy | None, home: Home) -> BatchWork:
    """The work with the tools of its tasks, over what they may read in the home."""
    if policy is None or not any(task.tools for task in policy.tasks.values()):
        return work
    return replace(work, toolbox=Toolbox(home, policy))


def learned_models(plans: pa.Table, registry: ModelRegistry) -> dict[str, TrainedSelector]:
    """The learned models that plans have pinned, by version.

    Raises ArtefactError when one is missing or was changed.
    """
    pairs = set(values(plans, "task", "artefact"))
    found = {}
    for task, version in sorted(pair for pair in pairs if pair[1] is not None):
        artefact = registry.load(artefact_name(task), version)
        found[version] = unpack_selector(artefact.arrays, artefact.facts["selector"])
    return found


def batch_budget(
    policy: Policy | None, home: Home, batch: str, budget: SpendBudget
) -> tuple[SpendBudget, SpendingWriter]:
    """The policy's budget of a batch within that of the whole run; what records its attempts.

    What was spent in the same pass of the batch before, by a run that was stopped, counts. Where
    the run has no account, as those that sensors ask for, the batch's share of its own limits it.
    """
    ledger = home.spending
    if policy is None or not is_paid(policy.services):
        purpose = SpendingPurpose("batch", batch, "", budget.account, process_name())
        return SpendBudget(within=budget), SpendingWriter(ledger.folder, purpose)
    ledger.fold()
    now = spending_pass(home, batch)
    account = budget.account
    if not account:
        account, left = share_of_account(home, batch)
        budget = SpendBudget(left, within=budget)
    cap = policy.execution.budget_usd
    spent = 0.0 if cap is None else ledger.spent_usd(batch=batch, batch_pass=now)
    writer = SpendingWriter(
        ledger.folder, SpendingPurpose("batch", batch, now, account, process_name())
    )
    return SpendBudget(cap, within=budget, spent_usd=spent, recorder=writer), writer


def batch_limits(
    policy: Policy | None, budget: SpendBudget, home: Home, batch: str, work: BatchWork
) -> BatchLimits:
    """What the batch may take from now on: the policy's own limits, within its ``budget``."""
    if policy is None:
        return BatchLimits(1)
    execution, store = policy.execution, home.tables
    deadline = execution.batch_deadline_s
    remote = any(not isinstance(one, LocalConfig) for one in policy.services.values())
    known = home.series.settled(batch, CALL_LOG.name, store.batches(CALL_LOG.name))
    seen = observed_usage(store, known) if remote else {}
    return BatchLimits(
        execution.items_in_flight,
        budget,
        execution.item_deadline_s,
        math.inf if deadline is None else monotonic() + deadline,
        {name: one.token_ratio.mean for name, one in seen.items() if one.token_ratio},
        FundingRules(
            {name: task.impact for name, task in policy.tasks.items()},
            _reliabilities(store),
            _calibrations(work, home.models),
        ),
        home.limits,
    )


def _calibrations(work: BatchWork, registry: ModelRegistry) -> dict[str, LabelModel]:
    """The calibration in use of each task that holds for its services as they are now."""
    found = {}
    for name, task in work.tasks.items():
        artefact = registry.usable(calibration_name(name))
        if artefact is None:
            continue
        try:
            model = unpack(artefact.arrays, artefact.facts)
        except (KeyError, ValueError):
            # resolving says so; which questions are worth most is known well enough without
            continue
        learnt = zip(model.services, model.versions, strict=True)
        now = {one: service_identity(work.services[one], task) for one in work.services}
        if all(now.get(service, version) == version for service, version in learnt):
            found[name] = model
    return found


def _reliabilities(store: TableStore) -> dict[tuple[str, str], float]:
    """(task, service) -> how often the service is right: by verdicts, else by agreement."""
    if not store.exists(SERVICE_SCORECARDS.name):
        return {}
    found: dict[tuple[str, str], float] = {}
    with leaving_out_damage():
        for card in SERVICE_SCORECARDS.rows(store.read(SERVICE_SCORECARDS.name)):
            known = card.accuracy if card.judged >= _ENOUGH_VERDICTS else card.reliability
            if known is not None:
                found[card.task, card.service] = known
    return found


def item_loader(
    manifest: pa.Table, profiles: pa.Table, reader: ContentReader
) -> Callable[[str], Item]:
    """A function from item id to the item with its content, read and verified when called.

    Items are asked for about in the order of their ids: what tables hold of them is taken apart
    in blocks, of which the last few are held.
    """
    accepted = manifest.filter(pc.equal(manifest["outcome"], EntryOutcome.ACCEPTED))
    row_of = record_finder(accepted, accepted_items)
    profile_of = record_finder(profiles, profiles_of)

    def load(item_id: str) -> Item:
        row = row_of(item_id)
        text = reader.text(row)
        return Item(item_id, row.content_hash, row.path, text, profile_of(item_id).features)

    return load


def record_finder(
    table: pa.Table, records_of: Callable[[pa.Table], Iterable[_About]]
) -> Callable[[str], _About]:
    """A function from item id to the record of the row that is about it; KeyError for none.

    ``records_of`` takes a part of the table apart, one record a row.
    """
    places: dict[str, int] = {}

    @lru_cache(maxsize=_BLOCKS_HELD)
    def block(number: int) -> list[_About]:
        return list(records_of(ordered().slice(number * _BLOCK_ITEMS, _BLOCK_ITEMS)))

    @cache
    def ordered() -> pa.Table:
        rows = table.sort_by("item_id")
        places.update((item, place) for place, item in enumerate(rows["item_id"].to_pylist()))
        return rows

    def record(item_id: str) -> _About:
        ordered()
        number, place = divmod(places[item_id], _BLOCK_ITEMS)
        return block(number)[place]

    return record


def heavy_items(manifest: pa.Table) -> frozenset[str]:
    """Accepted items whose content takes so long to read that other work must go on meanwhile."""
    large = manifest.filter(pc.greater(manifest["size_bytes"], _HEAVY_BYTES))
    return frozenset(large["item_id"].to_pylist())


def separate_loader(heavy: Collection[str], load: LoadItem, load_heavy: LoadItem) -> LoadItem:
    """Loads heavy items in their own way: a reader serves one thread at a time."""
    return lambda item_id: load_heavy(item_id) if item_id in heavy else load(item_id)


def rows_about(table: pa.Table, items: Collection[str]) -> pa.Table:
    """The rows of the table that are about these items."""
    return table.filter(pc.is_in(table["item_id"], pa.array(sorted(items), pa.string())))


def pack(processed: BatchResult) -> BatchResult:
    """The same result, whose rows take less memory from here on."""
    for rows in processed.row_lists:
        rows.pack()
    return processed


def result_tables(processed: BatchResult) -> Iterator[tuple[str, pa.Table, dict[str, int | float]]]:
    """Name, table and telling figures of each table that processing yields."""
    usage = usage_by_model(processed.calls, processed.interpretations)
    for model, rows in processed.interpretations.items():
        table = rows.to_arrow()
        statuses = Counter(table["status"].to_pylist())
        yield INTERPRETATIONS[model].name, table, {**statuses, **usage.get(model, {})}
    decisions = processed.decisions.to_arrow()
    yield DECISION_LOG.name, decisions, dict(Counter(decisions["action"].to_pylist()))
    calls = processed.calls.to_arrow()
    opened = sum(processed.circuits_opened.values())
    yield CALL_LOG.name, calls, {**call_figures(calls), "circuits_opened": opened}
    parts = processed.parts.to_arrow()
    yield PART_READINGS.name, parts, part_figures(parts)


def call_figures(calls: pa.Table) -> dict[str, int | float]:
    """What the calls of a batch came to: how many, money in USD, tokens, what was taken out."""
    origins = Counter(calls["origin"].to_pylist())
    unanswered = pc.invert(pc.is_in(calls["status"], pa.array([Status.OK, Status.ABSTAINED])))
    redacted = pc.list_flatten(calls["redacted"].combine_chunks())
    return {
        "calls": origins[CALLED],
        "from_cache": origins[CACHE],
        "shared": origins[SHARED],
        # one after the other: Arrow adds up in another order, to other last digits
        "cost_usd": sum(calls["cost_usd"].to_pylist()),
        "cost_usd_without_answer": sum(calls["cost_usd"].filter(unanswered).to_pylist()),
        # services say what they like: Arrow's sum turns negative behind the largest 64-bit number
        "tokens_in": sum(pc.drop_null(calls["tokens_in"]).to_pylist()),
        "tokens_out": sum(pc.drop_null(calls["tokens_out"]).to_pylist()),
        "redacted": pc.sum(pc.struct_field(redacted, "count")).as_py() or 0,
        "injection_markers": pc.sum(calls["injection_markers"]).as_py() or 0,
    }
