"""What every page of the explorer has at hand, and what came of a request before a page sees it."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from orchestration_assets.explorer.index_files import HomeIndex, IndexFiles
from orchestration_assets.explorer.item_rows import ItemRows
from orchestration_assets.explorer.review_desk import ReviewDesk
from orchestration_assets.explorer.sessions import Session, Signer
from orchestration_assets.explorer.templating import render
from orchestration_assets.explorer.verdict_log import VerdictLog
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.schemas.errors import OrchestrationError
from resources.home import Home

Explain = Callable[[Home, str, LoadedPolicy], Any]
"""From a home, an item's id and the policy in force to all that is known of the item, with the
attributes that `orchestrate explain` prints."""
Value = TypeVar("Value")


class NoSuchPageError(OrchestrationError):
    """A request names something that the home does not have."""


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How the explorer is served; ``token`` is None where none is asked for. ``dagster`` is the
    address of the Dagster UI, empty when it is not known."""

    hosts: frozenset[str]
    token: str | None = None
    read_only: bool = False
    dagster: str = ""


class Remembered(Generic[Value]):
    """A value that is made again once it is older than some seconds. Safe for threads."""

    def __init__(self, make: Callable[[], Value], seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: tuple[float, Value] | None = None

    def get(self) -> Value:
        with self._lock:
            now = time.monotonic()
            if self._held is None or now - self._held[0] > self._seconds:
                self._held = (now, self._make())
            return self._held[1]


@dataclass(frozen=True)
class Site:
    """A home as it is served. ``explain`` is what explains an item."""

    home: Home
    policy: LoadedPolicy
    settings: ServeSettings
    index_files: IndexFiles
    rows: ItemRows
    log: VerdictLog
    desk: ReviewDesk
    signer: Signer
    explain: Explain
    remembered: dict[str, Remembered[Any]] = field(default_factory=dict)

    @property
    def index(self) -> HomeIndex:
        return self.index_files.current

    def remember(self, name: str, make: Callable[[], Any], seconds: float) -> Any:
        """A value of the whole home that may be some seconds old."""
        return self.remembered.setdefault(name, Remembered(make, seconds)).get()


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, of a browser with a session: ``names`` are the parts of its path."""

    site: Site
    session: Session
    parameters: Mapping[str, str]
    names: Mapping[str, str]
    form: Mapping[str, str]
    here: str

    def page(self, template: str, **values: Any) -> str:
        """A page with what every page shows."""
        site, index = self.site, self.site.index
        return render(
            template,
            visit=self,
            here=self.here,
            section=_section(self.here),
            session=self.session,
            form_token=site.signer.form_token(self.session),
            read_only=site.settings.read_only,
            waiting_batches=index.waiting,
            dagster=site.settings.dagster,
            **values,
        )


def _section(here: str) -> str:
    """The entry of the navigation that a page belongs to."""
    first = here.split("/")[1]
    return {"item": "/items", "batch": "/", "report": "/", "compare": "/"}.get(first, f"/{first}")
