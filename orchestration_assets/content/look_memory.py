"""Whether anything has changed since a look that found nothing to record.

Then the next one needs neither a listing nor the ledger. What is kept may be deleted: the next look
lists again.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Final

from orchestration_assets.schemas.errors import UnwritableError
from orchestration_assets.schemas.listings import ListingTotals
from orchestration_assets.schemas.policy import Content
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.content_source import ListingBudget, Source
from resources.damage import notice
from resources.home import Home
from resources.table_store import write_atomically

# whatever a look goes by besides the source and the home; raise it when its rules change
_RULES: Final = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """``state`` names a source and all that is known of it; ``totals`` are those of an earlier look
    that found the same state and nothing to record, None where there was none.
    """

    state: str
    totals: ListingTotals | None


class LookMemory:
    """What the last look at one source found, where it found nothing to record."""

    def __init__(self, home: Home, source: Source, content: Content) -> None:
        self._home = home
        self._source = source
        self._content = content
        name = blake2b(source.source.encode(), digest_size=8).hexdigest()
        self._path = home.ledgers / f"{name}.json"

    def seen(self, budget: ListingBudget) -> Seen | None:
        """The state of the source now; None where only a listing tells.

        It is taken before the source is listed: what changes in between changes the next state.
        """
        known = self._known()
        if known is None:
            return None
        fingerprint = self._source.fingerprint(budget)
        if fingerprint is None:
            return None
        facts = (_RULES, fingerprint, known, self._content.model_dump_json())
        state = blake2b(repr(facts).encode(), digest_size=16).hexdigest()
        return Seen(state, self._kept(state))

    def keep(self, seen: Seen, totals: ListingTotals) -> None:
        """Remembers that there was nothing to record in this state."""
        kept = {"state": seen.state, "totals": asdict(totals)}
        try:
            write_atomically(self._path, json.dumps(kept).encode())
        except UnwritableError as error:
            notice(f"not kept: {error}")  # the next look lists again

    def _known(self) -> str | None:
        """A hash over batch records and manifests; None where there is none yet, while one of the
        records has no manifest, and while content is to be offered again.
        """
        digest = blake2b(digest_size=16)
        records, manifests = (sorted(self._files(folder)) for folder in self._folders)
        if not records or {name for name, *_ in records} != {name for name, *_ in manifests}:
            return None
        digest.update(repr((records, manifests)).encode())
        return None if self._home.content_index.orphans() else digest.hexdigest()

    @property
    def _folders(self) -> tuple[str, str]:
        return "batches", f"tables/{CONTENT_MANIFEST.name}"

    def _files(self, folder: str) -> Iterator[tuple[str, int, int]]:
        for path in (self._home.folder / folder).glob("[!.]*.parquet"):
            status = path.stat()
            yield path.name, status.st_size, status.st_mtime_ns

    def _kept(self, state: str) -> ListingTotals | None:
        try:
            kept = json.loads(self._path.read_bytes())
            if kept["state"] != state:
                return None
            totals = kept["totals"]
            excluded_by = tuple((str(name), int(n)) for name, n in totals.pop("excluded_by"))
            return ListingTotals(**totals, excluded_by=excluded_by)
        except (OSError, ValueError, KeyError, TypeError):
            return None
