"""Verdicts of people: understood against the policy's tasks, and merged into gold. All pure.

A file is taken whole or not at all: one line that cannot be understood, and nothing of the file
counts. So a person who mends a file and drops it again never wonders which half was in.
"""

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from orchestration_assets.content.item_lookup import FindItems, ManifestItem
from orchestration_assets.content.listed_answers import (
    NONE_OF_THEM,
    LetterError,
    cannot_tell,
    is_damaged,
    is_letter,
    listed,
    named_answer,
    says_none,
)
from orchestration_assets.content.record_verdicts import (
    RecordVerdictError,
    merged,
    read_record_verdict,
)
from orchestration_assets.content.spreadsheets import mangled
from orchestration_assets.content.standing_records import FindStanding
from orchestration_assets.content.verdict_files import (
    ASKED_IN,
    CHOICES,
    OPTIONAL,
    VerdictFileError,
    VerdictLine,
    VerdictProblem,
    collect,
    read_lines,
)
from orchestration_assets.policy.problems import closest_name, one_line
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import TaskConfig
from orchestration_assets.schemas.record_answers import (
    RecordAnswer,
    record_json,
    record_of,
    record_text,
)
from orchestration_assets.schemas.verdicts import GoldRow, PastVerdict, VerdictRow
from orchestration_assets.text.local_dates import (
    DateOrder,
    LocalDateError,
    local_date,
    settled_order,
)

_SLACK: Final = timedelta(days=1)
# hexadecimal digits of an item's id, and of a content hash
_ID_DIGITS: Final = 16
_HASH_DIGITS: Final = 32
_CANDIDATES_SHOWN: Final = 5
# the batch that asked, and the round of asking
_SHEET: Final = re.compile(r".+/[1-9][0-9]*")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")

DECLARED_BY: Final = "the content itself"
"""Who is named as the author of gold that a metadata column declares."""


@dataclass(frozen=True, slots=True)
class VerdictContext:
    """What verdicts are checked against: the tasks of a policy, its hash, and the clock."""

    tasks: Mapping[str, TaskConfig]
    policy_hash: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ParsedVerdicts:
    """The verdicts of one file; ``not_judged`` counts the lines whose verdict was left empty, or
    says that nobody can tell."""

    verdicts: tuple[VerdictRow, ...]
    not_judged: int


def file_hash(data: bytes) -> str:
    """The identity of a verdict file: 128 bits of blake2b over its bytes, hex."""
    return blake2b(data, digest_size=16).hexdigest()


def understand(
    file: str,
    data: bytes,
    rules: VerdictContext,
    find: FindItems,
    standing: FindStanding | None = None,
) -> ParsedVerdicts:
    """Every verdict of a file. Raises VerdictFileError, which lists what is wrong with it.

    A line whose verdict is empty, or says that nobody can tell, was not judged: sheets may come
    back half filled in. ``find`` gives the items that a collection of ids, addresses and paths may
    stand for, ``standing`` the records that stand, of which verdicts may name single entries.
    """
    lines = read_lines(file, data)
    judged = [line for line in lines if not _is_left_out(line, rules.tasks)]
    if not judged:
        message = "holds no verdict: fill in the column verdict, and drop it again"
        raise VerdictFileError(file, [VerdictProblem(0, "file", message)])
    items = find({name for line in judged if (name := _plain(line.values["item"]))})
    identity = file_hash(data)
    order = settled_order(_plain(line.values["when"]) for line in lines)
    found = (_verdict(identity, file, line, rules, items, order, standing) for line in judged)
    rows = collect(file, found)
    return ParsedVerdicts(tuple(rows), len(lines) - len(judged))


class FieldError(Exception):
    """A value that cannot be understood."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _verdict(
    identity: str,
    file: str,
    line: VerdictLine,
    rules: VerdictContext,
    items: Mapping[str, list[ManifestItem]],
    order: DateOrder | None,
    standing: FindStanding | None,
) -> VerdictRow | VerdictProblem:
    values = line.values
    try:
        item = _item(_text(values, "item"), items)
        task_name = _text(values, "task")
        task = _task(task_name, rules.tasks)
        said_at = _when(_text(values, "when"), rules.now, order)
        content = _content(values.get(OPTIONAL), item, said_at)
        sheet = _sheet(values.get(ASKED_IN))
        given = _Given(identity, file, line.number, _text(values, "who"), said_at, sheet)
        held = None
        if task.kind is AnswerKind.RECORD and standing is not None:
            held = standing(item.item_id, task_name, content, sheet)
        answer = _on_sheet(values["verdict"], values.get(CHOICES), task, held)
        return _row(given, item.item_id, item.path, content, task_name, answer, rules)
    except FieldError as error:
        return VerdictProblem(line.number, error.field, str(error))


@dataclass(frozen=True, slots=True)
class _Given:
    """Who said something, when, where it stands, and on which sheet of questions."""

    file_hash: str
    file: str
    line: int
    who: str
    said_at: datetime
    asked_in: str | None


def _row(
    given: _Given,
    item_id: str,
    path: str,
    content_hash: str | None,
    task_name: str,
    answer: Answer,
    rules: VerdictContext,
) -> VerdictRow:
    """A verdict as it is kept."""
    return VerdictRow(
        file_hash=given.file_hash,
        file=given.file,
        line=given.line,
        item_id=item_id,
        path=path,
        content_hash=content_hash,
        task=task_name,
        kind=rules.tasks[task_name].kind,
        verdict=_in_full(answer),
        answer=shown(answer) or "",
        answer_set=_members(answer),
        answer_score=answer if isinstance(answer, float) else None,
        answer_record=record_json(answer) if isinstance(answer, RecordAnswer) else None,
        who=given.who,
        said_at=given.said_at,
        asked_in=given.asked_in,
        policy_hash=rules.policy_hash,
    )


def verdict_row(
    place: str,
    number: int,
    item_id: str,
    path: str,
    content_hash: str | None,
    task: str,
    value: str,
    said_at: datetime,
    rules: VerdictContext,
) -> VerdictRow:
    """The verdict that a manifest row declares about itself.

    ``place`` says where the value stands. Raises FieldError when it is no answer to the task.
    """
    given = _Given(file_hash(place.encode()), place, number, DECLARED_BY, said_at, None)
    answer = _answer(value, rules.tasks[task])
    return _row(given, item_id, path, content_hash, task, answer, rules)


def _is_blank(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _plain(value: Any) -> str:
    """The value as text without spaces around it; empty when it is no text that can be stored."""
    if not isinstance(value, str):
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        return ""
    return value.strip()


def _text(values: Mapping[str, Any], field: str) -> str:
    text = _plain(values[field])
    if not text:
        raise FieldError(
            field, f"must be text that says something (found {one_line(values[field])})"
        )
    return text


def _item(name: str, items: Mapping[str, list[ManifestItem]]) -> ManifestItem:
    candidates = items.get(name, [])
    if not candidates and (damage := mangled(name, _ID_DIGITS)):
        raise FieldError(
            "item",
            f"no item of this home has the id {one_line(name)}: {damage}; give the item's path or "
            "address, or read the file into the spreadsheet with the column item as text",
        )
    if not candidates:
        raise FieldError(
            "item",
            f"no item of this home has the id, address or path {one_line(name)}; if it is new, "
            "run its batch first",
        )
    if len(candidates) > 1:
        named = [f"{one.item_id} ({one.address})" for one in candidates[:_CANDIDATES_SHOWN]]
        more = len(candidates) - len(named)
        rest = f", and {more} more" if more else ""
        raise FieldError(
            "item",
            f"{one_line(name)} may be any of {', '.join(named)}{rest}; give the id or the address",
        )
    return candidates[0]


def _task(name: str, tasks: Mapping[str, TaskConfig]) -> TaskConfig:
    task = tasks.get(name)
    if task is None:
        close = closest_name(name, list(tasks))
        hint = f"did you mean {close!r}?" if close else f"its tasks are {', '.join(tasks)}"
        raise FieldError("task", f"the policy has no task {one_line(name)}; {hint}")
    return task


def _is_left_out(line: VerdictLine, tasks: Mapping[str, TaskConfig]) -> bool:
    """Whether a line says nothing, or that nobody can tell, which no label of its task is."""
    verdict = line.values["verdict"]
    if _is_blank(verdict):
        return True
    text, task = _plain(verdict), tasks.get(_plain(line.values["task"]))
    return cannot_tell(text) and (task is None or text not in task.labels)


def _on_sheet(verdict: Any, cell: Any, task: TaskConfig, held: RecordAnswer | None) -> Answer:
    """The verdict of a sheet: that no answer is right, the answer that is listed under the letter
    which it is, or what it says."""
    if not isinstance(verdict, str) or task.kind is AnswerKind.VECTOR:
        return _answer(verdict, task, held)
    text, choices = _plain(verdict), listed(cell)
    if is_letter(text) and is_damaged(cell):
        raise FieldError(
            CHOICES,
            "the answers do not stand on lines of their own any more, so no letter means one of "
            f"them: write the answer itself as the verdict (found {one_line(text)})",
        )
    if says_none(text) and text not in (*task.labels, *choices):
        return NONE_OF_THEM
    try:
        return _answer(named_answer(text or verdict, choices, task.labels), task, held)
    except LetterError as error:
        raise FieldError("verdict", str(error)) from error


def _answer(value: Any, task: TaskConfig, held: RecordAnswer | None = None) -> Answer:
    text = _plain(value)
    match task.kind:
        case AnswerKind.SCORE:
            return _score(value, task.scale)
        case AnswerKind.SET:
            return _set(value, task.labels)
        case AnswerKind.RECORD:
            try:
                return read_record_verdict(value, task.record_fields, held)
            except RecordVerdictError as error:
                raise FieldError("verdict", str(error)) from error
        case AnswerKind.VECTOR:
            raise FieldError("verdict", "nobody can judge a vector: leave this line out")
        case _:
            if not text:
                raise FieldError("verdict", f"must be text (found {one_line(value)})")
            _in_closed_set(text, task.labels if task.kind is AnswerKind.LABEL else ())
            return text


def _in_closed_set(label: str, labels: Collection[str]) -> None:
    if labels and label not in labels:
        close = closest_name(label, list(labels))
        hint = f"did you mean {close!r}?" if close else f"give one of {', '.join(labels)}"
        raise FieldError("verdict", f"{one_line(label)} is none of the task's labels; {hint}")


def _set(value: Any, labels: Collection[str]) -> tuple[str, ...]:
    given = value.split(";") if isinstance(value, str) else value
    words = [_plain(one) for one in given if not _is_blank(one)] if isinstance(given, list) else []
    if not words or not all(words):
        raise FieldError(
            "verdict", f"must be words separated by ; or a list of words (found {one_line(value)})"
        )
    members = tuple(dict.fromkeys(words))
    for member in members:
        _in_closed_set(member, labels)
    return members


def _score(value: Any, scale: tuple[float, float]) -> float:
    number = math.nan
    low, high = scale
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        text = value.strip().replace("\u2212", "-") if isinstance(value, str) else value
        if isinstance(text, str) and _DECIMAL_COMMA.fullmatch(text):
            _not_thousands(text, scale)
            text = text.replace(",", ".")
        try:
            number = float(text)
        except (ValueError, OverflowError):
            number = math.nan
    if not low <= number <= high:
        raise FieldError(
            "verdict", f"must be a number from {low:g} to {high:g} (found {one_line(value)})"
        )
    return number


def _not_thousands(text: str, scale: tuple[float, float]) -> None:
    """Raises FieldError for a number such as 1,250 that may mean two scores of the scale."""
    low, high = scale
    if _THOUSANDS.fullmatch(text) and low <= (whole := float(text.replace(",", ""))) <= high:
        decimal = float(text.replace(",", "."))
        if low <= decimal <= high:
            raise FieldError(
                "verdict",
                f"may be {whole:g} or {decimal:g} (found {one_line(text)}): write it without comma",
            )


def _when(text: str, now: datetime, order: DateOrder | None) -> datetime:
    try:
        given = _date(text, order, now + _SLACK)
        moment = (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except LocalDateError as error:
        raise FieldError("when", f"{error} (found {one_line(text)})") from error
    except (ValueError, OverflowError) as error:
        raise FieldError(
            "when",
            f"must be a date or time such as 2026-11-24 or 2026-11-24T10:30:00+01:00 (found "
            f"{one_line(text)}); without a zone it is UTC",
        ) from error
    if moment > now + _SLACK:
        raise FieldError("when", f"lies in the future (found {one_line(text)})")
    return moment


def _date(text: str, order: DateOrder | None, latest: datetime) -> datetime:
    """ISO 8601, or as spreadsheets write dates where that can be read in one way only."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return local_date(text, order, latest.astimezone(UTC).replace(tzinfo=None))


def _content(given: Any, item: ManifestItem, said_at: datetime) -> str | None:
    if _is_blank(given):
        return item.content_at(said_at)
    if given not in item.versions.values():
        damage = mangled(given, _HASH_DIGITS) if isinstance(given, str) else None
        if damage:
            raise FieldError(OPTIONAL, f"{damage} (found {one_line(given)}); leave it empty")
        raise FieldError(
            OPTIONAL, f"the item never had this content (found {one_line(given)}); leave it empty"
        )
    return str(given)


def _sheet(given: Any) -> str | None:
    """The name of a sheet; None when it is none, such as the value of somebody's own column."""
    name = _plain(given)
    return name if _SHEET.fullmatch(name) else None


def _members(answer: Answer) -> tuple[str, ...] | None:
    return tuple(str(member) for member in answer) if isinstance(answer, tuple) else None


def _in_full(answer: Answer) -> str:
    if isinstance(answer, RecordAnswer):
        return record_json(answer)
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


_question = attrgetter("item_id", "task")
# what makes two rows one and the same statement: a person who says it twice at once said it once
_statement = attrgetter("item_id", "task", "said_at", "who", "kind", "verdict")
_place = attrgetter("file", "line", "file_hash")


def _order(row: VerdictRow) -> tuple[Any, ...]:
    """The latest comes last; verdicts of one moment are ordered by person, file and line."""
    return (row.said_at, row.who, *_place(row))


def merge(verdicts: Iterable[VerdictRow]) -> Iterator[GoldRow]:
    """One row an item and task: the latest verdict stands, and all of them are kept.

    The result does not depend on the order of the verdicts, nor on how often one is given.
    """
    for _, group in groupby(sorted(_distinct(verdicts), key=_question), key=_question):
        ordered = sorted(group, key=_order)
        last = _with_fields_before(ordered)
        latest = {row.who: row.verdict for row in ordered}
        yield GoldRow(
            item_id=last.item_id,
            path=last.path,
            content_hash=last.content_hash,
            task=last.task,
            kind=last.kind,
            answer=last.answer,
            answer_set=last.answer_set,
            answer_score=last.answer_score,
            answer_record=last.answer_record,
            who=last.who,
            said_at=last.said_at,
            file=last.file,
            line=last.line,
            dissenters=tuple(sorted(w for w, ordered in latest.items() if ordered != last.verdict)),
            history=tuple(
                PastVerdict(
                    r.verdict,
                    r.kind,
                    r.who,
                    r.said_at,
                    r.content_hash,
                    r.file,
                    r.line,
                    r.asked_in,
                )
                for r in ordered
            ),
        )


def _with_fields_before(ordered: Sequence[VerdictRow]) -> VerdictRow:
    """The last verdict; about a record, with what earlier ones say of its other fields."""
    last = ordered[-1]
    if last.answer_record is None:
        return last
    earlier = [record_of(row.answer_record) for row in ordered if row.answer_record is not None]
    record = merged(earlier)
    return replace(last, answer=record_text(record), answer_record=record_json(record))


def _distinct(verdicts: Iterable[VerdictRow]) -> list[VerdictRow]:
    """One row a statement: the one that knows its content and sheet, else of the first file."""
    found: dict[Any, VerdictRow] = {}
    for row in verdicts:
        key = _statement(row)
        found[key] = min(found.get(key, row), row, key=_best_told)
    return list(found.values())


def _best_told(row: VerdictRow) -> tuple[Any, ...]:
    unknown = (row.content_hash is None, row.asked_in is None)
    return (*unknown, *_place(row), row.content_hash or "", row.asked_in or "", row.policy_hash)
