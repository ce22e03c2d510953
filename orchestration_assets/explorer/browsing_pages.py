"""Pages to look around: the home, a batch, the items, one item's whole life."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestration_assets.explorer.batch_index import BatchFacts, item_number
from orchestration_assets.explorer.index_files import HomeIndex
from orchestration_assets.explorer.item_search import search
from orchestration_assets.explorer.item_view import item_home
from orchestration_assets.explorer.people_agreement import SaidVerdict
from orchestration_assets.explorer.query import (
    ItemOrder,
    QuestionQuery,
    RiskBand,
    read_query,
)
from orchestration_assets.explorer.sent_prompts import sent_prompts
from orchestration_assets.explorer.site import NoSuchPageError, Visit
from orchestration_assets.processing.answer_checks import CheckEnd
from orchestration_assets.schemas.enums import EntryOutcome, ResolutionStatus
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    DISAGREEMENT_REPORT,
    DecisionRow,
    ReportRow,
)
from resources.damage import leaving_out_damage
from resources.table_store import TableMissingError

_BATCHES_SHOWN: Final = 100
_LISTED_BATCHES: Final = 200
_DAMAGED_SHOWN: Final = 5
_OF_PROFILES: Final = "profile: "
_VALIDATING: Final = frozenset({*CheckEnd, "repair", "review", "refuse"})
"""Decisions about an answer that was given, by what validates it."""
_TELLING: Final = (
    *("family", "language_guess", "byte_count", "line_count", "word_count", "sentence_count"),
    *("structure_score", "creativity_score", "technicality_score", "ambiguity_score"),
    "complexity_score",
)


def home_page(visit: Visit) -> str:
    """Batches, newest first, and what waits for people."""
    site, index = visit.site, visit.site.index
    before = visit.parameters.get("before", "")
    facts = [one.facts for one in index.batches if not before or one.batch < before]
    state = site.desk.state(index)
    recorded = site.remember("recorded", site.home.batches.recorded, 5.0)
    done = set(site.home.tables.batches(CONTENT_MANIFEST.name))
    return visit.page(
        "home.html",
        totals=_totals(index),
        batches=facts[:_BATCHES_SHOWN],
        older=facts[_BATCHES_SHOWN - 1].batch if len(facts) > _BATCHES_SHOWN else "",
        open_questions=len(site.desk.open_questions(state, visit.session.who)),
        unprocessed=len(set(recorded) - done),
        verdicts_waiting=sum(1 for _ in site.log.waiting()),
        damaged=[one.damage for one in facts if one.damage][:_DAMAGED_SHOWN],
    )


@dataclass(frozen=True, slots=True)
class HomeTotals:
    """What the indexed batches of a home hold, and what of it waits. ``entries`` are files and
    records, which ``by_outcome`` add up to; ``accepted`` of them are items that are asked about."""

    batches: int
    entries: int
    accepted: int
    by_outcome: Mapping[str, int]
    questions: int
    disputed: int
    deferred: int
    failed: int


def _totals(index: HomeIndex) -> HomeTotals:
    facts = [one.facts for one in index.batches]

    outcomes = Counter[str]()
    for one in facts:
        outcomes.update(one.by_outcome)

    def of_status(status: ResolutionStatus) -> int:
        return sum(one.by_status.get(status, 0) for one in facts)

    return HomeTotals(
        len(facts),
        sum(one.items for one in facts),
        outcomes[EntryOutcome.ACCEPTED],
        outcomes,
        sum(one.questions for one in facts),
        sum(one.disputed for one in facts),
        of_status(ResolutionStatus.DEFERRED),
        of_status(ResolutionStatus.FAILED),
    )


def batch_page(visit: Visit) -> str:
    """One batch: what became of it, and its gravest disputes. Raises NoSuchPageError."""
    site, index = visit.site, visit.site.index
    held = index.batch(visit.names["batch"])
    if held is None:
        raise NoSuchPageError("no batch of this home has that name")
    query = QuestionQuery(batch=held.batch, disputed=True, order=ItemOrder.SEVERITY)
    source = "unknown: its record is damaged or missing"
    with leaving_out_damage():
        try:
            source = site.home.batches.source(held.batch)
        except TableMissingError as error:
            source = str(error)
    return visit.page(
        "batch_page.html",
        facts=held.facts,
        source=source,
        report=_report(visit, held.batch),
        has_report=(site.home.reports / f"{held.batch}.html").is_file(),
        found=search(index, query),
        damaged=[held.facts.damage] if held.facts.damage else [],
    )


def _report(visit: Visit, batch: str) -> ReportRow | None:
    tables = visit.site.home.tables
    if tables.exists(DISAGREEMENT_REPORT.name, batch):
        with leaving_out_damage():
            rows = tables.read(DISAGREEMENT_REPORT.name, batch)
            return next(DISAGREEMENT_REPORT.rows(rows), None)
    return None


def report_page(visit: Visit) -> str:
    """The stored page of a batch, as it was drawn. Raises NoSuchPageError."""
    return _stored_page(visit, "")


def review_sheet_page(visit: Visit) -> str:
    """The stored page of a batch's questions for people. Raises NoSuchPageError."""
    return _stored_page(visit, "-review")


def _stored_page(visit: Visit, kind: str) -> str:
    held = visit.site.index.batch(visit.names["batch"])
    path = visit.site.home.reports / f"{held.batch}{kind}.html" if held else None
    if path is None or not path.is_file():
        raise NoSuchPageError("this batch has no report: orchestrate run SOURCE --reprocess")
    return path.read_text("utf-8")


def items_page(visit: Visit) -> str:
    """Questions that fit a query, a page of them. Raises QueryError."""
    query, index = read_query(visit.parameters), visit.site.index
    narrowed = {name for name in query.parameters() if name not in ("sort", "after")}
    found = search(index, query)
    return visit.page(
        "items.html",
        query=query,
        narrowed=bool(narrowed),
        words=_words(index),
        found=found,
        first=query.page_after(None).address(),
        following=query.page_after(found.after).address(),
    )


def _words(index: HomeIndex) -> Mapping[str, Sequence[str]]:
    """What filters may be set to."""
    facts: list[BatchFacts] = [one.facts for one in index.batches]

    def every(name: str) -> list[str]:
        return sorted({word for one in facts for word in getattr(one, name) if word})

    return {
        **{name: every(name) for name in ("tasks", "statuses", "families", "outcomes", "pairs")},
        "bands": list(RiskBand),
        "orders": [order for order in ItemOrder if order is not ItemOrder.NEWEST],
        "batches": [one.batch for one in facts[:_LISTED_BATCHES]],
    }


def item_page(visit: Visit) -> str:
    """Everything that is known of one item. Raises NoSuchPageError."""
    site, index = visit.site, visit.site.index
    item_id = visit.names["item"]
    view = item_home(site.home, index, site.rows, item_id)
    if view is None:
        raise NoSuchPageError("no batch of this home holds that item")
    found = site.explain(view, item_id, site.policy)
    state = site.desk.state(index)
    hashes = {row.content_hash for row in found.seen if row.content_hash}
    features = [(name, found.features.get(name)) for name in _TELLING]
    return visit.page(
        "item.html",
        it=found,
        features=[(name, _told(value)) for name, value in features if value not in (None, "")],
        verdicts={
            task.plan.task: _verdicts(state.said, hashes, task.plan.task) for task in found.tasks
        },
        steps={task.plan.task: _validation(task.decisions) for task in found.tasks},
        checks={key for task in found.tasks for key in _checks(task)},
        prompts=sent_prompts(view, found, site.policy),
        # whether a profile would be reused is told by its whole table, which is not read here
        next_run=[words for words in found.next_run if not words.startswith(_OF_PROFILES)],
    )


def _validation(decisions: Sequence[DecisionRow]) -> list[DecisionRow]:
    """The decisions by which an answer was validated."""
    return [one for one in decisions if one.action in _VALIDATING]


def _checks(task: Any) -> Iterator[str]:
    """The keys of readings that say what a service holds of an answer, and answer nothing else."""
    asking = {
        service for one in task.decisions if one.action in set(CheckEnd) for service in one.services
    }
    for reading, _ in task.readings:
        if reading.service in asking and reading.saw and not reading.final:
            yield reading.answer_key


def _told(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _verdicts(said: Sequence[SaidVerdict], hashes: set[str], task: str) -> list[SaidVerdict]:
    found = [one for one in said if one.task == task and one.content_hash in hashes]
    return sorted(found, key=lambda one: one.when, reverse=True)


def is_item_id(text: str) -> bool:
    """Whether a text is an id: 16 hexadecimal digits."""
    try:
        return len(text) == 16 and f"{item_number(text):016x}" == text
    except ValueError:
        return False
