"""The table of all corpora, brought up to date."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.content.forgotten import FORGOTTEN, forgotten_documents
from orchestration_assets.knowledge.corpus import refresh_corpus, shown_name
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.knowledge import (
    KNOWLEDGE,
    DocumentOutcome,
    IndexedDocument,
    KnowledgeRow,
)
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from resources.home import Home
from resources.locks import locked


def refresh_knowledge(home: Home, policy: Policy) -> TableResult:
    """Every corpus of the policy as it is now; a process at a time.

    A corpus whose source cannot be listed keeps the version in force, and a warning says so; raises
    SourceError where there is none.
    """
    rows: list[KnowledgeRow] = []
    warnings: list[str] = []
    figures: dict[str, object] = {}
    forgotten = forgotten_documents(home)
    with locked(home.knowledge.folder / ".lock"):
        for name, config in policy.knowledge.items():
            try:
                now = datetime.now(UTC)
                found = refresh_corpus(home.knowledge, name, config, now, forgotten)
            except SourceError as error:
                if home.knowledge.current(name) is None:
                    raise
                warnings.append(f"the corpus {name} stays as it was: {error}")
                rows += _before(home, name)
                continue
            rows += found.rows
            figures[f"{name}: version"] = found.version
            figures[f"{name}: changes"] = found.changes
    outcomes = Counter(row.outcome for row in rows)
    figures |= {outcome.value: outcomes[outcome] for outcome in DocumentOutcome}
    figures["passages"] = sum(row.passages for row in rows)
    return TableResult(rows_to_arrow(KNOWLEDGE, rows), figures, warnings)


def told_in_force(home: Home) -> pa.Table | None:
    """The table with what the versions in force hold now of the documents that it tells of; None
    where there is no table. Raises DamagedFileError, KnowledgeError."""
    if not home.tables.exists(KNOWLEDGE.name):
        return None
    rows = []
    held: dict[str, dict[str, IndexedDocument]] = {}
    for row in KNOWLEDGE.rows(home.tables.read(KNOWLEDGE.name)):
        version = home.knowledge.current(row.corpus)
        if row.corpus not in held:
            documents = home.knowledge.documents(row.corpus, version) if version else None
            listed = () if documents is None else decode(IndexedDocument, documents)
            held[row.corpus] = {shown_name(one.document): one for one in listed}
        found = held[row.corpus].get(row.document)
        if found is not None and version is not None:
            outcome = DocumentOutcome.FORGOTTEN if found.detail == FORGOTTEN else row.outcome
            rows.append(
                replace(
                    row,
                    outcome=outcome,
                    reason=found.reason,
                    detail=found.detail,
                    content_hash=found.content_hash,
                    passages=found.passages,
                    version=version,
                )
            )
    return rows_to_arrow(KNOWLEDGE, rows)


def _before(home: Home, name: str) -> list[KnowledgeRow]:
    if not home.tables.exists(KNOWLEDGE.name):
        return []
    rows = KNOWLEDGE.rows(home.tables.read(KNOWLEDGE.name))
    return [row for row in rows if row.corpus == name]
