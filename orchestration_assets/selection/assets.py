"""Assets of selection: how each item will be processed, and why."""

from functools import partial

import dagster as dg
import pyarrow as pa

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.unnamed_policy import packaged_note
from orchestration_assets.schemas.outcomes import OUTCOMES, OutcomeSource
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from orchestration_assets.schemas.records import count_members, rows_to_arrow
from orchestration_assets.schemas.selection import SELECTION_FRONTIER, SELECTION_MODEL
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_PROFILES,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.selection.batch import plan_batch
from orchestration_assets.selection.outcomes import policy_outcomes, read_outcome_evidence
from orchestration_assets.selection.panel_outcomes import learn_panels
from orchestration_assets.selection.training_corpus import (
    all_frontier_rows,
    read_training_corpus,
    train_tasks,
)
from orchestration_assets.services.pool import build_services
from orchestration_assets.table_assets import materialize, table_asset
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from resources.home_resource import PolicyFileResource

_learning_asset = partial(
    table_asset,
    group="8_learning",
    team="selection",
    per_batch=False,
)
_TRAINED_ON = (
    OUTCOMES.name,
    CALL_LOG.name,
    PROCESSING_PLANS.name,
    CONTENT_PROFILES.name,
    CONTENT_VECTORS.name,
)


@table_asset(
    PROCESSING_PLANS,
    group="3_plans",
    team="selection",
    code_version="3",
    # the vectors themselves are for what was learned from them
    reads_columns={CONTENT_VECTORS.name: ("item_id", "representative")},
    # made of no batch, so that no circle is closed
    deps=[ACTIVE_POLICY_TABLE.name],
    description=(
        "How each item is processed for each task that applies to it: the processing model, the "
        "services in order, the rule that decided with the features it saw, what is expected of "
        "each service on it where that was learned, the forecast, and the options that were not "
        "taken."
    ),
)
def processing_plans(
    context: dg.AssetExecutionContext,
    content_profiles: pa.Table,
    content_vectors: pa.Table,
    home: dg.ResourceParam[Home],
    policy_file: PolicyFileResource,
    budget: dg.ResourceParam[SpendBudget],
) -> dg.MaterializeResult[pa.Table]:
    """Hears directives, rules, what was learned and the default, and pins what decided."""
    loaded, batch = load_policy(policy_file.path), context.partition_key
    if policy_file.path is None and (note := packaged_note(home)):
        context.log.warning(note)
    tables = (content_profiles, content_vectors)
    return materialize(context, plan_batch(home, batch, *tables, loaded, budget.left_usd))


@_learning_asset(
    OUTCOMES,
    deps=[GOLD_LABELS.name, RESOLUTIONS.name],
    description=(
        "How right the answer of each service was, content by content: by gold that the content "
        "declares, by verdicts of people, or by the service that judged. What it stands for is "
        "beside it. Selection is trained on it."
    ),
)
def outcomes(
    home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Holds every independent reading against the right answer, where one is known."""
    policy = load_policy(policy_file.path).policy
    table = rows_to_arrow(OUTCOMES, policy_outcomes(policy, read_outcome_evidence(home.tables)))
    return dg.MaterializeResult(value=table, metadata=count_members(table["why"], OutcomeSource))


@_learning_asset(
    SELECTION_MODEL,
    deps=_TRAINED_ON,
    kinds={"scikitlearn"},
    description=(
        "What decides the next step of tasks that are learned: trained on the outcomes of services "
        "and on what their items are like, tried on held-out ones against the model in force, "
        "promoted when it does not lose. What panels gain over cheaper ways is learned, too."
    ),
)
def selection_model(
    home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Trains every task that the policy wants learned; new batches pin what is promoted."""
    policy = load_policy(policy_file.path).policy
    services = build_services(policy.services)
    corpus = read_training_corpus(home.tables, home.spending, semantic=policy.features.semantic)
    rows = train_tasks(policy, services, corpus, home.models)
    words = {f"{row.task}": f"{row.outcome}: {row.words}" for row in rows}
    words |= learn_panels(policy, services, home.tables, home.models)
    return dg.MaterializeResult(value=rows_to_arrow(SELECTION_MODEL, rows), metadata=words)


@_learning_asset(
    SELECTION_FRONTIER,
    deps=[*_TRAINED_ON, GOLD_LABELS.name, RESOLUTIONS.name],
    description=(
        "Cost against accuracy of every policy on recorded outcomes that it has not seen: each "
        "service alone, random, majority, oracle, cascades, and what is learned; by number of "
        "labels; without each service; who is best on what content; and the regret of each rule."
    ),
)
def selection_frontier(
    home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Measures every task that has outcomes."""
    policy = load_policy(policy_file.path).policy
    services = build_services(policy.services)
    corpus = read_training_corpus(home.tables, home.spending, semantic=policy.features.semantic)
    rows = list(all_frontier_rows(policy, services, corpus))
    prices = {f"price of {row.policy}": row.words for row in rows if row.view == "service"}
    return dg.MaterializeResult(value=rows_to_arrow(SELECTION_FRONTIER, rows), metadata=prices)
