"""Checks of processing: services that work, plans carried out, every reading with its call."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.processing.drill import outage_drill
from orchestration_assets.processing.taught_models import artefact_name
from orchestration_assets.processing.usage import observed_usage
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.health import SERVICE_HEALTH
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.rollout import (
    ROLLOUT_ANSWERS,
    ROLLOUT_DECISIONS,
    Cohort,
    RolloutAction,
    RolloutMetric,
)
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    PROCESSING_PLANS,
)
from orchestration_assets.schemas.taught import TAUGHT_SERVICES
from orchestration_assets.schemas.tool_use import TOOL_LOG
from orchestration_assets.selection.answer_conditions import TURNED_AWAY
from orchestration_assets.table_assets import PARTITION_TAG, Balance, Stored, table_checks
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.table_io_manager import ParquetTableIOManager


def _pairs(table: pa.Table) -> set[tuple[str, str]]:
    return set(values(table, "item_id", "task"))


def _carried_out(planned: set[tuple[str, str]], found: set[tuple[str, str]]) -> list[Balance]:
    return [
        Balance(len(planned), len(planned & found), "plans carried out"),
        Balance(0, len(found - planned), "rows without a plan"),
    ]


def _check_plans_of_model(
    model: ProcessingModel, stored: Stored, readings: pa.Table
) -> list[Balance]:
    plans = stored.table(PROCESSING_PLANS.name).select(["item_id", "task", "model"])
    planned = _pairs(plans.filter(pc.equal(plans["model"], model)))
    found = _pairs(readings)
    # the log says of whom nobody was asked anything
    unasked = (planned - found) & _turned_away(stored) if planned - found else set()
    return _carried_out(planned - unasked, found)


def _turned_away(stored: Stored) -> set[tuple[str, str]]:
    log = stored.table(DECISION_LOG.name)
    return _pairs(log.filter(pc.is_in(log["action"], pa.array(sorted(TURNED_AWAY)))))


def _check_plans_logged(stored: Stored, log: pa.Table) -> list[Balance]:
    return _carried_out(_pairs(stored.table(PROCESSING_PLANS.name)), _pairs(log))


def _check_readings_have_calls(stored: Stored, calls: pa.Table) -> list[Balance]:
    readings = sum(stored.table(table.name).num_rows for table in INTERPRETATIONS.values())
    key = ["item_id", "task", "service", "round"]
    last = calls.select(key).group_by(key)
    return [Balance(readings, last.aggregate([]).num_rows, "readings with their attempts logged")]


def _check_parts(stored: Stored, parts: pa.Table) -> list[Balance]:
    key = ["item_id", "task", "service", "round"]
    joined = parts.select([*key, "parts"]).group_by([*key, "parts"]).aggregate([])
    whole: set[tuple[object, ...]] = set()
    for table in INTERPRETATIONS.values():
        whole.update(values(stored.table(table.name), *key))
    without = sum(one not in whole for one in values(joined, *key))
    return [
        Balance(pc.sum(joined["parts"]).as_py() or 0, parts.num_rows, "parts with a reading"),
        Balance(0, without, "parts without the interpretation that they are joined to"),
    ]


def _checks_of(model: ProcessingModel) -> dg.AssetChecksDefinition:
    return table_checks(
        INTERPRETATIONS[model], lambda stored, rows: _check_plans_of_model(model, stored, rows)
    )


def _check_services_listed(stored: Stored, health: pa.Table) -> list[Balance]:
    policy = read_pinned_policy(stored.home.policies, health)
    named = set(policy.services) if policy else set()
    found = set(health["service"].to_pylist())
    return [
        Balance(len(named), len(named & found), "services of the policy with a row"),
        Balance(0, len(found - named), "rows for services that the policy does not name"),
    ]


service_health_checks = table_checks(SERVICE_HEALTH, _check_services_listed, per_batch=False)


@dg.multi_asset_check(
    name="service_probe_checks",
    specs=[
        dg.AssetCheckSpec(
            "shallow",
            asset=SERVICE_HEALTH.name,
            description="The address of every service over HTTP answers within a second.",
        ),
        dg.AssetCheckSpec(
            "deep",
            asset=SERVICE_HEALTH.name,
            blocking=True,
            description=(
                "Every service over HTTP that a task needs answers a real question, or has a "
                "fallback that does. Nothing is paid for in a run where one fails for good; one "
                "that is unavailable for the moment is waited for."
            ),
        ),
        dg.AssetCheckSpec(
            "business",
            asset=SERVICE_HEALTH.name,
            description="Every service with a known item answers it as expected.",
        ),
    ],
    can_subset=True,
)
def service_probe_checks(
    context: dg.AssetCheckExecutionContext, tables: dg.ResourceParam[ParquetTableIOManager]
) -> Iterator[dg.AssetCheckResult]:
    """Judges what the probes of ``service_health`` found."""
    rows = list(SERVICE_HEALTH.rows(tables.store.read(SERVICE_HEALTH.name)))
    for key in sorted(context.selected_asset_check_keys, key=lambda one: one.name):
        bad = [row for row in rows if getattr(row, f"{key.name}_ok") is False]
        problems = [f"{row.service}: {row.problem}" for row in bad]
        gates = key.name == "deep"
        grave = [row for row in bad if not (gates and (row.covered or not row.needed))]
        blocks = gates and not all(row.unavailable for row in grave)
        remedy = " Mend it, give it a fallback, or leave it out of the policy." if grave else ""
        if gates and grave and not blocks:
            remedy = " What it cannot be asked in this run is deferred to the next."
        asked = sum(getattr(row, f"{key.name}_ok") is not None for row in rows)
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=not grave,
            severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
            description=("; ".join(problems) + "." + remedy)
            if problems
            else f"{asked} probed, all well.",
            metadata={"probed": asked, "not_well": len(bad)},
        )


@dg.asset_check(
    asset=SERVICE_HEALTH.name,
    name="outage_drill",
    description=(
        "The policy's services over HTTP, played by a server on this machine as they went in the "
        "latest batches, with an outage and every other fault: nothing is lost, nothing is paid "
        "twice, and retries do not multiply the outage."
    ),
)
def outage_drill_check(
    home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.AssetCheckResult:
    """Runs the drill; nothing leaves the machine."""
    drilled = outage_drill(load_policy(policy_file.path).policy, observed_usage(home.tables))
    words = [
        f"{one.service}: {one.items} items, {one.lost} lost, {one.billed_twice} billed twice, "
        f"{one.amplification:.2f} attempts an item (at most {one.allowed_amplification:.2f})"
        for one in drilled
    ]
    metadata: dict[str, dg.MetadataValue] = {}
    for one in drilled:
        metadata |= {
            f"{one.service}/p95_ms": dg.MetadataValue.float(one.p95_ms),
            f"{one.service}/cost_usd": dg.MetadataValue.float(one.cost_usd),
            f"{one.service}/cost_usd_calm": dg.MetadataValue.float(one.cost_usd_calm),
            f"{one.service}/amplification": dg.MetadataValue.float(one.amplification),
            f"{one.service}/items_lost": dg.MetadataValue.int(one.lost),
            f"{one.service}/statuses": dg.MetadataValue.json(dict(one.statuses)),
        }
    return dg.AssetCheckResult(
        passed=all(one.passed for one in drilled),
        description="; ".join(words) or "the policy has no service over HTTP to drill",
        metadata=metadata,
    )


def _check_taught_stored(stored: Stored, rows: pa.Table) -> list[Balance]:
    """What is in force of each taught service can be read."""
    registry = stored.home.models
    stated = [one for one in values(rows, "service", "version") if one[1] is not None]
    kept = [one for one in stated if one[1] in registry.versions(artefact_name(one[0]))]
    return [Balance(len(stated), len(kept), "taught services whose version is stored")]


def _check_tried_planned(stored: Stored, answers: pa.Table) -> list[Balance]:
    """Each item and task that another policy was to be tried on has a row; of items that were taken
    back, whose plans are those of the policy in force, each item."""
    plans = stored.table(PROCESSING_PLANS.name).select(["item_id", "task", "cohort"])
    returned = set(plans.filter(pc.equal(plans["cohort"], Cohort.RETURNED))["item_id"].to_pylist())
    others = pa.array([Cohort.CANARY, Cohort.SHADOW, Cohort.RETURNED])

    def tried(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(item, "" if item in returned else task) for item, task in pairs}

    planned = tried(_pairs(plans.filter(pc.is_in(plans["cohort"], others))))
    found = tried(_pairs(answers))
    return [
        Balance(len(planned), len(planned & found), "plans on trial with a row"),
        Balance(0, len(found - planned), "rows without a plan on trial"),
    ]


def _check_looks_whole(stored: Stored, decisions: pa.Table) -> list[Balance]:
    """The last look at a roll-out is at every metric."""
    last = pc.max(decisions["look"]).as_py()
    looked_at = (
        decisions.filter(pc.equal(decisions["look"], last)).num_rows if last is not None else 0
    )
    expected = len(RolloutMetric) if last is not None else 0
    return [Balance(expected, looked_at, "metrics at the last look")]


@dg.asset_check(
    asset=ROLLOUT_DECISIONS.name,
    name="rollout",
    description=(
        "A policy on trial is not beyond the limits that it set itself, more errors or latency "
        "than the policy in force. Where it is, it was rolled back."
    ),
)
def rollout_check(
    context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]
) -> dg.AssetCheckResult:
    """Says what was decided at the end of the batch, metric by metric; it stops nothing.

    Looks at the batch of the run; started by itself, at the latest batch.
    """
    batch = context.run.tags.get(PARTITION_TAG) or max(
        home.tables.batches(ROLLOUT_DECISIONS.name), default=None
    )
    stored = (
        []
        if batch is None
        else [*ROLLOUT_DECISIONS.rows(home.tables.read(ROLLOUT_DECISIONS.name, batch))]
    )
    rows = [row for row in stored if row.look == stored[-1].look]
    metadata: dict[str, Any] = {row.metric.value: row.reason for row in rows}
    metadata |= {f"{row.metric}/estimate": row.estimate for row in rows if row.estimate is not None}
    if rows:
        first = rows[0]
        metadata |= {
            "action": first.action.value,
            "share": first.share,
            "undone": first.undone,
            "policy": first.policy_hash,
            "in_force": first.in_force_hash,
            "canary_items": first.canary_items,
            "control_items": first.control_items,
        }
    return dg.AssetCheckResult(
        passed=not any(row.action is RolloutAction.ROLL_BACK for row in rows),
        severity=dg.AssetCheckSeverity.WARN,
        description=rows[0].reason if rows else "no policy was tried on this batch",
        metadata=metadata,
    )


def _check_tool_log(stored: Stored, log: pa.Table) -> list[Balance]:
    """Every step led to an answer that stands in a table, and none of a reply is missing."""
    names = (*(table.name for table in INTERPRETATIONS.values()), PART_READINGS.name)
    known = {key for name in names for key in stored.table(name)["answer_key"].to_pylist()}
    keys = log["answer_key"].to_pylist()
    last: dict[tuple[object, ...], int] = {}
    for *reply, call in values(log, "item_id", "task", "step", "part", "reply", "call"):
        last[tuple(reply)] = max(last.get(tuple(reply), 0), call)
    return [
        Balance(0, sum(key not in known for key in keys), "calls for an answer in no table"),
        Balance(sum(last.values()), log.num_rows, "calls by the last number of each reply"),
    ]


sequential_checks = _checks_of(ProcessingModel.SEQUENTIAL)
parallel_checks = _checks_of(ProcessingModel.PARALLEL)
iterative_checks = _checks_of(ProcessingModel.ITERATIVE)
hybrid_checks = _checks_of(ProcessingModel.HYBRID)
decision_log_checks = table_checks(DECISION_LOG, _check_plans_logged)
tool_log_checks = table_checks(TOOL_LOG, _check_tool_log)
part_readings_checks = table_checks(PART_READINGS, _check_parts)
call_log_checks = table_checks(CALL_LOG, _check_readings_have_calls)
rollout_answers_checks = table_checks(ROLLOUT_ANSWERS, _check_tried_planned)
rollout_decisions_checks = table_checks(ROLLOUT_DECISIONS, _check_looks_whole)
taught_services_checks = table_checks(TAUGHT_SERVICES, _check_taught_stored, per_batch=False)
