"""Templates of values: ``!template`` texts, rendered when all files of a policy are merged.

They see ``env``, the environment variables that their file lists under ``variables``, and
``environment``, the name of the chosen environment. Prompts are templates of another kind: they
are rendered for every item, and a plain text of the policy is never rendered here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes

from orchestration_assets.policy.problems import closest_name, safe_key
from orchestration_assets.schemas.pasted_secrets import holds_secret
from orchestration_assets.schemas.variables import looks_like_secret
from orchestration_assets.text.prompts.sandbox import PromptEnvironment, RenderBudget, render

MAX_CHARACTERS: Final = 20_000
_ENV: Final = "env"
_ENVIRONMENT: Final = "environment"
_NUMBERS: Final[Mapping[str, type]] = {"int": int, "float": float}
_BUDGET: Final = (2_000, 4 * MAX_CHARACTERS)
_ERRORS: Final = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)


class ValueTemplateError(ValueError):
    """A template of a value cannot be rendered; the message holds no variable's value."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template yields, and the variables that it read."""

    value: str | int | float
    variables: tuple[str, ...]


def rendered(
    text: str,
    allowed: frozenset[str],
    variables: Mapping[str, str],
    environment: str | None,
) -> Rendered:
    """The value of a template. It is text, or a number where it ends in ``| int`` or ``| float``.

    ``allowed`` are the names that it may read of ``variables``. Raises ValueTemplateError.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueTemplateError(f"is longer than {MAX_CHARACTERS} characters")
    sandbox = PromptEnvironment()
    try:
        tree = sandbox.checked(text)
    except jinja2.TemplateSyntaxError as error:
        raise ValueTemplateError(
            f"the template cannot be read: line {error.lineno} of it: {_short(error.message)}"
        ) from error
    except jinja2.TemplateError as error:
        raise ValueTemplateError(f"the template cannot be read: {_short(error.message)}") from error
    names = _names_read(tree)
    _require_allowed(names, allowed)
    env = {name: variables[name] for name in names if name in variables}
    for name, value in env.items():
        if holds_secret(value):
            raise ValueTemplateError(
                f"what {name} holds looks secret, and policies are shown and kept: name the "
                "variable in api_key_env or header_env of the service instead"
            )
    number = _as_number(tree)
    given: dict[str, Any] = {_ENV: env}
    if environment is not None:
        given[_ENVIRONMENT] = environment
    try:
        made = render(sandbox.compiled(tree), given, RenderBudget(*_BUDGET))
    except jinja2.UndefinedError as error:
        raise ValueTemplateError(_what_is_missing(names, env, environment)) from error
    except _ERRORS as error:
        # what the error quotes may come from a variable
        raise ValueTemplateError(
            f"the template cannot be rendered: {type(error).__name__}"
            + (f", {error.message}" if isinstance(error, jinja2.TemplateError) else "")
        ) from error
    if number is None:
        return Rendered(made, names)
    try:
        return Rendered(_NUMBERS[number](made.strip()), names)
    except (ValueError, OverflowError) as error:
        kind = "a whole number" if number == "int" else "a number"
        raise ValueTemplateError(f"does not yield {kind}, which | {number} asks for") from error


def _names_read(tree: nodes.Template) -> tuple[str, ...]:
    """The variables that a template names. Raises ValueTemplateError for anything else."""
    if strangers := sorted(meta.find_undeclared_variables(tree) - {_ENV, _ENVIRONMENT}):
        shown = ", ".join(safe_key(one) for one in strangers[:5])
        raise ValueTemplateError(
            f"names {shown}, which no template of a value knows; known: env.NAME, environment. "
            "The text of a prompt is a template already: write it without !template"
        )
    read = [one.attr for one in tree.find_all(nodes.Getattr) if _is_env(one.node)]
    for item in tree.find_all(nodes.Getitem):
        name = item.arg.value if isinstance(item.arg, nodes.Const) else None
        if _is_env(item.node) and isinstance(name, str):
            read.append(name)
    used = sum(node.name == _ENV for node in tree.find_all(nodes.Name))
    if used != len(read):
        raise ValueTemplateError("env is used as a whole: name what is read of it, as env.NAME")
    return tuple(dict.fromkeys(read))


def _is_env(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == _ENV


def _require_allowed(names: tuple[str, ...], allowed: frozenset[str]) -> None:
    strangers = [name for name in names if name not in allowed]
    if not strangers:
        return
    near = closest_name(strangers[0], sorted(allowed))
    hint = f"; did you mean {near!r}?" if near else ""
    raise ValueTemplateError(
        f"reads {', '.join(map(safe_key, strangers[:5]))}, which its file does not list under "
        f"variables{hint}"
    )


def _what_is_missing(
    names: tuple[str, ...], env: Mapping[str, str], environment: str | None
) -> str:
    unset = [name for name in names if name not in env]
    if unset:
        return (
            f"{', '.join(unset)} is not set in the environment of the process: set it, or give a "
            f"default, as {{{{ env.{unset[0]} | default('...') }}}}"
        )
    if environment is None:
        return (
            "no environment is chosen: give --env or ORCHESTRATION_ENV, or give a default, as "
            "{{ environment | default('...') }}"
        )
    return "the template names something that does not exist"


def _as_number(tree: nodes.Template) -> str | None:
    """``int`` or ``float`` where a template is one expression that ends so; the filter is dropped.

    The filters of Jinja2 make 0 of what is no number, and here that has to be told.
    """
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    output = tree.body[0]
    if len(output.nodes) != 1:
        return None
    last = output.nodes[0]
    if not isinstance(last, nodes.Filter) or last.name not in _NUMBERS or last.args or last.kwargs:
        return None
    assert isinstance(last.node, nodes.Expr)
    output.nodes = [last.node]
    return last.name


def _short(message: str | None) -> str:
    """A message of Jinja2 without words that may be secrets in the template that it quotes."""
    words = (message or "").split()
    return " ".join("..." if looks_like_secret(one.strip("'\",.:")) else one for one in words)[:200]
