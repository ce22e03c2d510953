"""The table of all corpora, brought up to date."""

from collections import Counter
from datetime import UTC, datetime

from orchestration_assets.knowledge.corpus import refresh_corpus
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.knowledge import KNOWLEDGE, DocumentOutcome, KnowledgeRow
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
    with locked(home.knowledge.folder / ".lock"):
        for name, config in policy.knowledge.items():
            try:
                found = refresh_corpus(home.knowledge, name, config, datetime.now(UTC))
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


def _before(home: Home, name: str) -> list[KnowledgeRow]:
    if not home.tables.exists(KNOWLEDGE.name):
        return []
    rows = KNOWLEDGE.rows(home.tables.read(KNOWLEDGE.name))
    return [row for row in rows if row.corpus == name]
