"""Whether the reports of the corpus are due: what a run that died left unmade.

They are folded from the batches' own tables, and a home whose last run died before it made them
would otherwise look finished.
"""

from pathlib import Path
from typing import Final

from orchestration_assets.schemas.cache import FEATURE_CACHE_REPORT
from orchestration_assets.schemas.disagreement import SERVICE_SCORECARDS
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.signals import GOLDEN_SIGNALS
from orchestration_assets.schemas.tables import (
    CONTENT_LEDGER,
    CORPUS_REPORT,
    DISAGREEMENT_REPORT,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.home import Home
from resources.table_store import write_atomically

_TABLES: Final = (
    CONTENT_LEDGER,
    CORPUS_REPORT,
    FEATURE_CACHE_REPORT,
    GOLDEN_SIGNALS,
    GOLD_LABELS,
    SERVICE_SCORECARDS,
)
_PAGES: Final = ("index.html", "services.html")


def _mark(home: Home) -> Path:
    return home.reports / ".due"


def mark_due(home: Home) -> None:
    """Notes that batches are about to change. Raises UnwritableError."""
    write_atomically(_mark(home), b"made when orchestrate run ends\n")


def mark_made(home: Home) -> None:
    """Notes that the reports are those of the batches as they are now."""
    _mark(home).unlink(missing_ok=True)


def reports_are_due(home: Home) -> bool:
    """Whether batches were reported that the corpus reports do not know, or one is damaged."""
    store = home.tables
    reported = set(store.batches(DISAGREEMENT_REPORT.name))
    if not reported:
        return False
    if _mark(home).exists() or not all(store.is_whole(table.name) for table in _TABLES):
        return True
    if not all(_is_whole(home.reports / page) for page in _PAGES):
        return True
    try:
        kept_batches = set(store.read(CORPUS_REPORT.name, columns=["batch"])["batch"].to_pylist())
    except DamagedFileError:
        return True
    # a damaged report is left out of the index: it does not make it due for ever
    missing = reported - kept_batches
    return not kept_batches <= reported or any(
        store.is_whole(DISAGREEMENT_REPORT.name, b) for b in missing
    )


def _is_whole(page: Path) -> bool:
    try:
        return page.read_bytes().rstrip().endswith(b"</html>")
    except OSError:
        return False
