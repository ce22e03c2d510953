"""The questions about the parts of an item, and the one about what was answered to them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.parts import ItemPart, PartAnswer, PartsBy
from orchestration_assets.text.parts.splitting import parts_of
from orchestration_assets.text.token_estimates import token_estimate


def split_question(question: Question) -> tuple[ItemPart, ...]:
    """The parts that a question of a task with parts is asked of."""
    assert question.task.parts is not None
    item = question.item
    language = str(item.profile.get("language_guess") or "")
    return tuple(parts_of(item.text, question.task.parts, language, question.answers))


def part_question(question: Question, part: ItemPart) -> Question:
    """The question about one part: its text is the content, named by its own hash.

    So its answer is kept for this very text, wherever it stands, and however many parts there are.
    """
    item = question.item
    content = Item(item.item_id, text_hash(part.text), item.path, part.text, item.profile)
    return replace(question, task=part_task(question.task), item=content, part=part)


def part_questions(question: Question) -> list[Question]:
    """The questions that one to a service comes to: about each part, or the question itself."""
    if question.task.parts is None:
        return [question]
    parts = split_question(question)[: question.task.parts.at_most]
    return [part_question(question, part) for part in parts]


def are_known_beforehand(task: Task) -> bool:
    """Whether its parts hang on the content alone, not on answers to other tasks."""
    return task.parts is None or task.parts.by is not PartsBy.ENTRIES


@lru_cache(maxsize=64)
def part_task(task: Task) -> Task:
    """The task as it is asked of a part.

    What must hold of the whole record need not hold of a part: no field is required, and no rule
    asks for the answer again.
    """
    fields = tuple(replace(field, required=False) for field in task.fields)
    return replace(task, parts=None, fields=fields, value_rules=())


def join_question(question: Question, answers: Sequence[PartAnswer]) -> Question:
    """The question to a service that joins: its content is what was answered about the parts."""
    item, text = question.item, "\n\n".join(map(_as_text, answers))
    content = Item(item.item_id, text_hash(text), item.path, text, item.profile)
    task = replace(question.task, parts=None)
    return replace(question, task=task, item=content, parts=tuple(answers), earlier=())


def join_groups(answers: Sequence[PartAnswer], tokens: int) -> list[list[PartAnswer]]:
    """The answers in groups, in their order, each of at most so many estimated tokens together; an
    answer that has more is a group by itself."""
    groups: list[list[PartAnswer]] = []
    left = 0
    for answer in answers:
        takes = token_estimate(_as_text(answer)) + 1
        if not groups or takes > left:
            groups.append([])
            left = tokens
        groups[-1].append(answer)
        left -= takes
    return groups


def group_answer(group: Sequence[PartAnswer], number: int, of: int, reading: Reading) -> PartAnswer:
    """What a group was joined to, as one answer to be joined with those of the others."""
    first, last = group[0], group[-1]
    heading = f"{first.heading or first.number} to {last.heading or last.number}"
    return PartAnswer(number, of, heading, reading.status, reading.answer)


def _as_text(answer: PartAnswer) -> str:
    heading = f": {answer.heading}" if answer.heading else ""
    said = shown(answer.answer) or f"no answer ({answer.status})"
    return f"Part {answer.number} of {answer.of}{heading}\n{said}"


def text_hash(text: str) -> str:
    """128 bits of blake2b over a text, hex: what names contents."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
