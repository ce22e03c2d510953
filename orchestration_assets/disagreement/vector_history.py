"""The vectors that services have given over all batches, batch by batch: what thresholds rest on.

Items are compared within their batch, so batches are kept apart. Identical content counts once,
with the vectors of its latest batch. Only vectors of a service as it answered last count: with
another code, model or parameters it was another service.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.batch import service_versions
from orchestration_assets.evidence.neighbourhoods import Float32Array
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS, RESOLUTIONS
from resources.home import Home
from resources.table_store import TableStore

MOST_CONTENTS: Final = 4_096
_COLUMNS: Final = (
    "item_id", "content_hash", "task", "service", "service_version", "final", "saw", "status",
    "answer_vector",
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Space:
    """One service's vectors: (n,) content hashes in ascending order, and (n, d) components."""

    contents: tuple[str, ...]
    vectors: Float32Array

    def of(self, contents: tuple[str, ...]) -> Float32Array:
        """The rows of these contents, all of which must be there."""
        places = {content: row for row, content in enumerate(self.contents)}
        return self.vectors[[places[content] for content in contents]]


@dataclass
class VectorReadings:
    """Of one vector task: ``identities`` of its services as they answered last, and ``batches``,
    latest first, each service -> its space."""

    identities: dict[str, str] = field(default_factory=dict)
    batches: list[dict[str, Space]] = field(default_factory=list)
    contents: set[str] = field(default_factory=set)


@dataclass
class VectorHistory:
    """Vector task -> its readings; ``skipped`` says which batches could not be taken, and why."""

    by_task: dict[str, VectorReadings] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def vector_readings(home: Home, most: int = MOST_CONTENTS) -> VectorHistory:
    """What independent services gave over the batches that are stored whole, latest first.

    Beyond ``most`` contents of a task older ones are left out: quantiles are settled by then, and
    memory stays bounded.
    """
    store, found = home.tables, VectorHistory()
    for batch in reversed(store.batches(RESOLUTIONS.name)):
        columns = ["task", "kind"]
        try:
            plans = store.read(PROCESSING_PLANS.name, batch, columns)
            plans = plans.filter(pc.equal(plans["kind"], AnswerKind.VECTOR.value))
            if not plans.num_rows or _all_full(found, plans, most):
                continue
            tables = list(_vectors(store, batch, plans))
        except DamagedFileError as error:
            found.skipped[batch] = str(error)
            continue
        versions = service_versions(tables)
        for task in sorted(versions):
            readings = found.by_task.setdefault(task, VectorReadings())
            answered = versions[task]
            for service, one in answered.items():
                readings.identities.setdefault(service, one)
            same = {name for name, one in answered.items() if readings.identities[name] == one}
            _take(readings, [_of_task(table, task) for table in tables], same, most)
    found.by_task = dict(sorted(found.by_task.items()))
    return found


def _all_full(found: VectorHistory, plans: pa.Table, most: int) -> bool:
    tasks = pc.unique(plans["task"]).to_pylist()
    return all(
        task in found.by_task and len(found.by_task[task].contents) >= most for task in tasks
    )


def _vectors(store: TableStore, batch: str, plans: pa.Table) -> Iterator[pa.Table]:
    """The final vectors of a batch that were given without knowledge of others."""
    tasks = pc.unique(plans["task"])
    for table in INTERPRETATIONS.values():
        if not store.exists(table.name, batch):
            continue
        read = store.read(table.name, batch, list(_COLUMNS))
        votes = pc.and_(read["final"], pc.equal(read["status"], Status.OK.value))
        read = read.filter(pc.and_(votes, pc.is_in(read["task"], value_set=tasks)))
        unaided = [set(saw) <= {service} for service, saw in values(read, "service", "saw")]
        read = read.filter(pa.array(unaided, pa.bool_()))
        if read.num_rows:
            yield read


def _of_task(table: pa.Table, task: str) -> pa.Table:
    return table.filter(pc.equal(table["task"], task))


def _take(readings: VectorReadings, tables: list[pa.Table], services: set[str], most: int) -> None:
    """Adds the contents of a batch that no later one had, up to ``most`` in all."""
    by_service: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for table in tables:
        names = values(table, "service", "content_hash")
        for (service, content), vector in zip(names, _rows(table["answer_vector"]), strict=True):
            if service in services and content not in readings.contents:
                by_service[service].setdefault(content, vector)
    new = sorted({content for vectors in by_service.values() for content in vectors})
    taken = set(new[: max(0, most - len(readings.contents))])
    readings.contents |= taken
    spaces = {service: _space(by_service[service], taken) for service in sorted(by_service)}
    readings.batches.append({name: one for name, one in spaces.items() if one.contents})


def _rows(column: pa.ChunkedArray) -> Iterator[Any]:
    for chunk in column.chunks:
        values = chunk.values.to_numpy(zero_copy_only=False)
        offsets = chunk.offsets.to_numpy()
        for start, end in pairwise(offsets.tolist()):
            yield values[start:end]


def _space(vectors: Mapping[str, Any], taken: set[str]) -> Space:
    """Those of the service's usual length; one of another length is in another space."""
    chosen = {content: vectors[content] for content in sorted(taken & vectors.keys())}
    if not chosen:
        return Space((), np.zeros((0, 0), np.float32))
    (usual, _), *_ = Counter(len(one) for one in chosen.values()).most_common(1)
    kept = {content: one for content, one in chosen.items() if len(one) == usual}
    return Space(tuple(kept), np.array(list(kept.values()), np.float32))
