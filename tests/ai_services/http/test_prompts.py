"""Prompts render what people write in them, and end soon whatever else they hold."""

from collections.abc import Callable

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.services import Prompt
from orchestration_assets.text.prompts import sandbox
from orchestration_assets.text.prompts.sandbox import budget_for
from orchestration_assets.text.prompts.templates import (
    PromptError,
    PromptTrial,
    _compiled,
    render,
)

LABELS = ("a", "b", "c")
VALUES = {
    "task": Task("t", "1", AnswerKind.LABEL, LABELS, question="Which?"),
    "labels": LABELS,
    "scale": (0.0, 1.0),
    "content": "One line.\nAnother.",
    "earlier": ({"service": "s", "answer": "a", "confidence": 0.5},),
    "neighbours": (
        {"content": "x", "answer": "a", "similarity": 0.9, "path": "p"},
        {"content": "y", "answer": "b", "similarity": 0.8, "path": "q"},
    ),
    "path": "folder/file.txt",
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ task.question }} {{ labels | join(', ') }}", "Which? a, b, c"),
        (
            "{% for n in neighbours %}{{ loop.index }}{{ n.content ~ n['answer'] }}{% endfor %}",
            "1xa2yb",
        ),
        ("{% for n in neighbours if n.answer == 'b' %}{{ n.content }}{% else %}-{% endfor %}", "y"),
        ("{% for a in labels %}{{ a }}{{ ', ' if not loop.last }}{% endfor %}", "a, b, c"),
        ("{% for a in labels %}{{ loop.length }}{{ loop.cycle('x', 'y') }}{% endfor %}", "3x3y3x"),
        (
            "{% for a in labels %}{{ a.upper() }}{{ '-'.join(labels[:2]) }}{% endfor %}",
            "Aa-bBa-bCa-b",
        ),
        ("{% for a, b in [('x', 1), ('y', 2)] %}{{ a }}{{ b }}{% endfor %}", "x1y2"),
        ("{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "x1"),
        ("{{ content[:3] }}{{ content.split('\n')[1] }}", "OneAnother."),
        ("{{ content | replace('line', 'word') | upper | trim }}", "ONE WORD.\nANOTHER."),
        ("{{ content.replace('\n', ' ') }} {{ '-'.join(labels) }}", "One line. Another. a-b-c"),
        ("{{ neighbours | map(attribute='answer') | unique | join('+') }}", "a+b"),
        ("{{ neighbours | selectattr('answer', 'equalto', 'b') | list | length }}", "1"),
        ("{{ labels | tojson }} {{ labels }}", "[\"a\", \"b\", \"c\"] ('a', 'b', 'c')"),
        ("{% set n = labels | length %}{{ n * 2 + 1 }} {{ 7 % 4 }} {{ 2 ** 10 }}", "7 3 1024"),
        ("{% if path.endswith('.txt') and 'a' in labels %}yes{% endif %}", "yes"),
        ("{{ content | indent(2) }}", "One line.\n  Another."),
        ("{{ scale[0] }} {{ 2.345 | round(1) }} {{ [3, 1, 2] | sort | first }}", "0.0 2.3 1"),
        ("{% raw %}{{ x }}{% endraw %} 100 %", "{{ x }} 100 %"),
        ("{{ earlier[0].answer }} {{ earlier | length }}", "a 1"),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
        ("{{ content | wordcount }} {{ content | truncate(8) }}", "3 One..."),
    ],
)
def test_a_prompt_shows_what_it_names(template, text) -> None:
    assert render(Prompt(user=template), VALUES) == ("", text)
    assert PromptTrial().problem_of(Prompt(user=template)) is None


DOUBLING = "{% set x = content %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}"
NESTED = "{% set x = [1] %}{% set y = [1] %}" + "{% set x = [x, x] %}{% set y = [y, y] %}" * 60


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in labels %}" * 12 + "{{ i }}" + "{% endfor %}" * 12,
        "{% for i in range(50000) %}" + "z" * 90_000 + "{% endfor %}",
        "{% for i in range(40000) %}{{ (content ~ 'a') in content }}{% endfor %}",
        "{% for i in range(40000) %}" + "{{ 1 if 1 == 2 else 3 }}" * 100 + "{% endfor %}",
        "{{ content * 10**9 }}",
        "{{ [1] * 10**9 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% set x = 9 ** 15 %}{{ x * x }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'a'.center(10**9) }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ 'a' | center(10**9) }}",
        "{{ content | indent(10**9) }}",
        "{{ labels | tojson(indent=10**9) }}",
        "{{ 1.5 | round(10**9) }}",
        "{{ labels | batch(10**9, 'x') | list }}",
        "{{ lipsum(n=10**9) }}",
        "{{ cycler(1) }}",
        "{{ content | random }}",
        "{{ content" + (" | replace('', content)" * 8) + " }}",
        "{{ content" + (" | list | join(content)" * 8) + " }}",
        "{{ range(40000) | map('string') | list }}",
        "{{ [[1]] | sum(start=[]) }}",
        DOUBLING,
        DOUBLING.replace("~", "+"),
        NESTED + "{{ x }}",
        NESTED + "{{ x | string }}",
        NESTED + "{{ x | tojson }}",
        NESTED + "{{ x == y }}",
        NESTED + "{{ [x, y] | sort }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ content['__class__'] }}",
        "{{ content | attr('__class__') }}",
        "{{ self._TemplateReference__context }}",
        "{{ content.upper }}",
        "{{ labels | map('upper') }}",
        "{{ loop }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% set x %}{{ content }}{% endset %}",
        "{% filter upper %}x{% endfilter %}",
        "{% for i in labels recursive %}{{ loop(labels) }}{% endfor %}",
        "{% set _budget = 1 %}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "[" * 3000 + "1" + "]" * 3000 + " }}",
        "{{ " + "content + " * 3000 + "content }}",
        "{{ content" + " | upper" * 3000 + " }}",
        "{{ content" + ".a" * 3000 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{{ " + "1 if content else " * 300 + "1 }}",
        "{% if labels %}" * 300 + "x" + "{% endif %}" * 300,
        "{{ content }}" * 3000,
        "x" * 300_000,
        "{{ " + "9" * 5000 + " }}",
        "{{ 1 % 0 }}",
        "{{ content | nosuch }}",
        "{{ content is nosuch }}",
        "{{ task.nosuch }}",
        "{{ nosuch }}",
        "{{",
        "{%",
        "{# x",
    ],
)
def test_a_prompt_that_would_run_long_grow_or_look_inside_is_refused_and_never_rendered(
    template,
) -> None:
    found = PromptTrial().problem_of(Prompt(user=template))
    assert found is not None
    part, words = found
    assert part == "user"
    assert words.isprintable()
    assert len(words) < 300
    with pytest.raises(PromptError):
        render(Prompt(user=template), VALUES)


def test_what_content_holds_is_shown_and_not_rendered() -> None:
    values = VALUES | {"content": "{{ 9 ** 9 ** 9 }}{% for i in range(9) %}"}
    assert render(Prompt(user="{{ content }}"), values) == ("", values["content"])


def test_a_large_content_has_room() -> None:
    values = VALUES | {"content": "word " * 2_000_000}
    _, text = render(Prompt(user="{{ content }}\n{{ content | upper | trim }}"), values)
    assert len(text) > 19_000_000


def test_many_labels_have_room() -> None:
    values = VALUES | {"labels": tuple(f"label {n}" for n in range(20_000))}
    _, text = render(Prompt(user="{% for one in labels %}{{ one }};{% endfor %}"), values)
    assert text.count(";") == 20_000


def test_the_prompts_of_one_policy_share_a_bound() -> None:
    trial = PromptTrial()
    busy = "{% for i in range(9000) %}{% endfor %}"
    found = [trial.problem_of(Prompt(user=busy + "x" * n)) for n in range(40)]
    assert found[0] is None
    assert found[-1] is not None


def test_a_secret_in_a_prompt_is_not_repeated() -> None:
    secret = "sk_live_Zq8vT3nW5xK1mB7cD9"
    for template in (f"{{{{ {secret} }}}}", f"{{{{ content.{secret} }}}}", f"{{{{ 1 {secret} }}}}"):
        found = PromptTrial().problem_of(Prompt(user=template))
        assert found is not None
        assert secret not in found[1]


PIECES = st.sampled_from(
    (
        "{{ content }}",
        "{{path}}",
        "{{ labels }}",
        "a text",
        "\n",
        "  ",
        "{# note #}",
        "{{ nobody }}",
    )
)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_a_template_that_puts_texts_together_gives_what_the_engine_gives(source) -> None:
    def by_engine() -> str:
        budget = budget_for(VALUES)
        return sandbox.render(_compiled(source), VALUES, budget)

    def outcome(rendered: Callable[[], str]) -> str:
        try:
            return rendered()
        except (jinja2.TemplateError, PromptError) as error:
            return str(error).removeprefix("the prompt cannot be rendered: ")

    prompt = Prompt(user=source or "x")
    expected = outcome(by_engine) if source else "x"
    assert outcome(lambda: render(prompt, VALUES)[1]) == expected
