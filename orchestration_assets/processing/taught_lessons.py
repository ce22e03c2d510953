"""The lessons and the audits in stored or fresh readings of services and their teachers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.processing.answer_cache import CACHED
from orchestration_assets.schemas.answers import Answer, answer_of
from orchestration_assets.schemas.decoding import column_names, decode, values
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.items import Alternative, Task
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    InterpretationRow,
    accepted_items,
)
from orchestration_assets.services.taught.audit import place_of
from orchestration_assets.services.taught.lessons import TeacherAnswer, same_answer
from orchestration_assets.services.taught.taught_service import (
    AUDIT,
    LESSON,
    SINCE_SUSPENDED,
    TaughtService,
    audited_answer,
    is_audited,
)
from orchestration_assets.services.taught.teaching import MOST_LESSONS
from resources.damage import leaving_out_damage
from resources.home import Home

_MOST_FAILURES: Final = 5
"""A source that failed so often in a row is not asked again: each time may take long."""

ReadText = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class TeacherReading:
    """What of an interpretation tells about lessons and audits."""

    item_id: str
    content_hash: str
    task: str
    service: str
    service_version: str
    final: bool
    saw: tuple[str, ...]
    status: Status
    answer: str | None
    answer_set: tuple[str, ...] | None
    answer_score: float | None
    answer_vector: tuple[float, ...] | None
    answer_record: str | None
    alternatives: tuple[Alternative, ...]
    reason: str | None
    shared_from: str | None


@dataclass(frozen=True, slots=True)
class _Answered:
    """An item that the teacher has answered, with the taught service's reading where there is."""

    teacher: TeacherReading
    own: TeacherReading | None


def _answered(
    rows: Iterable[TeacherReading | InterpretationRow], service: TaughtService, identity: str
) -> Iterator[_Answered]:
    """The items that the teacher, as it is now, answered by itself, in the order of contents.

    Near-copies that share an answer and fallbacks tell nothing of the teacher.
    """
    teacher: dict[str, TeacherReading] = {}
    own: dict[str, TeacherReading] = {}
    for row in rows:
        if row.task != service.config.task or row.shared_from is not None:
            continue
        if row.service == service.name:
            own[row.item_id] = row  # type: ignore[assignment]
        elif row.service == service.config.by and row.service_version == identity:
            unaided = set(row.saw) <= {row.service, service.name}
            if row.final and unaided and row.status in CACHED:
                teacher[row.item_id] = row  # type: ignore[assignment]
    for item, reading in sorted(teacher.items(), key=lambda pair: pair[1].content_hash):
        yield _Answered(reading, own.get(item))


def _counting(
    rows: Iterable[TeacherReading | InterpretationRow],
    service: TaughtService,
    identity: str,
    suspended: bool,
) -> Iterator[_Answered]:
    """Those of the answered items that may count as lessons.

    What the teacher answered before audits told of a drift may be from before the drift.
    """
    for one in _answered(rows, service, identity):
        if not suspended or _is_since_suspension(one.own):
            yield one


def _is_since_suspension(own: TeacherReading | None) -> bool:
    return own is not None and (own.reason or "").startswith(SINCE_SUSPENDED)


def lessons_in(
    rows: Iterable[TeacherReading | InterpretationRow],
    service: TaughtService,
    identity: str,
    read_text: ReadText,
    asked_all: bool = False,
    suspended: bool = False,
    most: int = MOST_LESSONS,
) -> Iterator[TeacherAnswer]:
    """The lessons in the readings of one batch, sampled ones first, in the order of teaching.

    ``identity``: the teacher as it is now. ``asked_all``: the teacher was asked about every item
    that was planned alike, so that each is a sampled one. ``suspended``: the service was suspended
    within the batch, and only what was asked after that counts.
    """
    found = [
        (not (asked_all or _is_sampled(one, service)), _place(service, one), one)
        for one in _counting(rows, service, identity, suspended)
    ]
    found.sort(key=lambda entry: entry[:2])
    count = 0
    for passed_on, _, one in found:
        if count >= most:
            return
        text = read_text(one.teacher.item_id)
        if text is not None:
            count += 1
            answer = _value(one.teacher)
            yield TeacherAnswer(one.teacher.content_hash, text, answer, sampled=not passed_on)


def audits_in(
    rows: Iterable[TeacherReading | InterpretationRow],
    service: TaughtService,
    identity: str,
    task: Task,
) -> dict[float, bool]:
    """Whether the teacher differs, of each audited item, by their places in ascending order."""
    low, high = task.scale
    tolerance = service.config.tolerance * (high - low)
    found = {
        _place(service, one): not same_answer(
            task.kind,
            audited_answer(one.own.alternatives, task.kind),
            _value(one.teacher),
            tolerance,
        )
        for one in _answered(rows, service, identity)
        if one.own is not None and one.own.reason == AUDIT
    }
    return dict(sorted(found.items()))


def _value(reading: TeacherReading) -> Answer | None:
    return answer_of(reading) if reading.status is Status.OK else None


def _place(service: TaughtService, one: _Answered) -> float:
    return place_of(service.name, one.teacher.content_hash)


def _is_sampled(one: _Answered, service: TaughtService) -> bool:
    """Whether the teacher was asked whatever the taught service knew of the item."""
    if one.own is None:
        return False
    if (one.own.reason or "").startswith(LESSON):
        return True
    return is_audited(service.name, one.teacher.content_hash, service.config.audit_share)


def stored_lessons(
    home: Home, service: TaughtService, identity: str, batches: Iterable[str], since: str = ""
) -> list[TeacherAnswer]:
    """The lessons in the readings of ``batches``, of the latest first; one a content.

    ``since``: the batch in which the service was suspended, from which on they count. Content that
    can no longer be read as it was, and batches that cannot, are left out.
    """
    lessons: dict[str, TeacherAnswer] = {}
    for batch in _from(since, batches):
        if len(lessons) >= MOST_LESSONS:
            break
        most, suspended = MOST_LESSONS - len(lessons), batch == since
        with leaving_out_damage():
            for lesson in _of_batch(home, batch, service, identity, suspended, most):
                lessons.setdefault(lesson.content_hash, lesson)
    return list(lessons.values())


def count_sampled(
    home: Home, service: TaughtService, identity: str, batches: Iterable[str], since: str = ""
) -> int:
    """How many sampled lessons are stored, whether or not their content can still be read."""
    contents: set[str] = set()
    for batch in _from(since, batches):
        with leaving_out_damage():
            rows = stored_readings(home, batch, service)
            if not rows:
                continue
            everything = _asked_all(home, batch, service, rows)
            contents |= {
                one.teacher.content_hash
                for one in _counting(rows, service, identity, batch == since)
                if everything or _is_sampled(one, service)
            }
    return len(contents)


def _from(since: str, batches: Iterable[str]) -> list[str]:
    return sorted((batch for batch in batches if batch >= since), reverse=True)


def _of_batch(
    home: Home, batch: str, service: TaughtService, identity: str, suspended: bool, most: int
) -> list[TeacherAnswer]:
    rows = stored_readings(home, batch, service)
    if not any(row.service == service.config.by for row in rows):
        return []
    manifest = home.tables.read(CONTENT_MANIFEST.name, batch)
    with ContentReader(home, home.batches.source(batch)) as reader:
        read = _text_reader(reader, {row.item_id: row for row in accepted_items(manifest)})
        everything = _asked_all(home, batch, service, rows)
        return list(lessons_in(rows, service, identity, read, everything, suspended, most))


def stored_readings(home: Home, batch: str, service: TaughtService) -> list[TeacherReading]:
    """The stored readings of a taught service and its teacher about its task."""
    store = home.tables
    found: list[TeacherReading] = []
    for table in INTERPRETATIONS.values():
        if store.exists(table.name, batch):
            rows = store.read(table.name, batch, list(column_names(TeacherReading)))
            names = pc.is_in(rows["service"], pc.cast([service.name, service.config.by], "string"))
            about = pc.equal(rows["task"], service.config.task)
            found += decode(TeacherReading, rows.filter(pc.and_(names, about)))
    return found


def _asked_all(
    home: Home, batch: str, service: TaughtService, rows: Sequence[TeacherReading]
) -> bool:
    """Whether every planned item of the task has a reading of the teacher in its own right."""
    plans = home.tables.read(PROCESSING_PLANS.name, batch, ["item_id", "task"])
    rows_of = values(plans, "item_id", "task")
    planned = {item for item, task in rows_of if task == service.config.task}
    read = {row.item_id for row in rows if row.service == service.config.by and row.final}
    return planned <= read


def _text_reader(reader: ContentReader, rows: Mapping[str, object]) -> ReadText:
    failures: Counter[str] = Counter()

    def read(item_id: str) -> str | None:
        row = rows.get(item_id)
        if row is None or failures["in a row"] >= _MOST_FAILURES:
            return None
        try:
            text = reader.text(row)  # type: ignore[arg-type]
        except SupersededError:
            return None
        except (ContentError, SourceError):
            failures["in a row"] += 1
            return None
        failures["in a row"] = 0
        return text

    return read
