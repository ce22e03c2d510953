"""What resolving a batch needs beside its readings: rules, weights, content, copies."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.content.gold_columns import declared_verdicts
from orchestration_assets.content.verdicts import VerdictContext
from orchestration_assets.disagreement.kinds.search import KindSearch
from orchestration_assets.disagreement.label_weights import (
    PromotedCalibration,
    WeighedAnswers,
    weigh,
)
from orchestration_assets.disagreement.readings import Key, ServiceReadings
from orchestration_assets.disagreement.record_weights import (
    PromotedLessons,
    RecordWeights,
    weigh_records,
)
from orchestration_assets.disagreement.resolution import ResolutionRules
from orchestration_assets.disagreement.vectors import BatchThresholds
from orchestration_assets.evidence.vector_thresholds import ThresholdsInUse
from orchestration_assets.processing.batch import item_loader
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, DisputeKind, Family
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.text.prose import prose_of


@dataclass
class Weights:
    """What is known of the labels of a batch: by question; by task, what the rest's risk rests on
    and the version of the calibration that was used."""

    by_question: dict[Key, WeighedAnswers] = field(default_factory=dict)
    basis: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def rules_of(policy: Policy | None) -> ResolutionRules:
    """How the policy resolves the answers of its tasks."""
    if policy is None:
        return ResolutionRules()
    return ResolutionRules(
        {name: task.resolve for name, task in policy.tasks.items()},
        {name: task.manners for name, task in policy.tasks.items()},
        policy.disagreement.review,
    )


def service_versions(interpretations: Iterable[pa.Table]) -> dict[str, dict[str, str]]:
    """Task -> service -> the version that answered; the last by name when there were several."""
    found: dict[str, dict[str, str]] = {}
    for table in interpretations:
        named = table.select(["task", "service", "service_version"])
        distinct = named.group_by(named.column_names).aggregate([])
        for task, service, version in values(distinct, *named.column_names):
            of_task = found.setdefault(task, {})
            of_task[service] = max(of_task.get(service, version), version)
    return found


def label_weights(
    readings: Mapping[Key, ServiceReadings],
    tasks: Mapping[str, Task],
    versions: Mapping[str, Mapping[str, str]],
    policy: Policy | None,
    promoted: Callable[[str], PromotedCalibration | None],
) -> Weights:
    """What is known of the labels that services gave, task by task."""
    found = Weights()
    for name, task in tasks.items():
        if task.kind is not AnswerKind.LABEL or policy is None:
            continue
        own = {key: votes for key, votes in readings.items() if key[1] == name}
        distinct = {id(votes): votes for votes in own.values()}.values()
        voters = {service for votes in distinct for service, _ in votes}
        used = {s: version for s, version in versions.get(name, {}).items() if s in voters}
        in_use = promoted(name)
        enough = policy.disagreement.learn_from_items
        weighed, found.basis[name] = weigh(task, own, used, in_use, enough)
        found.by_question |= weighed
        if in_use is not None:
            found.versions[name] = in_use.version
    return found


def record_weights(
    readings: Mapping[Key, ServiceReadings],
    tasks: Mapping[str, Task],
    versions: Mapping[str, Mapping[str, str]],
    policy: Policy | None,
    promoted: Callable[[str], PromotedLessons | None],
) -> dict[str, RecordWeights]:
    """What the values of each record task are settled by."""
    if policy is None:
        return {}
    enough = policy.disagreement.learn_from_items
    return {
        name: weigh_records(
            task,
            {key: votes for key, votes in readings.items() if key[1] == name},
            enough,
            promoted(name),
            versions.get(name, {}),
        )
        for name, task in tasks.items()
        if task.kind is AnswerKind.RECORD
    }


def pinned_thresholds(
    plans: pa.Table,
    interpretations: Iterable[pa.Table],
    in_use: Callable[[str, str], ThresholdsInUse | None],
) -> dict[str, BatchThresholds]:
    """Task -> the thresholds that its plans have pinned, with who answered.

    ``in_use`` reads the thresholds of a task in a version.
    """
    pins = values(plans, "task", "thresholds")
    pinned = {task: version for task, version in pins if version is not None}
    versions = service_versions(interpretations) if pinned else {}
    found = {}
    for task, version in sorted(pinned.items()):
        thresholds = in_use(task, version)
        if thresholds is not None:
            found[task] = BatchThresholds(thresholds, versions.get(task, {}))
    return found


def search_of(
    policy: Policy | None, manifest: pa.Table, profiles: pa.Table, reader: ContentReader
) -> KindSearch:
    """What the policy looks for, in the content of the batch."""
    kinds = policy.disagreement.kinds if policy else ()
    load = item_loader(manifest, profiles, reader)
    families = dict(values(profiles, "item_id", "family"))

    def text_of(item_id: str) -> str | None:
        family = families.get(item_id)
        if family not in (Family.PROSE, Family.MARKUP):
            return None
        try:
            text = load(item_id).text
        except (ContentError, SupersededError):
            # it was read when it was profiled; what has gone since tells nothing now
            return None
        return prose_of(text, family)

    return KindSearch(kinds, _tones() if DisputeKind.OPPOSED_TONE in kinds else (), text_of)


def _tones() -> tuple[Callable[[str], float], ...]:
    from orchestration_assets.services.tone.adjective_tone import AdjectiveTone
    from orchestration_assets.services.tone.vader_tone import VaderTone

    services = (VaderTone(), AdjectiveTone())
    return tuple(lambda clause, one=one: one.tone_of(clause).tone for one in services)


def copies_of(manifest: pa.Table) -> Mapping[str, int]:
    """Item -> how many addresses of the batch hold its content."""
    known = manifest.filter(pc.is_valid(manifest["computed_as"]))
    return Counter(known["computed_as"].to_pylist())


def declared_in(policy: Policy, batch: str, manifest: pa.Table) -> set[tuple[str, str]]:
    """(content hash, task) of the answers that the items of a batch declare themselves."""
    rules = VerdictContext(policy.tasks, "", datetime.now(UTC))
    declared = declared_verdicts([(batch, manifest)], rules).verdicts
    return {(row.content_hash, row.task) for row in declared if row.content_hash is not None}
