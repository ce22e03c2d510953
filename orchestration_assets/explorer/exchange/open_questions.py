"""The open questions of a home with their content, as other tools are given them."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.disagreement.batch_tables import InterpretedBatch
from orchestration_assets.disagreement.item_contents import ItemContents
from orchestration_assets.disagreement.review_contents import question_contents, votes_about
from orchestration_assets.evidence.verdict_weights import sheet_name
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE, ReviewRow
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    INTERPRETATIONS,
    PROCESSING_PLANS,
)
from resources.damage import leaving_out_damage
from resources.home import Home

_TABLES = (
    *(CONTENT_MANIFEST.name, CONTENT_PROFILES.name, PROCESSING_PLANS.name),
    *(table.name for table in INTERPRETATIONS.values()),
)


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What one service answered, whole, and its own probability."""

    service: str
    answer: Answer
    confidence: float | None


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question for people: its row, the text that is shown of its content, what services said,
    and the passages that they were shown."""

    row: ReviewRow
    content: str
    answers: tuple[ServiceAnswer, ...]
    passages: tuple[str, ...] = ()

    @property
    def asked_in(self) -> str:
        """The sheet of questions that a verdict answers."""
        return sheet_name(self.row.batch, self.row.round)


def open_questions(home: Home, batch: str = "", task: str = "") -> Iterator[OpenQuestion]:
    """The questions that are still asked, in the order of asking, oldest batch first; those of one
    batch or task, where these are given. Content is redacted, or hidden, as the policy says."""
    for name in home.tables.batches(REVIEW_QUEUE.name):
        if batch in ("", name):
            with leaving_out_damage():
                queue = REVIEW_QUEUE.rows(home.tables.read(REVIEW_QUEUE.name, name))
                rows = [one for one in queue if one.probability is None and task in ("", one.task)]
                if rows:
                    yield from _with_contents(home, name, sorted(rows, key=lambda row: row.place))


def _with_contents(home: Home, batch: str, rows: list[ReviewRow]) -> Iterator[OpenQuestion]:
    tables = {name: home.tables.read(name, batch) for name in _TABLES}
    asked = InterpretedBatch(home, tables[PROCESSING_PLANS.name], tables)
    votes = votes_about(rows, [tables[table.name] for table in INTERPRETATIONS.values()])
    with ContentReader(home, home.batches.source(batch)) as reader:
        contents = ItemContents(
            asked.policies,
            tables[CONTENT_MANIFEST.name],
            tables[CONTENT_PROFILES.name],
            reader,
        )
        earlier = EarlierMessages(home, batch)
        shown = question_contents(rows, contents, votes, tables[PROCESSING_PLANS.name], earlier)
    for row in rows:
        key = (row.item_id, row.task)
        answers = tuple(
            ServiceAnswer(service, reading.answer, reading.confidence)
            for service, reading in votes.get(key, ())
            if reading.status is Status.OK and reading.answer is not None
        )
        content = "\n".join((*shown[key].conversation, shown[key].excerpt.as_text()))
        yield OpenQuestion(row, content, answers, shown[key].passages)
