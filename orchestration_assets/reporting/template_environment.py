"""How templates of pages are read: escaped, strict, and with the words that pages share."""

from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from orchestration_assets.reporting import formatting
from orchestration_assets.reporting.compiled_templates import CompiledTemplates
from orchestration_assets.reporting.counts import share
from orchestration_assets.reporting.dispute_cards import severity_word
from orchestration_assets.reporting.queries import rows_query
from orchestration_assets.reporting.question_list import listed_answer


def template_environment(*packages: str) -> Environment:
    """An environment for the folders ``templates`` of these packages, the first before the others.

    Everything that is not marked as markup is escaped, and an unknown name is an error.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(one, "templates") for one in packages]),
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
        "listed": listed_answer,
        "lines": formatting.lines,
        "middle": formatting.middle,
        "address": lambda text: quote(formatting.visible(text), safe=""),
    }
    environment.globals |= {
        "plural": formatting.plural,
        "axis": formatting.axis,
        "share": share,
        "proportion": formatting.proportion,
        "content_words": formatting.content_words,
        "severity_word": severity_word,
        "rows_query": rows_query,
        "change_of": formatting.change_of,
    }
    return environment
