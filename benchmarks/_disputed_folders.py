"""Folders that were run through a policy: what is disputed in each batch, and what leads it."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks._dispute_labels import key_of
from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.disagreement.batch_tables import InterpretedBatch
from orchestration_assets.disagreement.item_contents import ItemContents
from orchestration_assets.disagreement.task_questions import allowed_answers
from orchestration_assets.reporting.dispute_cards import CardSources
from orchestration_assets.reporting.disputed import disputes_of
from orchestration_assets.reporting.item_features import item_features
from orchestration_assets.reporting.leading_disputes import leading_disputes
from orchestration_assets.reporting.publication import hidden_metadata
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.records import Table
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DECISION_LOG,
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    DisagreementRow,
    InterpretationRow,
    accepted_items,
)
from resources.home import Home

_WITH_TABLES: Final = (0, 1, 75)
"""Exit codes of runs that leave tables: all well, some items failed, some questions deferred."""


class FolderRunError(OrchestrationError):
    """A folder could not be run; the message says what the command said."""


@dataclass(frozen=True)
class BatchDisputes:
    """One batch of a folder after its run; it can be asked as long as its home is there."""

    folder: str
    home: Home
    batch: str

    @cached_property
    def items(self) -> int:
        """How many items the batch accepted."""
        return len(list(accepted_items(self._table(CONTENT_MANIFEST))))

    @cached_property
    def disputes(self) -> tuple[DisagreementRow, ...]:
        """The pairs of answers of which the difference has a consequence."""
        return tuple(row for row in self._rows if row.consequence is not Consequence.NONE)

    def questions(self) -> Counter[str]:
        """Task -> questions in dispute."""
        return Counter(task for _, task in self._disputed)

    def dropped(self) -> Counter[str]:
        """Task -> questions on which services differ, all of it without a consequence."""
        differing = {(row.item_id, row.task) for row in self._rows}
        return Counter(task for _, task in differing - self._disputed)

    def first(self) -> tuple[DisagreementRow, ...]:
        """The disputes that the batch's page shows first, in its order: ten at most."""
        tables = {
            "interpretations": self._final,
            **{
                table.name: self._table(table)
                for table in (RESOLUTIONS, DISAGREEMENTS, DECISION_LOG)
            },
        }
        disputed = disputes_of(tables[DISAGREEMENTS.name])
        manifest, profiles = self._table(CONTENT_MANIFEST), self._table(CONTENT_PROFILES)
        features = item_features(manifest, profiles, hidden_metadata(self._asked.policies))
        leading = leading_disputes(tables, disputed, features, CardSources())
        by_pair = {
            (row.item_id, row.task, row.service_a, row.service_b): row for row in self.disputes
        }
        return tuple(
            by_pair[(*pair.question, pair.service_a, pair.service_b)]
            for cause in leading.first
            for card in cause.cards
            for pair in cause.cause.pairs
            if pair.question == (card.item_id, card.task)
        )

    def sheet(self, disputes: Sequence[DisagreementRow]) -> Iterator[dict[str, Any]]:
        """The disputes for a reader who is to label them: with content, without severity.

        The content is read again through its address.
        """
        asked = self._asked
        manifest, profiles = self._table(CONTENT_MANIFEST), self._table(CONTENT_PROFILES)
        standing = {
            (row.item_id, row.task): row.answer
            for row in RESOLUTIONS.rows(self._table(RESOLUTIONS))
        }
        with ContentReader(self.home, self.home.batches.source(self.batch)) as reader:
            contents = ItemContents(asked.policies, manifest, profiles, reader)
            for row in disputes:
                question = (row.item_id, row.task)
                task, key = asked.tasks[row.task], key_of(row)
                votes = asked.with_evidence([question])[question]
                excerpt = contents.excerpt(row.item_id, votes)
                yield {
                    "id": key.id,
                    "question": task.question,
                    "allowed_answers": allowed_answers(task),
                    "path": row.path,
                    "description": contents.description(row.item_id),
                    "metadata": dict(contents.metadata(row.item_id)),
                    "excerpt": excerpt.as_text(),
                    "note": excerpt.note,
                    "sentence": row.sentence,
                    "readings": self._readings(row),
                    "standing_answer": standing.get(question),
                    **{name: getattr(key, name) for name in key.__slots__},
                }

    def _readings(self, dispute: DisagreementRow) -> list[dict[str, Any]]:
        rows = [
            row
            for row in decode(InterpretationRow, self._of_item(dispute.item_id))
            if row.task == dispute.task
        ]
        return [
            {
                "service": row.service,
                "status": row.status.value,
                "answer": row.answer,
                "confidence": None if row.confidence is None else round(row.confidence, 3),
                "evidence": row.evidence or row.reason,
            }
            for row in sorted(rows, key=lambda row: (row.step, row.service))
        ]

    def _of_item(self, item_id: str) -> pa.Table:
        return self._final.filter(pc.equal(self._final["item_id"], item_id))

    @cached_property
    def _asked(self) -> InterpretedBatch:
        answered = {table.name: self._table(table) for table in INTERPRETATIONS.values()}
        return InterpretedBatch(self.home, self._table(PROCESSING_PLANS), answered)

    @cached_property
    def _disputed(self) -> frozenset[tuple[str, str]]:
        return frozenset((row.item_id, row.task) for row in self.disputes)

    @cached_property
    def _rows(self) -> tuple[DisagreementRow, ...]:
        return tuple(DISAGREEMENTS.rows(self._table(DISAGREEMENTS)))

    @cached_property
    def _final(self) -> pa.Table:
        """The readings that no other one of their service took over."""
        whole = pa.concat_tables(self._asked.interpretations)
        return whole.filter(whole["final"])

    def _table(self, of: Table[Any]) -> pa.Table:
        return self.home.tables.read(of.name, self.batch)


def run_folder(
    folder: Path, workspace: Path, policy: Path | None, files: int | None
) -> list[BatchDisputes]:
    """Runs a folder through the command, and gives its batches; the home is in ``workspace``.

    Of more than ``files`` files those are taken whose paths have the lowest hashes, as copies in
    the workspace. Raises FolderRunError.
    """
    if not folder.is_dir():
        raise FolderRunError(f"{folder}: no such folder; give the folders to run")
    workspace.mkdir(parents=True)
    source = folder if files is None else few_files(folder, workspace / "files", files)
    home = Home(workspace / "home")
    command = [sys.executable, "-m", "orchestration_assets", "run", str(source.resolve())]
    command += ["--json", "--home", str(home.folder)]
    command += [] if policy is None else ["--policy", str(policy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in _WITH_TABLES:
        reason = " ".join((done.stderr or done.stdout).strip().splitlines()[-1:])
        raise FolderRunError(f"{folder}: the run ended with {done.returncode}: {reason}")
    if failed := json.loads(done.stdout)["failed_batches"]:
        raise FolderRunError(f"{folder}: batches failed, so the figures would not hold: {failed}")
    batches = home.tables.batches(DISAGREEMENTS.name)
    if not batches:
        raise FolderRunError(f"{folder}: the policy takes no item of it in; give another folder")
    return [BatchDisputes(str(folder), home, batch) for batch in sorted(batches)]


def few_files(folder: Path, copy: Path, files: int) -> Path:
    """A copy of the ``files`` files whose paths have the lowest hashes, at their places."""
    copy.mkdir()
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    for path in sorted(paths, key=lambda one: _path_hash(one.relative_to(folder)))[:files]:
        target = copy / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return copy


def _path_hash(path: Path) -> str:
    return sha256(path.as_posix().encode("utf-8", "surrogateescape")).hexdigest()
