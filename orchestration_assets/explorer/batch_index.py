"""What is searched of one batch: one row an item, and one row an item and task.

The rows are small, sorted, and of fixed width where they can be, so that a query over a million
items looks at bytes that are mapped from disk. Everything here is made from the batch's tables:
whoever deletes it loses time only.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DISAGREEMENTS,
    RESOLUTIONS,
)

FORM: Final = 9
"""Changes whenever the rows do: what was made in another form is made again."""
SOURCES: Final = (
    CONTENT_MANIFEST.name,
    CONTENT_PROFILES.name,
    RESOLUTIONS.name,
    DISAGREEMENTS.name,
)
MANIFEST_COLUMNS: Final = ("item_id", "path", "outcome", "content_hash", "size_bytes")
PROFILE_COLUMNS: Final = ("item_id", "family")
RESOLUTION_COLUMNS: Final = (
    *("item_id", "task", "status", "answer", "error_risk", "triage", "readings"),
)
DISAGREEMENT_COLUMNS: Final = (
    *("item_id", "task", "service_a", "service_b", "severity", "consequence"),
)
NO_RISK: Final = np.float32(-1.0)
"""Stands for a risk that is not known: below every risk, so that such rows come last."""
MOST_PAIRS: Final = 63
_ANSWER_CHARS: Final = 160
_SAID_CHARS: Final = 400

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What the rows of a batch refer to by number, and how many there are of what.

    ``pairs`` are services that dispute something in the batch, as ``a / b``; a question's bits say
    which of them, the last one of more than 63 stands for all others. ``damaged``: tables whose
    rows are left out.
    """

    batch: str
    versions: Mapping[str, Sequence[int] | None]
    tasks: Words
    statuses: Words
    families: Words
    outcomes: Words
    pairs: Words
    items: int
    questions: int
    disputed: int
    by_outcome: Mapping[str, int]
    by_status: Mapping[str, int]
    damaged: Words = ()
    form: int = FORM

    @property
    def damage(self) -> str:
        """What is left out and the remedy, in words; empty where nothing is damaged."""
        if not self.damaged:
            return ""
        return (
            f"{', '.join(self.damaged)} of batch {self.batch}: damaged; make it again with: "
            "orchestrate run SOURCE --reprocess"
        )

    def as_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "BatchFacts":
        """Raises ValueError, KeyError or TypeError for what was not written by :meth:`as_json`."""
        given: dict[str, Any] = json.loads(text)
        words = ("tasks", "statuses", "families", "outcomes", "pairs", "damaged")
        return cls(**(given | {name: tuple(given[name]) for name in words}))


def item_number(item_id: str) -> int:
    """The number that an id of 16 hexadecimal digits is."""
    return int(item_id, 16)


def batch_rows(
    batch: str,
    versions: Mapping[str, Sequence[int] | None],
    manifest: pa.Table,
    profiles: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
) -> tuple[BatchFacts, pa.Table, pa.Table]:
    """The facts, the items and the questions of a batch.

    Items are in the order of the manifest. Questions are sorted by severity, then by risk, the
    gravest first; items that nothing was asked about have one row without a task behind these.
    """
    ids, paths = manifest["item_id"].combine_chunks(), manifest["path"].combine_chunks()
    family = _looked_up(ids, profiles, "family")
    families, family_codes = _coded(family)
    outcomes, outcome_codes = _coded(manifest["outcome"])
    items = pa.table(
        {
            "id": pa.array(_numbers(ids)),
            "path": paths,
            "sought": pc.utf8_lower(paths),
            "hash": manifest["content_hash"],
            "hash_number": pa.array(_hash_numbers(manifest["content_hash"])),
            "family": pa.array(family_codes),
            "outcome": pa.array(outcome_codes),
            "size": manifest["size_bytes"],
        }
    )
    disputes = disagreements.filter(pc.not_equal(disagreements["consequence"], Consequence.NONE))
    tasks, statuses, pairs, questions = _question_rows(ids, resolutions, disputes)
    sought = _sought(questions)
    questions = questions.append_column("sought", sought)
    questions = questions.append_column("by_path", pa.array(_path_order(questions, paths)))
    by_risk = np.argsort(-questions["risk"].to_numpy(), kind="stable").astype(np.int32)
    questions = questions.append_column("by_risk", pa.array(by_risk))
    asked = int(pc.sum(pc.greater_equal(questions["task"], 0)).as_py() or 0)
    facts = BatchFacts(
        batch=batch,
        versions=versions,
        tasks=tasks,
        statuses=statuses,
        families=families,
        outcomes=outcomes,
        pairs=pairs,
        items=len(ids),
        questions=asked,
        disputed=int(pc.sum(pc.greater(questions["severity"], 0)).as_py() or 0),
        by_outcome=_counts(manifest["outcome"]),
        by_status=_counts(resolutions["status"]),
    )
    return facts, items, questions


def _question_rows(
    ids: pa.Array, resolutions: pa.Table, disputes: pa.Table
) -> tuple[Words, Words, Words, pa.Table]:
    tasks, task_codes = _coded(resolutions["task"])
    statuses, status_codes = _coded(resolutions["status"])
    pairs, bits, severity = _dispute_columns(resolutions, disputes)
    item = pc.fill_null(pc.index_in(resolutions["item_id"], value_set=ids), -1).to_numpy()
    risk = pc.fill_null(resolutions["error_risk"], float(NO_RISK)).to_numpy().astype(np.float32)
    answer = pc.utf8_slice_codeunits(pc.fill_null(resolutions["answer"], ""), 0, _ANSWER_CHARS)
    known = item >= 0
    silent = np.setdiff1d(np.arange(len(ids)), item[known])
    more = len(silent)
    columns: dict[str, Any] = {
        "item": np.concatenate([item[known], silent]).astype(np.int32),
        "task": np.concatenate([task_codes[known], np.full(more, -1)]).astype(np.int16),
        "status": np.concatenate([status_codes[known], np.full(more, -1)]).astype(np.int16),
        "risk": np.concatenate([risk[known], np.full(more, NO_RISK)]).astype(np.float32),
        "severity": np.concatenate([severity[known], np.zeros(more)]).astype(np.float32),
        "pairs": np.concatenate([bits[known], np.zeros(more, np.uint64)]),
    }
    order = np.lexsort((columns["task"], columns["item"], -columns["risk"], -columns["severity"]))
    taken = {name: pa.array(column[order]) for name, column in columns.items()}
    texts = pa.table({"answer": answer, "said": _said(resolutions)}).filter(pa.array(known))
    empty = pa.table({name: pa.array([""] * more, pa.string()) for name in ("answer", "said")})
    both = pa.concat_tables([texts, empty]).take(pa.array(order)).combine_chunks()
    rows = pa.table({**taken, "answer": both["answer"], "said": both["said"]})
    return tasks, statuses, pairs, rows


def _dispute_columns(
    resolutions: pa.Table, disputes: pa.Table
) -> tuple[Words, npt.NDArray[np.uint64], npt.NDArray[np.float32]]:
    """The pairs, and of each resolution which of them dispute it and how gravely at most."""
    bits = np.zeros(resolutions.num_rows, np.uint64)
    severity = np.zeros(resolutions.num_rows, np.float32)
    if not disputes.num_rows:
        return (), bits, severity
    names = pc.binary_join_element_wise(disputes["service_a"], disputes["service_b"], " / ")
    pairs, codes = _coded(names)
    joined = [
        pc.binary_join_element_wise(table["item_id"], table["task"], "\0")
        for table in (disputes, resolutions)
    ]
    place = pc.fill_null(pc.index_in(joined[0], value_set=joined[1].combine_chunks()), -1)
    at = place.to_numpy()
    known = at >= 0
    np.maximum.at(severity, at[known], disputes["severity"].to_numpy()[known].astype(np.float32))
    shift = np.minimum(codes[known], MOST_PAIRS - 1).astype(np.uint64)
    np.bitwise_or.at(bits, at[known], np.uint64(1) << shift)
    return pairs, bits, severity


def _said(resolutions: pa.Table) -> pa.Array:
    """The answers to each question beside the one that stands, a line each, cut."""
    readings = resolutions["readings"].combine_chunks()
    if not len(readings):
        return pa.array([], pa.string())
    answers = pc.struct_field(pc.list_flatten(readings), "answer").to_pylist()
    lengths = pc.fill_null(pc.list_value_length(readings), 0).to_numpy()
    ends = np.cumsum(lengths).tolist()
    standing = resolutions["answer"].to_pylist()
    said, start = [], 0
    for end, answer in zip(ends, standing, strict=True):
        others = dict.fromkeys(one for one in answers[start:end] if one and one != answer)
        said.append("\n".join(" ".join(one.split()) for one in others)[:_SAID_CHARS])
        start = end
    return pa.array(said, pa.string())


def _sought(questions: pa.Table) -> pa.Array:
    """What a search looks at beside the path: the answers in lower case."""
    whole = pc.binary_join_element_wise(questions["answer"], questions["said"], "\n")
    return pc.utf8_lower(whole)


def _path_order(questions: pa.Table, paths: pa.Array) -> npt.NDArray[np.int32]:
    """The rows of the questions in the order of their paths."""
    rank = np.empty(len(paths), np.int64)
    rank[pc.sort_indices(paths).to_numpy()] = np.arange(len(paths))
    item, task = questions["item"].to_numpy(), questions["task"].to_numpy()
    order: npt.NDArray[np.int32] = np.lexsort((task, rank[item])).astype(np.int32)
    return order


def _looked_up(ids: pa.Array, table: pa.Table, column: str) -> Any:
    place = pc.index_in(ids, value_set=table["item_id"].combine_chunks())
    return pc.fill_null(table[column].combine_chunks().take(place).cast(pa.string()), "")


def _coded(column: Any) -> tuple[Words, npt.NDArray[np.int16]]:
    """The words of a column in the order of the alphabet, and each row's place among them."""
    words = tuple(sorted(word for word in pc.unique(column).to_pylist() if word is not None))
    if not len(column):
        return words, np.zeros(0, np.int16)
    codes = pc.fill_null(pc.index_in(column, value_set=pa.array(words, pa.string())), -1)
    return words, codes.to_numpy().astype(np.int16)


def _numbers(ids: pa.Array) -> npt.NDArray[np.uint64]:
    return np.array([item_number(one) for one in ids.to_pylist()], np.uint64)


def _hash_numbers(hashes: Any) -> npt.NDArray[np.uint64]:
    """The first 16 digits of each hash as a number; 0 where there is none."""
    return np.array([int((one or "0")[:16], 16) for one in hashes.to_pylist()], np.uint64)


def _counts(column: Any) -> dict[str, int]:
    pairs = pc.value_counts(column).to_pylist()
    return {str(one["values"]): int(one["counts"]) for one in pairs}
