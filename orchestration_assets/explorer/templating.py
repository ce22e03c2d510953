"""The explorer's templates: its own before those of the reports, everything escaped that is not
ours."""

from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from orchestration_assets.reporting import formatting
from orchestration_assets.reporting.compiled_templates import CompiledTemplates
from orchestration_assets.reporting.counts import share
from orchestration_assets.reporting.dispute_cards import severity_word


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
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("orchestration_assets.explorer", "templates"),
                PackageLoader("orchestration_assets.reporting", "templates"),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=formatting.shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=CompiledTemplates(),
    )
    environment.filters |= {
        "n": formatting.number,
        "pct": formatting.percent,
        "size": formatting.size,
        "ms": formatting.duration,
        "usd": formatting.dollars,
        "words": formatting.words,
        "squeezed": formatting.squeezed,
        "capitalize": formatting.capitalised,
        "clause": formatting.clause,
        "cut": formatting.cut,
        "one_line": formatting.one_line,
        "lines": formatting.lines,
        "middle": formatting.middle,
        "address": lambda text: quote(formatting.visible(text), safe=""),
    }
    environment.globals |= {
        "plural": formatting.plural,
        "axis": formatting.axis,
        "share": share,
        "proportion": formatting.proportion,
        "severity_word": severity_word,
    }
    return environment
