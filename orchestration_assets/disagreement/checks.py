"""Checks of disagreement: plans are resolved, contradictions are rows, models in use are valid."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Final

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.calibration_registry import (
    promoted_for,
    thresholds_in_use,
)
from orchestration_assets.disagreement.identities import identities_now
from orchestration_assets.disagreement.label_history import answered_versions
from orchestration_assets.disagreement.label_weights import mismatch
from orchestration_assets.disagreement.readings import group_alike
from orchestration_assets.evidence.label_model import artefact_name
from orchestration_assets.evidence.records.lessons import artefact_name as lessons_name
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.evidence.vector_thresholds import artefact_name as thresholds_name
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    DISPUTE_KINDS,
    REVIEW_QUEUE,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.enums import AnswerKind, Consequence, DisagreementKind, Status
from orchestration_assets.schemas.equal_rows import row_codes
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import (
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    ReadingSummary,
)
from orchestration_assets.table_assets import Balance, Stored, table_checks
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.model_registry import ModelRegistry
from resources.table_store import TableStore

_Side = tuple[str, str, str, str]  # item, task, service, its answer
_ALL_APART: Final = Roles()
# vector thresholds are stored as quantiles in steps of half a percent
_QUANTILE_STEP = 0.005
# another number where answers are counted in another way
_ANSWERED: Final = "answers_1"
_COLUMNS = (("service_a", "answer_a"), ("service_b", "answer_b"))


def _check_plans_resolved(stored: Stored, resolutions: pa.Table) -> list[Balance]:
    plans = stored.table(PROCESSING_PLANS.name)
    planned, resolved = _questions(plans), _questions(resolutions)
    return [
        Balance(len(planned), len(planned & resolved), "plans with a resolution"),
        Balance(0, len(resolved - planned), "resolutions without a plan"),
    ]


def _check_contradictions(stored: Stored, disagreements: pa.Table) -> list[Balance]:
    """Labels: all pairs of answers less the pairs that agree, counted from the kept readings.

    How far other answers lie apart is not counted a second time; of their rows it is checked
    that both services really said so, in the interpretations, and that it is far enough.
    """
    labels = pc.equal(disagreements["kind"], DisagreementKind.LABEL_CONFLICT.value)
    others = disagreements.filter(pc.invert(labels))
    conflicts = disagreements.num_rows - others.num_rows
    return [
        Balance(_label_contradictions(stored), conflicts, "contradicting pairs with a row"),
        Balance(
            others.num_rows,
            _count_justified_rows(stored, others),
            "rows founded on two answers that differ",
        ),
    ]


def _label_contradictions(stored: Stored) -> int:
    given = [stored.table(table.name) for table in INTERPRETATIONS.values()]
    # where nobody was shown another's answer, all answers are apart
    roles = group_alike(given)[1] if any(map(_shows_answers, given)) else {}
    resolutions = stored.table(RESOLUTIONS.name)
    of_labels = resolutions.filter(pc.equal(resolutions["kind"], AnswerKind.LABEL.value))
    parts = [roles.get(key, _ALL_APART) for key in values(of_labels, "item_id", "task")]
    same = row_codes(of_labels.select(["readings"])).tolist()
    # counted once for all rows with the same readings and the same roles
    places: dict[tuple[int, int], list[int]] = {}
    for place, (code, part) in enumerate(zip(same, parts, strict=True)):
        places.setdefault((code, id(part)), []).append(place)
    firsts = [alike[0] for alike in places.values()]
    rows = RESOLUTIONS.rows(of_labels.take(pa.array(firsts, pa.int64())))
    return sum(
        len(alike) * _contradictions(row.readings, parts[alike[0]])
        for row, alike in zip(rows, places.values(), strict=True)
    )


def _shows_answers(interpretations: pa.Table) -> bool:
    """Whether any service was shown the answer of another."""
    return bool(pc.any(pc.greater(pc.list_value_length(interpretations["saw"]), 0)).as_py())


def _contradictions(readings: Iterable[ReadingSummary], part: Roles) -> int:
    answered = [one for one in readings if one.status is Status.OK]
    return sum(
        a.answer != b.answer and part.apart(a.service, b.service)
        for a, b in combinations(answered, 2)
    )


def _count_justified_rows(stored: Stored, rows: pa.Table) -> int:
    """Rows whose two answers are final answers of the batch and far apart or of consequence."""
    home = stored.home
    plans = stored.table(PROCESSING_PLANS.name)
    tasks = build_tasks(read_pinned_policy(home.policies, plans))
    cutoffs = _quantile_cutoffs(home.models, plans)
    answers = _final_answers(stored, pc.unique(rows["item_id"]))
    sides = [values(rows, "item_id", "task", *side) for side in _COLUMNS]
    told = ("task", "distance", "unusual", "consequence")

    def far(task: str, distance: float, unusual: float | None, consequence: str) -> bool:
        if unusual is None:
            return distance >= tasks[task].disagree_at or consequence != Consequence.NONE.value
        return task in cutoffs and unusual >= cutoffs[task] - _QUANTILE_STEP

    return sum(
        a in answers and b in answers and a[2] != b[2] and far(*counted)
        for a, b, counted in zip(*sides, values(rows, *told), strict=True)
    )


def _quantile_cutoffs(registry: ModelRegistry, plans: pa.Table) -> dict[str, float]:
    """Task -> the quantile of distances above which its pinned thresholds flag an item."""
    pins = {pin for pin in values(plans, "task", "thresholds") if pin[1] is not None}
    known = {task: thresholds_in_use(registry, task, version) for task, version in sorted(pins)}
    return {task: 1.0 - one.thresholds.share for task, one in known.items() if one is not None}


def _final_answers(stored: Stored, items: pa.Array) -> set[_Side]:
    """Every final answer of the batch about these items."""
    counted: set[_Side] = set()
    for table in INTERPRETATIONS.values():
        rows = stored.table(table.name)
        ok = pc.and_(rows["final"], pc.equal(rows["status"], Status.OK.value))
        ok = rows.filter(pc.and_(ok, pc.is_in(rows["item_id"], items)))
        counted.update(values(ok, "item_id", "task", "service", "answer"))
    return counted


def _check_dispute_kinds(stored: Stored, kinds: pa.Table) -> list[Balance]:
    resolved = _questions(stored.table(RESOLUTIONS.name))
    return [Balance(0, len(_questions(kinds) - resolved), "kinds of questions never resolved")]


def _check_review_queue(stored: Stored, queue: pa.Table) -> list[Balance]:
    """The open questions are numbered throughout and were resolved, and every question has a
    probability above nought."""
    asked = queue.filter(pc.is_null(queue["probability"]))
    numbered = sorted(asked["place"].to_pylist()) == list(range(1, asked.num_rows + 1))
    resolved = _questions(stored.table(RESOLUTIONS.name))
    answered = pc.greater(queue["probability"], 0.0)
    chances = pc.if_else(pc.fill_null(answered, False), queue["probability"], queue["chance"])
    possible = pc.and_(pc.greater(chances, 0.0), pc.less_equal(chances, 1.0))
    return [
        Balance(asked.num_rows, asked.num_rows if numbered else 0, "questions numbered throughout"),
        Balance(0, len(_questions(asked) - resolved), "questions that were never resolved"),
        Balance(queue.num_rows, pc.sum(possible).as_py() or 0, "questions of known probability"),
    ]


def _questions(table: pa.Table) -> set[tuple[str, str]]:
    return set(values(table, "item_id", "task"))


def _check_answer_counts(stored: Stored, cards: pa.Table) -> list[Balance]:
    store = stored.home.tables
    answered = sum(_answered(store, batch) for batch in store.batches(RESOLUTIONS.name))
    counted = pc.sum(cards["answered"]).as_py() or 0
    return [Balance(answered, counted, "answers of services counted")]


def _answered(store: TableStore, batch: str) -> int:
    """How many answers of services stand in a batch, kept beside its tables; what is damaged adds
    nothing."""
    names = [table.name for table in INTERPRETATIONS.values()]

    def count() -> dict[str, int]:
        return {name: _ok(store, name, batch) for name in names if store.exists(name, batch)}

    try:
        return sum(kept_facts(store, batch, _ANSWERED, names, count).values())
    except DamagedFileError:
        whole = 0
        for name in names:
            if store.exists(name, batch):
                with leaving_out_damage():
                    whole += _ok(store, name, batch)
        return whole


def _ok(store: TableStore, table: str, batch: str) -> int:
    read = store.read(table, batch, ["final", "status"])
    return int(
        pc.sum(pc.and_(read["final"], pc.equal(read["status"], Status.OK.value))).as_py() or 0
    )


def _check_calibration_versions(stored: Stored, table: pa.Table) -> list[Balance]:
    """Every version that the table names is the one that batches read."""
    return [
        _are_current(stored.home.models, table, (artefact_name, lessons_name), "versions in use")
    ]


def _check_threshold_versions(stored: Stored, table: pa.Table) -> list[Balance]:
    """Every version that the table names is the one that batches pin."""
    return [_are_current(stored.home.models, table, (thresholds_name,), "versions in force")]


def _are_current(
    registry: ModelRegistry,
    table: pa.Table,
    names: Sequence[Callable[[str], str]],
    words: str,
) -> Balance:
    """``names``: under which names what a task has in use may stand."""
    named = [row for row in values(table, "task", "version") if row[1] is not None]
    same = sum(
        version in {registry.current(name_of(task)) for name_of in names} for task, version in named
    )
    return Balance(len(named), same, words)


resolutions_checks = table_checks(RESOLUTIONS, _check_plans_resolved)
disagreements_checks = table_checks(DISAGREEMENTS, _check_contradictions)
dispute_kinds_checks = table_checks(DISPUTE_KINDS, _check_dispute_kinds)
review_queue_checks = table_checks(REVIEW_QUEUE, _check_review_queue)
service_scorecards_checks = table_checks(SERVICE_SCORECARDS, _check_answer_counts, per_batch=False)
calibration_checks = table_checks(CALIBRATION, _check_calibration_versions, per_batch=False)
vector_thresholds_checks = table_checks(
    VECTOR_THRESHOLDS, _check_threshold_versions, per_batch=False
)


@dg.asset_check(
    asset=CALIBRATION.name,
    name="valid",
    description="The models in use are of the services as they answer now.",
)
def calibration_valid(home: dg.ResourceParam[Home]) -> dg.AssetCheckResult:
    """A changed service or embedding model invalidates what was learnt about the earlier one."""
    promoted = promoted_for(home.models)
    problems: dict[str, str] = {}
    for task, versions in answered_versions(home.tables).items():
        in_use = promoted(task)
        why = mismatch(in_use.model, versions) if in_use else None
        if why is not None:
            problems[task] = why
    return _validity(
        problems,
        "every model in use is of the services as they answer now",
        "not used",
        "give verdicts about answers of the new services, and materialize calibration again",
    )


@dg.asset_check(
    asset=VECTOR_THRESHOLDS.name,
    name="valid",
    description="The thresholds in force are of the embedding models that the policy asks now.",
)
def vector_thresholds_valid(
    home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.AssetCheckResult:
    """A changed embedding model, or another parameter of it, invalidates its thresholds."""
    policy = load_policy(policy_file.path).policy
    problems: dict[str, str] = {}
    for task, config in policy.tasks.items():
        if config.kind is not AnswerKind.VECTOR:
            continue
        in_use = thresholds_in_use(home.models, task)
        asked = {name for choice in config.choices.values() for name in choice.admissible}
        now = identities_now(policy, task, asked)
        for pair in in_use.thresholds.pairs.values() if in_use else ():
            why = pair.mismatch(now) if asked.issuperset(pair.services) else None
            if why is not None:
                problems[f"{task}: {' and '.join(pair.services)}"] = why
    return _validity(
        problems,
        "every threshold in force is of the models that the policy asks now",
        "disagree_at holds",
        "process or reprocess batches with the new services, and start the job calibrate",
    )


def _validity(
    problems: dict[str, str], valid: str, consequence: str, remedy: str
) -> dg.AssetCheckResult:
    listed = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"not valid any more, and {consequence}: {listed}; {remedy}" if problems else valid
        ),
        metadata=dict(problems),
    )
