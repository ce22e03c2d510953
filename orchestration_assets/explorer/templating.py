"""The explorer's templates: its own before those of the reports, everything escaped that is not
ours."""

from functools import cache
from typing import Any

from jinja2 import Environment

from orchestration_assets.explorer.condition_words import condition_in_plain_words
from orchestration_assets.reporting.template_environment import template_environment
from orchestration_assets.text.replies.stored_answers import taken_out


def render(template: str, **values: Any) -> str:
    """A page. Its values are text of anybody's: nothing of them is markup."""
    return _environment().get_template(template).render(**values)


@cache
def style() -> bytes:
    """The style sheet: that of the reports, and what only the explorer has."""
    environment = _environment()
    parts = (environment.get_template(name).render() for name in ("style.css", "explorer.css"))
    return "\n".join(parts).encode()


@cache
def script() -> bytes:
    """The one script: keys of the keyboard. Every page works without it."""
    return _environment().get_template("explorer.js").render().encode()


@cache
def _environment() -> Environment:
    environment = template_environment(
        "orchestration_assets.explorer", "orchestration_assets.reporting"
    )
    environment.filters["condition"] = condition_in_plain_words
    environment.filters["taken_out"] = lambda row: taken_out(row.answer, row.evidence, row.reason)
    return environment
