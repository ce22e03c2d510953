"""Prompts: Jinja2 templates from the policy, in a sandbox, where an unknown name is an error."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.parts import PART_FACTS
from orchestration_assets.schemas.services import Prompt
from orchestration_assets.schemas.variables import looks_like_secret
from orchestration_assets.text.prompts.sandbox import (
    PromptEnvironment,
    RenderBudget,
    budget_for,
    node_count,
)
from orchestration_assets.text.prompts.sandbox import render as _render
from orchestration_assets.text.replies.record_schema import fields_in_words

VARIABLES: Final = (
    *("task", "labels", "scale", "fields", "content", "earlier", "neighbours", "path", "answers"),
    *("part", "parts", "passages", "memory"),
)
"""The variables of a template."""

_environment = PromptEnvironment()


class PromptError(ValueError):
    """A template cannot be rendered; the message says where and why."""


@lru_cache(maxsize=256)
def _compiled(source: str) -> jinja2.Template:
    return _environment.compiled(_environment.checked(source))


@lru_cache(maxsize=256)
def _parsed(source: str) -> nodes.Template:
    try:
        return _environment.checked(source)
    except jinja2.TemplateError as error:
        raise PromptError(f"the prompt cannot be read: {error}") from error


@lru_cache(maxsize=256)
def _variables(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_parsed(source)))


def variables_in(prompt: Prompt) -> frozenset[str]:
    """The variables that the templates of a prompt use."""
    return _variables(prompt.system) | _variables(prompt.user)


def answers_named(prompt: Prompt) -> dict[str, frozenset[str]]:
    """Template (``system`` or ``user``) -> the tasks whose answers it names one by one."""
    return {
        part: _answers_named(getattr(prompt, part))
        for part in ("system", "user")
        if _answers_named(getattr(prompt, part))
    }


@lru_cache(maxsize=256)
def _answers_named(source: str) -> frozenset[str]:
    found = {
        node.attr for node in _parsed(source).find_all(nodes.Getattr) if _is_answers(node.node)
    }
    for node in _parsed(source).find_all(nodes.Getitem):
        if _is_answers(node.node) and isinstance(node.arg, nodes.Const):
            found.add(str(node.arg.value))
    return frozenset(found)


def _is_answers(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "answers"


def part_facts_named(prompt: Prompt) -> frozenset[str]:
    """What the prompt shows of a part beside its text: all of it where it does not name each."""
    found: set[str] = set()
    for source in (prompt.system, prompt.user):
        uses = [node for node in _parsed(source).find_all(nodes.Name) if node.name == "part"]
        named = {
            node.attr
            for node in _parsed(source).find_all(nodes.Getattr)
            if isinstance(node.node, nodes.Name) and node.node.name == "part"
        }
        counted = sum(
            isinstance(node.node, nodes.Name) and node.node.name == "part"
            for node in _parsed(source).find_all(nodes.Getattr)
        )
        found |= named if counted == len(uses) else set(PART_FACTS)
    return frozenset(found & set(PART_FACTS))


def uses_question(prompt: Prompt) -> bool:
    """Whether the prompt shows the task's question."""
    return any(
        attribute.attr == "question"
        for source in (prompt.system, prompt.user)
        for attribute in _parsed(source).find_all(nodes.Getattr)
    )


class PromptTrial:
    """Checks the prompts of one policy by rendering each once, within one shared budget."""

    def __init__(self) -> None:
        self._left = RenderBudget(_TRIAL_STEPS, _TRIAL_CHARACTERS)
        self._nodes = _TRIAL_NODES

    def problem_of(self, prompt: Prompt) -> tuple[str, str] | None:
        """The template (``system`` or ``user``) that cannot be used, and why; None if both can."""
        for part in ("system", "user"):
            try:
                if (words := self._problem(getattr(prompt, part))) is not None:
                    return part, words
            except jinja2.TemplateSyntaxError as error:
                return part, f"line {error.lineno}: {_one_line(error.message or '')}"
            except _RENDER_ERRORS as error:
                return part, f"cannot be rendered: {_one_line(str(error))}"
        return None

    def _problem(self, source: str) -> str | None:
        tree = _environment.checked(source)
        self._nodes -= node_count(tree)
        if self._nodes < 0:
            return "is one too many: the prompts of this policy are too complex in all"
        if strangers := meta.find_undeclared_variables(tree) - set(VARIABLES):
            names = ", ".join(sorted(strangers))
            return f"names {_one_line(names)}, which no prompt knows; known: {', '.join(VARIABLES)}"
        budget = budget_for(_SAMPLE)
        before = budget.steps, budget.characters
        try:
            _render(_compiled(source), _SAMPLE, budget)
        finally:
            self._left.step(before[0] - budget.steps)
            self._left.make(before[1] - budget.characters)
        return None


_TRIAL_NODES: Final = 10_000
_TRIAL_STEPS: Final = 200_000
_TRIAL_CHARACTERS: Final = 20_000_000
_RENDER_ERRORS: Final = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)


def _one_line(message: str) -> str:
    """A message without words that may be secrets in the template that it quotes."""
    words = (
        _ELLIPSIS if looks_like_secret(word.strip("'\",.:")) else word for word in message.split()
    )
    return " ".join(words)[:200]


_ELLIPSIS: Final = "..."


class _SampleAnswer(str):
    """An answer of any kind: it is a text, and has every field."""

    def __getitem__(self, key: Any) -> str:
        return "value" if isinstance(key, str) else super().__getitem__(key)


class _SampleAnswers(dict[str, str]):
    """Answers to whatever task is named; which there are is checked for each task."""

    def __missing__(self, task: str) -> str:
        return _SampleAnswer("label 1")


_LABELS: Final = tuple(f"label {number}" for number in range(1, 13))
_SAMPLE: Final[Mapping[str, Any]] = {
    "task": Task("sample", "1", AnswerKind.LABEL, _LABELS, question="What is it?"),
    "labels": _LABELS,
    "fields": "- number (text)\n- total (number)",
    "scale": (0.0, 1.0),
    "content": "Some content.\nIts second line.\n" * 20,
    "earlier": tuple(
        {"service": f"service_{n}", "answer": "label 1", "confidence": 0.5} for n in range(6)
    ),
    "neighbours": tuple(
        {"content": "near", "answer": "label 1", "similarity": 0.9, "path": f"near/{n}.txt"}
        for n in range(6)
    ),
    "passages": tuple(
        {"number": n, "content": "said", "document": f"{n}.md", "heading": "It", "corpus": "book"}
        for n in range(1, 7)
    ),
    "memory": {
        **dict.fromkeys(
            ("core", "facts", "summary", "events", "recent"),
            tuple({"text": "said", "number": n, "speaker": "Ada"} for n in range(1, 7)),
        ),
        "speaker": "Ada",
        "text": "Latest messages:\n[1] Ada: said\n" * 20,
    },
    "path": "folder/file.txt",
    "answers": _SampleAnswers(sample=_SampleAnswer("label 1")),
    "part": {"number": 2, "of": 6, "heading": "Terms"},
    "parts": tuple(
        {"number": n, "of": 6, "heading": "Terms", "answer": "label 1"} for n in range(1, 7)
    ),
}


def render(prompt: Prompt, values: Mapping[str, Any]) -> tuple[str, str]:
    """System and user message. Raises PromptError."""
    try:
        budget = budget_for(values)
        return _system(prompt, values, budget), _rendered(prompt.user, values, budget)
    except _RENDER_ERRORS as error:
        raise PromptError(f"the prompt cannot be rendered: {error}") from error


_ITEM_VARIABLES: Final = frozenset(
    {"content", "earlier", "neighbours", "path", "answers", "passages", "memory"}
)


def _system(prompt: Prompt, values: Mapping[str, Any], budget: RenderBudget) -> str:
    if not prompt.system:
        return ""
    if _variables(prompt.system) & _ITEM_VARIABLES:
        return _rendered(prompt.system, values, budget)
    task: Task = values["task"]
    # by identity: to hash a task takes as long as to render some messages
    kept = _messages.get((prompt.system, id(task)))
    if kept is None or kept[0] is not task:
        if len(_messages) >= _MOST_MESSAGES:
            _messages.clear()
        kept = task, _rendered_for_task(prompt.system, task)
        _messages[prompt.system, id(task)] = kept
    return kept[1]


_MOST_MESSAGES: Final = 256
_messages: dict[tuple[str, int], tuple[Task, str]] = {}
"""System messages that are the same for every item of a task, which is kept beside them."""


def _rendered(source: str, values: Mapping[str, Any], budget: RenderBudget) -> str:
    """The text of a template; one that only puts texts together needs no engine for it."""
    pieces = _texts_and_names(source)
    if pieces is None:
        return _render(_compiled(source), values, budget)
    texts: list[str] = []
    for text, name in pieces:
        value = text if name is None else values.get(name)
        if not isinstance(value, str):
            return _render(_compiled(source), values, budget)
        texts.append(value)
    budget.make(sum(map(len, texts)))
    return "".join(texts)


@lru_cache(maxsize=256)
def _texts_and_names(source: str) -> tuple[tuple[str, str | None], ...] | None:
    """A template as its texts, and the names of variables between them; None for any other."""
    pieces: list[tuple[str, str | None]] = []
    for output in _parsed(source).body:
        for node in output.nodes if isinstance(output, nodes.Output) else (output,):
            if isinstance(node, nodes.TemplateData):
                pieces.append((node.data, None))
            elif isinstance(node, nodes.Name):
                pieces.append(("", node.name))
            else:
                return None
    return tuple(pieces)


@lru_cache(maxsize=256)
def _rendered_for_task(source: str, task: Task) -> str:
    """A message that is the same for every item."""
    values = {
        "task": task,
        "labels": task.labels,
        "fields": fields_in_words(task.fields),
        "scale": task.scale,
    }
    return _render(_compiled(source), values, budget_for(values))
