"""How often the answers that stood were right, by gold and verdicts, batch by batch."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.batches import batch_time
from orchestration_assets.content.gold_columns import declared_verdicts
from orchestration_assets.content.verdicts import VerdictContext
from orchestration_assets.evidence.verdict_history import gold_rows, stored_weights
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.answers import Answer, answer_of, fits
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.record_answers import record_of
from orchestration_assets.schemas.signals import Signal
from orchestration_assets.schemas.tables import RESOLUTIONS
from orchestration_assets.schemas.verdicts import GoldRow, VerdictRow
from orchestration_assets.selection.outcomes import StandingAnswer, closeness
from orchestration_assets.signals.measures import ALL, SignalMeasure, Subject, weighted_share
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

_READ: Final = tuple(name for name in column_names(StandingAnswer) if name != "answer_vector")


@dataclass
class _Score:
    """Sums over the verdicts of one subject: of the weights of what was right, of all weights, of
    their squares; and how many."""

    right: float = 0.0
    weight: float = 0.0
    squares: float = 0.0
    count: int = 0

    def add(self, score: float, weight: float) -> None:
        self.right += score * weight
        self.weight += weight
        self.squares += weight * weight
        self.count += 1

    def measure(self, subject: Subject) -> SignalMeasure:
        effective = self.weight * self.weight / self.squares
        return weighted_share(
            Signal.ACCURACY, subject, self.right, self.weight, effective, self.count
        )


@dataclass(frozen=True)
class GoldJudge:
    """What is right by people and by content, and what each verdict stands for.

    ``right``: (task, content hash) -> the right answer.
    """

    tasks: Mapping[str, Task]
    right: Mapping[tuple[str, str], Answer]
    weights: Mapping[str, VerdictWeights]

    def measures(self, standing: Collection[StandingAnswer]) -> Iterator[SignalMeasure]:
        """The share of standing answers of one batch that are right, over all tasks and of each;
        other answers than labels are as right as they are near. Equal contents count once."""
        scores: dict[Subject, _Score] = {}
        seen: set[tuple[str, str]] = set()
        for row in standing:
            key = (row.task, row.content_hash)
            right, task = self.right.get(key), self.tasks.get(row.task)
            weights = self.weights.get(row.task, VerdictWeights()).weights
            weight = weights.get(row.content_hash, 0.0)
            if right is None or task is None or weight <= 0.0 or key in seen:
                continue
            answer = answer_of(row)
            if answer is None or not fits(answer, task.kind):
                continue
            seen.add(key)
            score = closeness(answer, right, task)
            for subject in (ALL, Subject(task=row.task)):
                scores.setdefault(subject, _Score()).add(score, weight)
        for subject, found in sorted(scores.items()):
            yield found.measure(subject)


def gold_judge(store: TableStore, policy: Policy) -> GoldJudge | None:
    """What gold says of the tasks of a policy; None before there is any."""
    tasks = {
        name: task
        for name, task in build_tasks(policy).items()
        if task.kind is not AnswerKind.VECTOR
    }
    gold = gold_rows(store)
    right = {
        (row.task, row.content_hash): _right(row)
        for row in gold
        if row.content_hash is not None and row.task in tasks and row.kind is tasks[row.task].kind
    }
    return GoldJudge(tasks, right, stored_weights(store, gold)) if right else None


def declared_accuracy(
    batch: str, manifest: pa.Table, resolutions: pa.Table, policy: Policy
) -> SignalMeasure | None:
    """How often the answers that stand in a batch are right by what its own records declare, over
    all tasks; None where they declare nothing. ``batch`` must be the key of one.

    Known as soon as the batch is resolved, before anybody's verdict is.
    """
    said_at = batch_time(batch)
    if said_at is None or not any(one.gold is not None for one in policy.tasks.values()):
        return None
    rules = VerdictContext(policy.tasks, "", said_at)
    declared = declared_verdicts([(batch, manifest)], rules).verdicts
    right = {
        (one.task, one.content_hash): _right(one)
        for one in declared
        if one.content_hash is not None
    }
    weights = {
        name: VerdictWeights({content: 1.0 for task, content in right if task == name})
        for name in policy.tasks
    }
    judge = GoldJudge(build_tasks(policy), right, weights)
    standing = decode(StandingAnswer, resolutions.select(_READ))
    return _over_all(judge.measures(list(standing)))


def accuracy_of(store: TableStore, policy: Policy, batches: Sequence[str]) -> SignalMeasure | None:
    """How often the answers that stand in these batches are right by gold and verdicts, over all
    tasks; None where none was judged. Equal contents count once."""
    judge = gold_judge(store, policy)
    if judge is None:
        return None
    standing = store.read_batches(RESOLUTIONS, batches, _READ)
    return _over_all(judge.measures(list(decode(StandingAnswer, standing))))


def _over_all(measures: Iterable[SignalMeasure]) -> SignalMeasure | None:
    return next((one for one in measures if one.subject == ALL), None)


def accuracy_measures(store: TableStore, judge: GoldJudge, batch: str) -> list[SignalMeasure]:
    """How often the answers that stood in a batch were right; nothing where none was judged."""
    judged = pa.array(sorted({content for _, content in judge.right}), pa.string())
    with leaving_out_damage():
        if store.exists(RESOLUTIONS.name, batch):
            read = store.read(RESOLUTIONS.name, batch, _READ)
            read = read.filter(pc.is_in(read["content_hash"], judged))
            return list(judge.measures(list(decode(StandingAnswer, read))))
    return []


def _right(row: GoldRow | VerdictRow) -> Answer:
    if row.answer_score is not None:
        return row.answer_score
    if row.answer_set is not None:
        return row.answer_set
    return row.answer if row.answer_record is None else record_of(row.answer_record)
