"""Review by keyboard: a question at a time, verdicts, undo, and what they taught."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from orchestration_assets.content.item_lookup import ManifestItem
from orchestration_assets.content.verdict_files import VerdictFileError
from orchestration_assets.content.verdicts import VerdictContext, understand
from orchestration_assets.evidence.verdict_weights import sheet_name
from orchestration_assets.explorer.batch_index import item_number
from orchestration_assets.explorer.index_files import HomeIndex
from orchestration_assets.explorer.item_view import item_home
from orchestration_assets.explorer.knowledge_pages import whole_table
from orchestration_assets.explorer.lessons import latest_verdicts, lessons
from orchestration_assets.explorer.people_agreement import agreement_by_task, latest_by_person
from orchestration_assets.explorer.review_desk import DeskState, place_among
from orchestration_assets.explorer.review_options import (
    AnswerOption,
    FieldOptions,
    VerdictFormError,
    answer_options,
    field_options,
    shown_mark,
    verdict_of,
)
from orchestration_assets.explorer.review_order import DeskQuestion
from orchestration_assets.explorer.site import NoSuchPageError, Visit
from orchestration_assets.explorer.verdict_log import GivenVerdict
from orchestration_assets.policy.asked_tasks import asked_tasks
from orchestration_assets.schemas.disagreement import CALIBRATION, ReviewRow
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.text.content_excerpts import ContentExcerpt

_MOST_NOTE: Final = 500
_LONG: Final = (AnswerKind.TEXT, AnswerKind.RECORD)
_FILE: Final = "explorer.jsonl"
_WORDS: Final[Mapping[str, str]] = {
    "back": "Taken back.",
    "nothing": "Nothing to take back: what was taken in stays; judge it again.",
}
"""What is said after a form, by its name in the address: nobody else's words are shown."""
_NOT_SHOWN: Final = ContentExcerpt(note="not shown: its batch can no longer be read")


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a browser is sent after a form; ``said`` names what is said there, ``who`` is a new
    name."""

    address: str
    said: str = ""
    who: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question needs beside its row."""

    options: tuple[AnswerOption, ...] = ()
    fields: tuple[FieldOptions, ...] = ()
    excerpt: ContentExcerpt = _NOT_SHOWN
    metadata: tuple[tuple[str, str], ...] = ()
    passages: tuple[RetrievedPassage, ...] = ()
    conversation: tuple[str, ...] = ()

    def mark(self, row: ReviewRow) -> str:
        """What tells whether a form came from a page that showed the same."""
        return shown_mark(row.content_hash, self.options, self.fields, row.choices)


def review_page(visit: Visit) -> str | Redirect:
    """Sends to the first open question; asks who judges before that."""
    site = visit.site
    state = site.desk.state(site.index)
    rows = site.desk.open_questions(state, visit.session.who)
    if site.settings.read_only:
        return _done(visit, state, len(rows))
    if not visit.session.who:
        return name_page(visit)
    said = visit.parameters.get("said", "")
    first = site.desk.claim(state, rows, visit.session.who)
    return Redirect(f"/review/{first.name}", said) if first else _done(visit, state, 0)


def _done(visit: Visit, state: DeskState, open_count: int) -> str:
    who = visit.session.who
    return visit.page(
        "review_done.html",
        open_count=open_count,
        given=_given(state, who),
        given_here=visit.site.log.holds(who),
    )


def name_page(visit: Visit) -> str:
    """Asks for the name that verdicts are signed with."""
    site = visit.site
    people = sorted({one.who for one in site.desk.state(site.index).said})
    return visit.page("name.html", people=people)


def question_page(visit: Visit, problem: str = "") -> str | Redirect:
    """One question with its content and its answers. Raises NoSuchPageError."""
    site, who = visit.site, visit.session.who
    if site.settings.read_only:
        return Redirect("/review")
    if not who:
        return name_page(visit)
    state = site.desk.state(site.index)
    question, row = _question(visit, state)
    questions = site.desk.open_questions(state, who)
    site.desk.hold(question, who)
    asked = _asked(visit, row)
    return visit.page(
        "review_desk.html",
        name=question.name,
        row=row,
        around=place_among(questions, question.name),
        open_count=len(questions),
        given=_given(state, who),
        given_here=site.log.holds(who),
        twice=question.twice,
        said_before=_said_before(visit, state, question),
        options=asked.options,
        fields=asked.fields,
        content=asked.excerpt,
        metadata=asked.metadata,
        passages=asked.passages,
        conversation=asked.conversation,
        mark=asked.mark(row),
        is_record=row.kind is AnswerKind.RECORD,
        long_answers=row.kind in _LONG,
        choices=_other_choices(row, asked.options),
        problem=problem or _foreign_task(visit, row),
        own=visit.form.get("own", ""),
        note=visit.form.get("note", ""),
    )


def _foreign_task(visit: Visit, row: ReviewRow) -> str:
    """Why no verdict on a question could be taken in under the policy of this server."""
    if row.task in asked_tasks(visit.site.home, visit.site.policy.policy):
        return ""
    return (
        f"neither the policy that this server follows nor one that this home keeps has the task "
        f"{row.task!r}: start it with --policy FILE, the policy that asked this"
    )


def _said_before(visit: Visit, state: DeskState, question: DeskQuestion) -> str:
    own = [
        one.said
        for one in state.said
        if (one.content_hash, one.task) == question.key and one.who == visit.session.who
    ]
    if own:
        return f"You said {own[-1][:120]!r} here; another verdict replaces it."
    return _WORDS.get(visit.parameters.get("said", ""), "")


def _other_choices(row: ReviewRow, options: Sequence[AnswerOption]) -> Sequence[str]:
    if row.kind is not AnswerKind.LABEL:
        return ()
    given = {option.shown for option in options}
    return row.choices if set(row.choices) - given else ()


def judge(visit: Visit) -> str | Redirect:
    """Takes a verdict, or passes the question over. Raises NoSuchPageError and UnwritableError."""
    site, who = visit.site, visit.session.who
    if not who:
        return Redirect("/review")
    state = site.desk.state(site.index)
    question, row = _question(visit, state)
    questions = site.desk.open_questions(state, who)
    behind = questions[place_among(questions, question.name).place :]

    def onwards() -> Redirect:
        following = site.desk.claim(state, behind, who)
        return Redirect(f"/review/{following.name}" if following else "/review")

    if visit.form.get("move") == "skip":
        site.desk.skip(question, who)
        return onwards()
    asked = _asked(visit, row)
    try:
        if visit.form.get("mark") != asked.mark(row):
            # its batch was processed again: the digit would stand for another answer
            raise VerdictFormError(
                "choice: the answers have changed since you saw them: look again"
            )
        value = verdict_of(visit.form, row.kind, asked.options, asked.fields, row.choices)
        verdict = _checked(visit, row, value)
    except VerdictFormError as error:
        return question_page(visit, str(error))
    site.log.give(verdict)
    site.desk.release(question, who)
    return onwards()


def _checked(visit: Visit, row: ReviewRow, value: Any) -> GivenVerdict:
    """The verdict, understood as it will be when it is taken in. Raises VerdictFormError."""
    site = visit.site
    foreign = _foreign_task(visit, row)
    if foreign:
        raise VerdictFormError(foreign)
    now = datetime.now(UTC)
    note = "".join(sign for sign in visit.form.get("note", "") if sign.isprintable())
    verdict = GivenVerdict(
        item=row.item_id,
        task=row.task,
        verdict=value,
        who=visit.session.who,
        when=now.isoformat(timespec="microseconds"),
        content_hash=row.content_hash,
        asked_in=sheet_name(row.batch, row.round),
        note=note[:_MOST_NOTE].strip(),
    )
    tasks = asked_tasks(site.home, site.policy.policy)
    rules = VerdictContext(tasks, site.policy.hash, now)

    def find(names: Any) -> Mapping[str, list[ManifestItem]]:
        return {name: _manifest_items(site.index, name) for name in names}

    try:
        understand(_FILE, verdict.line(), rules, find)
    except UnicodeEncodeError as error:
        raise VerdictFormError("own: holds characters that are no text; write it anew") from error
    except VerdictFileError as error:
        problem = error.problems[0]
        raise VerdictFormError(f"{problem.field}: {problem.message}") from error
    return verdict


def _manifest_items(index: HomeIndex, item_id: str) -> list[ManifestItem]:
    """The item as the index of its batches knows it."""
    found: ManifestItem | None = None
    for batch, place in reversed(index.holding(item_number(item_id))):
        path, held = (batch.items[name][place].as_py() for name in ("path", "hash"))
        found = found or ManifestItem(item_id, "", path)
        if held is not None:
            found.versions[batch.batch] = held
    return [found] if found else []


def undo(visit: Visit) -> Redirect:
    """Takes the person's last verdict back, and sends to its question."""
    site, who = visit.site, visit.session.who
    taken = site.log.take_back(who) if who else None
    if taken is None:
        return Redirect("/review", "nothing")
    asked = site.desk.state(site.index).asked
    question = asked.about((taken.content_hash, taken.task))
    return Redirect(f"/review/{question.name}" if question else "/review", "back")


def lessons_page(visit: Visit) -> str:
    """What verdicts taught, how far people agree, and how much was judged."""
    site, who = visit.site, visit.session.who
    state = site.desk.state(site.index)
    latest = latest_verdicts(state.said, who, lambda key: state.asked.about(key) is not None)
    asked = map(state.asked.about, latest)
    held = whole_table(site.home.tables, CALIBRATION.name)
    return visit.page(
        "lessons.html",
        learnt=lessons(latest, site.desk.rows(one for one in asked if one is not None)),
        agreement=agreement_by_task(latest_by_person(state.said)),
        people=Counter(one.who for one in state.said).most_common(50),
        waiting=sum(1 for _ in site.log.waiting()),
        calibrations=[] if held.data is None else list(CALIBRATION.rows(held.data)),
        damaged=[held.problem] if held.problem else [],
    )


def _given(state: DeskState, who: str) -> int:
    return len({(one.content_hash, one.task) for one in state.said if one.who == who})


def _question(visit: Visit, state: DeskState) -> tuple[DeskQuestion, ReviewRow]:
    question = state.asked.named(visit.names["question"])
    row = visit.site.desk.rows([question]).get(question.key) if question else None
    if question is None or row is None:
        raise NoSuchPageError("that question is asked no more: go on at /review")
    return question, row


def _asked(visit: Visit, row: ReviewRow) -> _Asked:
    """The content of the question's batch and what was answered about it."""
    site = visit.site
    view = item_home(site.home, site.index, site.rows, row.item_id, row.batch)
    if view is None:
        return _Asked()
    found = site.explain(view, row.item_id, site.policy)
    task = next((one for one in found.tasks if one.plan.task == row.task), None)
    if task is None:
        return _Asked()
    readings = [reading for reading, _ in task.readings]
    fields = field_options(readings) if row.kind is AnswerKind.RECORD else ()
    return _Asked(
        answer_options(readings),
        fields,
        task.excerpt,
        found.metadata,
        task.plan.passages or (),
        found.conversation.told if found.conversation else (),
    )
