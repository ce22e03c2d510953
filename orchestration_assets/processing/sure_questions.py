"""Which questions a plan asks whatever its services answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestration_assets.processing.iterative import question_of_round
from orchestration_assets.processing.part_questions import are_known_beforehand, part_questions
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.items import Question, Task
from orchestration_assets.schemas.policy import Choice, Rounds


def sure_questions(
    choice: Choice, question: Question, tasks: Mapping[str, Task]
) -> list[tuple[str, Question]]:
    """The services that are asked in any case and shown no answer, each with its question.

    Of an iterative choice these are the questions of its first round, which need the text of the
    item: see :func:`reads_in_rounds`.
    """
    if choice.route is not None:
        return [(choice.route.service, replace(question, task=tasks[choice.route.task]))]
    if reads_in_rounds(choice):
        question = question_of_round(choice.rounds or Rounds(), 0, question, [])
    return [(service, question) for service in _sure_services(choice)]


def sure_part_questions(
    choice: Choice, question: Question, tasks: Mapping[str, Task]
) -> list[tuple[str, Question]]:
    """The sure questions as they reach services: about parts, where the task has any.

    Those about entries of a list that is not answered yet are left out.
    """
    by_task: dict[str, list[Question]] = {}
    found: list[tuple[str, Question]] = []
    for service, asked in sure_questions(choice, question, tasks):
        if not (are_known_beforehand(asked.task) or asked.answers):
            continue
        if asked.task.name not in by_task:
            by_task[asked.task.name] = part_questions(asked)
        found += [(service, one) for one in by_task[asked.task.name]]
    return found


def reads_in_rounds(choice: Choice) -> bool:
    """Whether the first questions of the choice are about a part of the content."""
    in_rounds = choice.model is ProcessingModel.ITERATIVE and choice.panel is None
    return choice.route is None and in_rounds


def _sure_services(choice: Choice) -> Sequence[str]:
    if choice.model is ProcessingModel.HYBRID:
        return [service for service in choice.services if not choice.after.get(service)]
    if choice.model is ProcessingModel.SEQUENTIAL and choice.chain:
        return choice.services[:1]
    if choice.model is ProcessingModel.SEQUENTIAL and choice.stop_at is not None:
        return choice.services[: max(choice.min_readings, 1)]
    return choice.services
