"""`orchestrate replay`: another policy over everything recorded, without a call."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from orchestration_assets.disagreement.batch import record_weights, service_versions
from orchestration_assets.disagreement.calibration_registry import lessons_in_use
from orchestration_assets.disagreement.readings import group_alike, independent, reading_of
from orchestration_assets.disagreement.record_weights import RecordWeights
from orchestration_assets.disagreement.replay import (
    PairedDifference,
    RecordedBatch,
    ReplayedQuestion,
    ReplayFigures,
    ReplayPolicy,
    WeighedGold,
    figures,
    replay,
)
from orchestration_assets.evidence.verdict_history import gold_rows, stored_weights
from orchestration_assets.extensions.tools import ToolError
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.task_graph import task_inputs
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.judged_inputs import judged_answers
from orchestration_assets.processing.taught_models import knowing_all, taught_services
from orchestration_assets.processing.tools.toolbox import Toolbox
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.errors import DamagedFileError, OrchestrationError
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.record_answers import record_of
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_PROFILES,
    INTERPRETATIONS,
    RESOLUTIONS,
    profiles_of,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.schemas.verdicts import GoldRow
from orchestration_assets.selection.batch import is_learned, learning_inputs
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import choose_models
from orchestration_assets.selection.training_corpus import batch_spending
from orchestration_assets.selection.training_records import CALL_COLUMNS, observed_prices
from orchestration_assets.services.contract import Service
from orchestration_assets.services.pool import build_services
from orchestration_assets.settings import Settings
from resources.damage import notice
from resources.home import Home
from resources.knowledge_store import KnowledgeError
from resources.table_store import TableMissingError

_DESCRIBING = (CONTENT_PROFILES.name, CONTENT_VECTORS.name)


class NothingRecordedError(OrchestrationError):
    """There is no batch to replay; the message says where, and the remedy."""


def run(settings: Settings, *, as_json: bool) -> int:
    """Prints what the policy of ``settings`` would have yielded; returns the exit code.

    Raises PolicyError, and NothingRecordedError when the home holds no finished batch.
    """
    home = Home(settings.home)
    store = home.tables
    batches = store.batches(RESOLUTIONS.name)
    if not batches:
        raise NothingRecordedError(
            f"{home.folder} holds no finished batch; run `orchestrate run SOURCE` first"
        )
    loaded = load_policy(settings.policy)
    replayed = list(_replay_all(home, batches, settings.policy))
    rows = gold_rows(store)
    weights = stored_weights(store, rows)
    tasks = build_tasks(loaded.policy)
    gold = {
        (row.item_id, row.task): _weighed(row, weights[row.task].weights[content], tasks)
        for row in rows
        if (content := row.content_hash) is not None and content in weights[row.task].weights
    }
    found = figures(replayed, gold)
    if as_json:
        plain = {"policy": loaded.source, "batches": batches, "tasks": [asdict(f) for f in found]}
        sys.stdout.write(json.dumps(plain, indent=1) + "\n")
    else:
        words = "\n\n".join(render(one) for one in found)
        sys.stdout.write(f"{loaded.source} over {len(batches)} recorded batches\n\n{words}\n")
    return 0


def _weighed(row: GoldRow, weight: float, tasks: Mapping[str, Task]) -> WeighedGold:
    if row.answer_record is None:
        return WeighedGold(row.answer, weight)
    fields = tasks[row.task].fields if row.task in tasks else ()
    return WeighedGold(row.answer, weight, record_of(row.answer_record), fields)


def _replay_all(home: Home, batches: list[str], policy: Path | None) -> Iterator[ReplayedQuestion]:
    loaded = load_policy(policy)
    prices = replay_prices(home, loaded)
    for batch in batches:
        yield from replay_batch(home, batch, loaded, prices)


@dataclass(frozen=True, slots=True)
class ReplayPrices:
    """The services of a policy as they know by now, and what a call of each costs and takes.

    ``tool_data``: task -> what names all that its tools answer from, where that can be read.
    """

    services: Mapping[str, Service]
    prices: Mapping[str, Price]
    tool_data: Mapping[str, str]


def replay_prices(home: Home, loaded: LoadedPolicy) -> ReplayPrices:
    """What calls cost by all that was recorded; as declared where nothing was."""
    services = knowing_all(build_services(loaded.policy.services), loaded.policy, home.models)
    store = home.tables
    calls = store.read_batches(CALL_LOG, store.batches(CALL_LOG.name), CALL_COLUMNS)
    declared = {name: Price(s.expected_ms, s.cost_usd) for name, s in services.items()}
    prices = observed_prices(calls, batch_spending(home.spending), declared)
    return ReplayPrices(services, prices, tool_data_of(home, loaded.policy))


def tool_data_of(home: Home, policy: Policy) -> dict[str, str]:
    """Task -> what names all that its tools answer from, as it is now.

    What is left out cannot be read: of what was answered from it nothing is recorded.
    """
    toolbox, found = Toolbox(home, policy), dict[str, str]()
    for name, task in policy.tasks.items():
        if task.tools is not None:
            try:
                found[name] = toolbox.data_version(name)
            except (ToolError, KnowledgeError) as error:
                notice(f"{name}: its tools cannot read what they answer from: {error}")
    return found


def replay_batch(
    home: Home, batch: str, loaded: LoadedPolicy, known: ReplayPrices
) -> Iterator[ReplayedQuestion]:
    """One recorded batch under a policy; nothing, and a notice, where it cannot be read."""
    store, services, prices = home.tables, known.services, known.prices
    learns = is_learned(loaded.policy)
    try:
        log = _read_log(home, batch, loaded.policy, taught_services(services))
        # without learned steps, a batch is replayed whether its vectors can be read or not
        describing = [store.read(name, batch) for name in _DESCRIBING if learns]
        inputs = learning_inputs(loaded.policy, *describing) if learns else None
    except (DamagedFileError, TableMissingError) as error:
        notice(f"left out: {error}")
        return
    chosen = choose_models(
        loaded.policy, services, home.models, log.profiles, prices, inputs=inputs
    )
    yield from replay(
        log,
        ReplayPolicy(loaded.policy, loaded.hash, services, prices, chosen, known.tool_data),
    )


def _read_log(home: Home, batch: str, policy: Policy, taught: Collection[str]) -> RecordedBatch:
    store = home.tables
    tables = [(table, store.read(table.name, batch)) for table in INTERPRETATIONS.values()]
    readings: dict[str, Reading] = {}
    asked: dict[tuple[str, str], list[str]] = {}
    of_taught: dict[tuple[str, str, str, str], Reading] = {}
    for table, data in tables:
        for row in table.rows(data):
            readings[row.answer_key] = reading_of(row)
            asked.setdefault((row.item_id, row.task), []).append(row.service)
            if row.service in taught:
                about = row.item_id, row.task, row.service, row.service_version
                of_taught[about] = readings[row.answer_key]
    columns = ("item_id", "task", "answer", "answer_record")
    resolved = list(values(store.read(RESOLUTIONS.name, batch, columns), *columns))
    stands = {(item, task): answer for item, task, answer, _ in resolved}
    records = {(item, task): record for item, task, _, record in resolved if record is not None}
    weights = _record_weights(home, [data for _, data in tables], policy) if records else {}
    profiles = list(profiles_of(store.read(CONTENT_PROFILES.name, batch)))
    inputs = task_inputs(policy)
    judged = judged_answers(gold_rows(store), profiles, inputs) if inputs else {}
    return RecordedBatch(
        batch, profiles, readings, stands, asked, of_taught, records, weights, judged
    )


def _record_weights(
    home: Home, tables: Sequence[pa.Table], policy: Policy
) -> dict[str, RecordWeights]:
    """What the values of records are settled by, from all that was recorded of a batch."""
    alike = independent(*group_alike(tables))
    lessons = partial(lessons_in_use, home.models)
    return record_weights(alike, build_tasks(policy), service_versions(tables), policy, lessons)


def render(replayed: ReplayFigures) -> str:
    """One task in words, with what the log cannot answer."""
    lines = [f"{replayed.task}: {replayed.answerable} of {replayed.questions} questions"]
    if replayed.answerable:
        lines += [
            f"  answers     {replayed.changed} changed",
            f"  calls       {_words(replayed.calls, '.2f')}",
            f"  USD         {_words(replayed.usd, '.6f')}",
            f"  time in ms  {_words(replayed.ms, '.2f')}",
        ]
    if replayed.accuracy is not None and replayed.interval is not None:
        low, high = replayed.interval
        lines.append(
            f"  accuracy    {_words(replayed.accuracy, '.3f')} on {replayed.gold} with gold; "
            f"{low:.3f} to {high:.3f} under this policy"
        )
        if replayed.in_sample:
            lines.append(
                f"              {replayed.in_sample} more with gold are left out: what was learned "
                "was trained on them"
            )
    elif replayed.in_sample:
        lines.append(
            "  accuracy    not answerable from the log: what was learned was trained on all "
            f"{replayed.in_sample} items with gold that it decides"
        )
    elif replayed.answerable:
        lines.append(
            "  accuracy    not answerable from the log: none of them has gold of known probability"
        )
    unanswered = replayed.questions - replayed.answerable
    if unanswered:
        why = "; ".join(f"{words} ({count})" for words, count in replayed.reasons)
        lines.append(f"  {unanswered} not answerable from the log: {why}")
    return "\n".join(lines)


def _words(one: PairedDifference, form: str) -> str:
    interval = ""
    if one.low is not None and one.high is not None:
        interval = f" (change {one.low:+{form}} to {one.high:+{form}})"
    return f"{one.before:{form}} -> {one.after:{form}}{interval}"
