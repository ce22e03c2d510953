"""What a task asks for, in words, for the people who answer it too."""

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_fields import FieldType


def allowed_answers(task: Task) -> str:
    """The answers that a task admits, such as ``one of: a, b, c`` or ``a number from -1 to 1``."""
    labels = ", ".join(task.labels)
    match task.kind:
        case AnswerKind.LABEL:
            return f"one of: {labels}" if labels else "any label"
        case AnswerKind.SET:
            return f"some of: {labels}" if labels else "a list of words or phrases"
        case AnswerKind.SCORE:
            low, high = task.scale
            return f"a number from {low:g} to {high:g}"
        case AnswerKind.TEXT:
            return "one text"
        case AnswerKind.RECORD:
            return f"values of: {', '.join(field.name for field in task.fields)}{_of_entries(task)}"
        case AnswerKind.VECTOR:
            return "a vector; nobody can judge it"


def _of_entries(task: Task) -> str:
    """How single entries of the first list are named, where there is one."""
    for field in task.fields:
        if field.type is FieldType.LIST:
            part = "" if field.plain else f".{field.fields[0].name}"
            return f"; single entries as {field.name}[0]{part}, a missing one {field.name}[+]"
    return ""
