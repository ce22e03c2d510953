"""Questions as the tests of the embedded services ask them."""

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.record_fields import PLAIN_ENTRY, FieldType, RecordField
from orchestration_assets.services.content_type.content_types import CONTENT_TYPES
from orchestration_assets.services.language.natural_languages import NATURAL_LANGUAGES
from orchestration_assets.services.registry import load_embedded

FACTS = (
    RecordField("title", FieldType.TEXT),
    RecordField("date", FieldType.DATE),
    RecordField("total", FieldType.NUMBER, unit="EUR"),
    RecordField("paid", FieldType.BOOLEAN),
    RecordField("status", FieldType.LABEL, labels=("draft", "final")),
    RecordField("people", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
    RecordField("links", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
    RecordField("identifiers", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
    RecordField(
        "lines",
        FieldType.LIST,
        fields=(RecordField("item", FieldType.TEXT), RecordField("amount", FieldType.NUMBER)),
    ),
    RecordField(
        "functions",
        FieldType.LIST,
        fields=(
            RecordField("name", FieldType.TEXT),
            RecordField("parameters", FieldType.TEXT),
            RecordField("description", FieldType.TEXT),
        ),
    ),
)
TASKS = {
    "content_type": Task("content_type", "1", AnswerKind.LABEL, CONTENT_TYPES),
    "natural_language": Task("natural_language", "1", AnswerKind.LABEL, NATURAL_LANGUAGES),
    "topic": Task("topic", "1", AnswerKind.LABEL, ("storage", "travel")),
    "keywords": Task("keywords", "1", AnswerKind.SET),
    "title": Task("title", "1", AnswerKind.TEXT),
    "tone": Task("tone", "1", AnswerKind.SCORE, scale=(-1.0, 1.0)),
    "embedding": Task("embedding", "1", AnswerKind.VECTOR),
    "facts": Task("facts", "1", AnswerKind.RECORD, fields=FACTS, quotes=True),
}
TASK_OF = {
    "extension_map": "content_type",
    "grammar": "content_type",
    "magika": "content_type",
    "langid": "natural_language",
    "stopwords": "natural_language",
    "tfidf_keywords": "keywords",
    "graph_keywords": "keywords",
    "declared_title": "title",
    "central_sentence": "title",
    "title_judge": "title",
    "vader_tone": "tone",
    "adjective_tone": "tone",
    "word_hashing": "embedding",
    "ngram_hashing": "embedding",
    "semantic_embedding": "embedding",
    "word_labels": "topic",
    "example_labels": "topic",
    "labelled_values": "facts",
    "found_facts": "facts",
    "declared_facts": "facts",
}
# what the services that need parameters are given
PARAMETERS = {
    "word_labels": {"labels": {"storage": ["archive", "backup"], "travel": ["train", "hotel"]}},
    "example_labels": {
        "examples": {
            "storage": ["The archive keeps old records for years."],
            "travel": ["The train to the hotel was late again."],
        }
    },
}
# a judge is shown what these said
JUDGED = {"title_judge": ("declared_title", "central_sentence")}


def question(
    task: str,
    text: str,
    path: str = "withheld",
    family: str = "prose",
    earlier: tuple[tuple[str, Reading], ...] = (),
) -> Question:
    item = Item("item", "hash", path, text, {"family": family})
    return Question(TASKS[task], item, earlier)


def question_for(
    service: str, text: str, path: str = "withheld", family: str = "prose"
) -> Question:
    """The question that ``service`` is there for; a judge's comes after what it judges."""
    task = TASK_OF[service]
    asked = question(task, text, path, family)
    judged = tuple(
        (name, load_embedded(name, PARAMETERS.get(name)).answer(asked))
        for name in JUDGED.get(service, ())
    )
    return question(task, text, path, family, judged)


def ask(service: str, text: str, family: str = "prose") -> Reading:
    return load_embedded(service, PARAMETERS.get(service)).answer(
        question_for(service, text, family=family)
    )
