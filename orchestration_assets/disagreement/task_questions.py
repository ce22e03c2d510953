"""What a task asks for, in words, for the people who answer it too."""

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task


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
            return f"values of: {', '.join(field.name for field in task.fields)}"
        case AnswerKind.VECTOR:
            return "a vector; nobody can judge it"
