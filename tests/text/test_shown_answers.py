"""Answers to other tasks in a prompt: redacted, cut, and empty where there is none."""

import pytest

from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.services import Prompt
from orchestration_assets.text.prompts.shown_answers import shown_answers
from orchestration_assets.text.prompts.templates import PromptTrial
from resources.ai_services.http.chat import ChatService
from tests.ai_services.http.samples import chat

TASK = Task("t", "1", AnswerKind.LABEL, ("a", "b"))
ITEM = Item("i", "hash", "i.txt", "Some content.")
SECRET = "write to ada@example.org"


def asked(service: ChatService, **fields) -> str:
    request = service.prepare([Question(TASK, ITEM, **fields)])
    return request.body["messages"][0]["content"]


def test_answers_are_redacted_and_share_the_tokens_alike() -> None:
    record = RecordAnswer((("total", 12.5), ("who", SECRET), ("paid", True)))
    kinds = chat("http://127.0.0.1:9/v1").guard.redact
    found = shown_answers([("bill", record), ("mood", 0.25), ("none", None)], kinds, 1000)
    assert found.by_task["bill"]["total"] == "12.5"
    assert "ada@example.org" not in str(found.by_task["bill"])
    assert sum(sum(one.values()) for one in found.redacted) == 1
    assert (found.by_task["mood"], str(found.by_task["none"])) == ("0.25", "")
    assert found.by_task["none"]["total"] == found.by_task["bill"]["due"] == ""
    long = shown_answers([("words", "many words " * 4000), ("short", "few")], kinds, 200)
    assert long.cut == 1
    assert len(str(long.by_task["words"])) < 1000
    assert long.by_task["short"] == "few"


def test_a_prompt_shows_what_it_names_and_its_key_depends_on_it() -> None:
    text = "{{ answers.bill.total }}/{{ answers.bill }}/{{ answers.letter }}/{{ content }}"
    shows = ChatService("m", chat("http://127.0.0.1:9/v1", prompt={"user": text}))
    plain = ChatService("m", chat("http://127.0.0.1:9/v1", prompt={"user": "{{ content }}"}))
    bill = ("bill", RecordAnswer((("total", 12.5),)))
    one, other = (bill, ("letter", "invoice")), (bill, ("letter", "reminder"))
    assert asked(shows, answers=one).startswith("12.5/total: 12.5/invoice/Some content.")
    questions = [Question(TASK, ITEM, answers=answers) for answers in ((), one, other)]
    assert len({answer_key(question, shows) for question in questions}) == 3
    # whoever shows no answers is asked the same
    assert len({answer_key(question, plain) for question in questions}) == 1


@pytest.mark.parametrize("name", ["title", "items", "values", "count", "get", "format", "index"])
@pytest.mark.parametrize("task", ["bill", "items"])
def test_fields_and_tasks_may_bear_the_names_of_methods(task, name) -> None:
    field = f"answers.{task}.{name}"
    template = f"{{{{ {field} }}}}, {{{{ {field} | upper }}}}, {{{{ {field}.title() }}}}: "
    prompt = Prompt(user=template + "{% for one in 'ab' %}{{ loop.index }}{% endfor %}/")
    assert PromptTrial().problem_of(prompt) is None
    shows = ChatService("m", chat("http://127.0.0.1:9/v1", prompt=prompt.model_dump()))
    given = (task, RecordAnswer(((name, "what it says"),)))
    expected = "what it says, WHAT IT SAYS, What It Says: 12/"
    assert asked(shows, answers=(given,)).startswith(expected)
    lacking = (task, RecordAnswer((("other", "said"),)))
    assert asked(shows, answers=(lacking,)).startswith(", , : 12/")
