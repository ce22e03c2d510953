"""Questions as the tests of the embedded services ask them."""

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Task
from resources.ai_services.content_types import CONTENT_TYPES
from resources.ai_services.natural_languages import NATURAL_LANGUAGES

TASKS = {
    "content_type": Task("content_type", "1", AnswerKind.LABEL, CONTENT_TYPES),
    "natural_language": Task("natural_language", "1", AnswerKind.LABEL, NATURAL_LANGUAGES),
}
TASK_OF = {
    "extension_map": "content_type",
    "grammar": "content_type",
    "magika": "content_type",
    "langid": "natural_language",
    "stopwords": "natural_language",
}


def question(task: str, text: str, path: str = "withheld", family: str = "prose") -> Question:
    return Question(TASKS[task], Item("item", "hash", path, text, {"family": family}))
