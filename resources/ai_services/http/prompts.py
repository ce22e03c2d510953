"""Prompts: Jinja2 templates from the policy, in a sandbox, where an unknown name is an error."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.services import Prompt

KNOWN: Final = ("task", "labels", "scale", "content", "earlier", "neighbours", "path")
"""What a template may name."""

_environment = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


class PromptError(ValueError):
    """A template that cannot be rendered; the message says where and why."""


@lru_cache(maxsize=256)
def _compiled(source: str) -> jinja2.Template:
    return _environment.from_string(source)


@lru_cache(maxsize=256)
def _parsed(source: str) -> nodes.Template:
    return _environment.parse(source)


@lru_cache(maxsize=256)
def _names(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_parsed(source)))


def names_in(prompt: Prompt) -> frozenset[str]:
    """The names that the templates use."""
    return _names(prompt.system) | _names(prompt.user)


def uses_question(prompt: Prompt) -> bool:
    """Whether the task's question in words is part of the prompt."""
    return any(
        one.attr == "question"
        for source in (prompt.system, prompt.user)
        for one in _parsed(source).find_all(nodes.Getattr)
    )


def problem_in(prompt: Prompt) -> tuple[str, str] | None:
    """Which template cannot be used (``system`` or ``user``), and why."""
    for part in ("system", "user"):
        source = getattr(prompt, part)
        try:
            strangers = meta.find_undeclared_variables(_environment.parse(source)) - set(KNOWN)
        except jinja2.TemplateSyntaxError as error:
            return part, f"line {error.lineno}: {error.message}"
        if strangers:
            names = ", ".join(sorted(strangers))
            return part, f"names {names}, which no prompt knows; known: {', '.join(KNOWN)}"
    return None


def render(prompt: Prompt, values: Mapping[str, Any]) -> tuple[str, str]:
    """System and user message. Raises PromptError."""
    try:
        return _system(prompt, values), _compiled(prompt.user).render(values)
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise PromptError(f"the prompt cannot be rendered: {error}") from error


_OF_THE_ITEM: Final = frozenset({"content", "earlier", "neighbours", "path"})


def _system(prompt: Prompt, values: Mapping[str, Any]) -> str:
    if not prompt.system:
        return ""
    if _names(prompt.system) & _OF_THE_ITEM:
        return _compiled(prompt.system).render(values)
    return _rendered_for_task(prompt.system, values["task"])


@lru_cache(maxsize=256)
def _rendered_for_task(source: str, task: Task) -> str:
    """A message that is the same for every item."""
    values = {"task": task, "labels": task.labels, "scale": task.scale}
    return _compiled(source).render(values)
