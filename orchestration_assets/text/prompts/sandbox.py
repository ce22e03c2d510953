"""A subset of Jinja2 for prompts, with limits on time and size.

Statements and filters are those of a list; what may repeat or grow (loops, joined, replaced and
repeated text) is counted against the budget of one rendering. Nothing here depends on a clock:
the same template and values always render, or always fail.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

import jinja2
from jinja2 import nodes, runtime
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range

MAX_CHARACTERS: Final = 200_000
MAX_NODES: Final = 2_000
MAX_DEPTH: Final = 24
_STEPS: Final = 50_000
_CHARACTERS: Final = 2_000_000
_TIMES_INPUT: Final = 16
_MAX_WIDTH: Final = 100
_MAX_INT: Final = 2**63
_NODES_A_STEP: Final = 8


class TemplateProblemError(jinja2.TemplateError):
    """A template exceeds the limits of a prompt; the message says how."""


class RenderBudget:
    """The limits of one rendering: ``steps`` of loops and filters, ``characters`` of text."""

    __slots__ = ("characters", "steps")

    def __init__(self, steps: int = _STEPS, characters: int = _CHARACTERS) -> None:
        self.steps = steps
        self.characters = characters

    def step(self, count: int = 1) -> None:
        """Raises TemplateProblemError when the budget is spent."""
        self.steps -= count
        if self.steps < 0:
            raise TemplateProblemError("the template takes too many steps")

    def make(self, characters: int) -> None:
        """Raises TemplateProblemError when the budget is spent."""
        self.characters -= characters
        if self.characters < 0:
            raise TemplateProblemError("the template makes too much text")


_budget: ContextVar[RenderBudget] = ContextVar("prompt_budget")


def _current_budget() -> RenderBudget:
    try:
        return _budget.get()
    except LookupError:
        return RenderBudget()


def render(template: jinja2.Template, values: Mapping[str, Any], budget: RenderBudget) -> str:
    """The text of a template. Raises TemplateProblemError, and what the template itself raises."""
    token = _budget.set(budget)
    try:
        pieces = []
        for piece in template.generate(values):
            budget.make(len(piece))
            pieces.append(piece)
        return "".join(pieces)
    finally:
        _budget.reset(token)


def budget_for(values: Mapping[str, Any]) -> RenderBudget:
    """The budget of one rendering: it grows with the labels and the text to show."""
    characters = len(values.get("content") or "")
    for shown in ("neighbours", "passages"):
        for one in values.get(shown) or ():
            characters += len(one["content"])
    characters += len((values.get("memory") or {}).get("text", ""))
    for answer in (values.get("answers") or {}).values():
        characters += len(str(answer))
    labels = len(values.get("labels") or ())
    return RenderBudget(_STEPS + _TIMES_INPUT * labels, _CHARACTERS + _TIMES_INPUT * characters)


def _text_size(value: Any, *, as_text: bool = True) -> int:
    """The characters that a value has as text, at least. Counts every part of it as a step.

    Raises TemplateProblemError where ``as_text`` and a part has no text form.
    """
    budget, total, waiting = _current_budget(), 0, [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            total += len(part)
        elif part is None or isinstance(part, bool | int | float):
            total += 20
        elif isinstance(part, dict):
            budget.step(len(part) + 1)
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple):
            budget.step(len(part) + 1)
            waiting += part
        elif not as_text:
            total += 1
        elif isinstance(part, jinja2.Undefined):
            str(part)  # raises, and says its name
        else:
            raise TemplateProblemError(f"a {type(part).__name__} cannot be shown as text")
    return total


def _output_value(value: Any) -> Any:
    """The value of an expression in the output; only text, numbers and lists of them."""
    if not isinstance(value, str):
        _current_budget().make(_text_size(value))
    return value


def _charge(value: Any) -> None:
    """Counts the value that a filter or method reads or returns."""
    budget = _current_budget()
    budget.step()
    if isinstance(value, str):
        budget.make(len(value))
    elif isinstance(value, list | tuple | dict | range):
        budget.step(len(value))


def _bounded_integer(value: Any, most: int, what: str) -> int:
    if not isinstance(value, int) or abs(value) > most:
        raise TemplateProblemError(f"{what} must be a whole number of at most {most}")
    return value


def _charged_filter(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja2 that charges its arguments and result to the budget."""

    @wraps(function)
    def counted(*given: Any, **named: Any) -> Any:
        for value in given:
            _charge(value)
        result = function(*given, **named)
        _charge(result)
        return result

    return counted


def _charged_text_filter(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a filter that turns its value into text first."""
    guarded = _charged_filter(function)

    @wraps(function)
    def counted(*given: Any, **named: Any) -> Any:
        for value in (*given, *named.values()):
            if not isinstance(value, jinja2.Environment | runtime.Context | nodes.EvalContext):
                _current_budget().make(_text_size(value))
        return guarded(*given, **named)

    return counted


def _replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, target, replacement = (_as_text(argument) for argument in (value, old, new))
    times = text.count(target) if count is None else min(text.count(target), max(count, 0))
    _current_budget().make(len(text) + times * len(replacement))
    return text.replace(target, replacement, -1 if count is None else count)


def _as_text(value: Any) -> str:
    _current_budget().step()
    _current_budget().make(_text_size(value))
    return str(value)


def _joined(parts: Iterable[Any], between: str = "") -> str:
    texts = [_as_text(part) for part in parts]
    _current_budget().make(len(between) * max(len(texts) - 1, 0))
    return between.join(texts)


@jinja2.pass_environment
def _join(
    environment: jinja2.Environment, value: Any, d: Any = "", attribute: str | int | None = None
) -> str:
    parts = value
    if attribute is not None:
        parts = FILTERS["map"](_empty_context(environment), value, attribute=attribute)
    return _joined(parts, _as_text(d))


def _empty_context(environment: jinja2.Environment) -> runtime.Context:
    return environment.from_string("").new_context()


def _indent(value: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:
    text = _as_text(value)
    if not isinstance(width, str):
        width = " " * max(_bounded_integer(width, _MAX_WIDTH, "the width of indent"), 0)
    _current_budget().make((text.count("\n") + 1) * len(width))
    indented: str = FILTERS["indent"](text, width, first, blank)
    return indented


def _tojson(value: Any, indent: int | None = None) -> str:
    import json

    _current_budget().make(2 * _text_size(value))
    width = None if indent is None else _bounded_integer(indent, 8, "the indent of tojson")
    return json.dumps(value, ensure_ascii=False, indent=width, sort_keys=True)


def _round(value: Any, precision: int = 0, method: str = "common") -> float:
    rounded: float = FILTERS["round"](value, _bounded_integer(precision, 20, "a precision"), method)
    return rounded


def _counted_loop(values: Iterable[Any], weight: int) -> Iterator[Any]:
    """The values of a loop, each charged by the size of the loop's body."""
    budget = _current_budget()
    for value in values:
        budget.step(weight)
        yield value


def _bounded_list(value: Any) -> Any:
    """A list or mapping that is written down. With all it holds it must be small.

    Lists of lists of lists would else take exponential time to compare.
    """
    _text_size(value, as_text=False)
    return value


_AS_JINJA: Final = (
    "abs",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "int",
    "items",
    "last",
    "length",
    "list",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "select",
    "selectattr",
    "sort",
    "unique",
)
_TEXT_AS_JINJA: Final = (
    "capitalize",
    "e",
    "escape",
    "lower",
    "string",
    "title",
    "trim",
    "truncate",
    "upper",
    "urlencode",
    "wordcount",
)
_JOIN_FILTER, _LOOP_FILTER, _LIST_FILTER = " joined", " counted", " listed"
"""Filters that no template can name: what ``~``, loops and lists are turned into."""

_TEXT_METHODS: Final = frozenset(
    "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower "
    "isnumeric isspace istitle isupper lower lstrip partition removeprefix removesuffix rfind "
    "rindex rpartition rsplit rstrip split splitlines startswith strip swapcase title upper".split()
)
_METHODS: Final[Mapping[type, frozenset[str]]] = {
    str: _TEXT_METHODS,
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    runtime.LoopContext: frozenset({"cycle", "changed"}),
}


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox of Jinja2 with the statements, filters and operators of prompts alone."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=jinja2.StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_output_value,
        )
        self.globals = {"range": safe_range}
        self.filters = {
            **{name: _charged_filter(FILTERS[name]) for name in _AS_JINJA},
            **{name: _charged_text_filter(FILTERS[name]) for name in _TEXT_AS_JINJA},
            "indent": _indent,
            "join": _join,
            "replace": _replace,
            "round": _round,
            "sum": _sum,
            "tojson": _tojson,
            _JOIN_FILTER: _joined,
            _LOOP_FILTER: _counted_loop,
            _LIST_FILTER: _bounded_list,
        }

    def call_binop(self, context: runtime.Context, operator: str, left: Any, right: Any) -> Any:
        """Adds text and lists within the budget; multiplies only numbers."""
        if operator == "+" and isinstance(left, str | list | tuple):
            _charge(left)
            _charge(right)
            return left + right
        if not all(isinstance(operand, bool | int | float) for operand in (left, right)):
            kinds = f"{type(left).__name__} and {type(right).__name__}"
            raise TemplateProblemError(f"{operator} takes numbers in a prompt, not {kinds}")
        if operator == "**" and (abs(left) > 1e6 or abs(right) > 64):
            raise TemplateProblemError("** takes small numbers")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and abs(result) >= _MAX_INT:
            raise TemplateProblemError("a number is too large")
        return result

    def call(self, context: runtime.Context, function: Any, *given: Any, **named: Any) -> Any:
        """Calls ``range`` and methods that only read."""
        # what a loop hands to functions that ask for it; none here does
        named.pop("_loop_vars", None)
        named.pop("_block_vars", None)
        if function is safe_range:
            return safe_range(*given)
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        _charge(owner)
        if isinstance(owner, str) and name == "join":
            return _joined(given[0] if given else (), owner)
        if isinstance(owner, str) and name == "replace":
            return _replace(owner, *given)
        if name not in _METHODS.get(type(owner), ()):
            raise TemplateProblemError("calls something that no prompt may call")
        result = function(*given, **named)
        _charge(result)
        return result

    def checked(self, source: str) -> nodes.Template:
        """The syntax tree of a template, every bound on its size and statements checked.

        Raises TemplateError.
        """
        if len(source) > MAX_CHARACTERS:
            raise TemplateProblemError(f"is longer than {MAX_CHARACTERS} characters")
        try:
            self._check_brackets(source)
            tree = self.parse(source)
        except (RecursionError, ValueError, OverflowError, MemoryError) as error:
            raise TemplateProblemError(_too_deep(error)) from error
        _check(tree)
        return tree

    def compiled(self, tree: nodes.Template) -> jinja2.Template:
        """A checked tree as a template whose loops are counted. Raises TemplateError."""
        token = _budget.set(RenderBudget())
        try:
            return self.from_string(_Bounded().visit(tree))
        except (SyntaxError, RecursionError, ValueError, OverflowError, MemoryError) as error:
            raise TemplateProblemError(_too_deep(error)) from error
        finally:
            _budget.reset(token)

    def _check_brackets(self, source: str) -> None:
        depth = 0
        for _, token, value in self.lex(source):
            if token == "operator":  # noqa: S105 -- of the lexer
                depth += (value in "([{") - (value in ")]}")
                if depth > MAX_DEPTH:
                    raise TemplateProblemError(f"nests deeper than {MAX_DEPTH} brackets")


def _sum(values: Iterable[Any], attribute: Any = None, start: Any = 0) -> Any:
    if attribute is not None:
        raise TemplateProblemError("sum takes no attribute in a prompt: use map first")
    total = start
    for value in values:
        _current_budget().step()
        if not isinstance(value, int | float) or not isinstance(total, int | float):
            raise TemplateProblemError("sum takes numbers in a prompt")
        total += value
    return total


def _too_deep(error: BaseException) -> str:
    if isinstance(error, ValueError | OverflowError):
        return "holds a number of too many digits"
    return "nests too deeply: write it in simpler steps"


_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.For,
    nodes.If,
    nodes.With,
    nodes.Assign,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
    nodes.Getitem,
    nodes.Getattr,
    nodes.Slice,
    nodes.Concat,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
)


def node_count(tree: nodes.Node) -> int:
    """The nodes below and with this one."""
    count, waiting = 0, [tree]
    while waiting:
        node = waiting.pop()
        count += 1
        waiting += node.iter_child_nodes()
    return count


def _check(tree: nodes.Template) -> None:
    count = 0
    waiting: list[tuple[nodes.Node, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        _check_node(node)
        if depth > MAX_DEPTH:
            raise TemplateProblemError(f"nests deeper than {MAX_DEPTH} levels")
        if count > MAX_NODES:
            raise TemplateProblemError(f"holds more than {MAX_NODES} expressions and statements")
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _check_node(node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        word = type(node).__name__.lower()
        raise TemplateProblemError(f"line {node.lineno}: {word} is not for prompts")
    if isinstance(node, nodes.For) and node.recursive:
        raise TemplateProblemError(f"line {node.lineno}: a recursive loop is not for prompts")
    if isinstance(node, nodes.Name) and node.ctx != "load" and node.name.startswith("_"):
        raise TemplateProblemError(f"line {node.lineno}: a name must not start with _")
    if isinstance(node, nodes.Call) and (node.dyn_args or node.dyn_kwargs):
        raise TemplateProblemError(f"line {node.lineno}: * and ** in calls are not for prompts")


class _Bounded(jinja2.visitor.NodeTransformer):
    """Puts a counter into every loop, and a bound on every ``~``, list and mapping.

    ``a.b`` that is not called is the value under b, whatever methods a has: fields of answers may
    have names such as ``title``, ``items`` and ``values``.
    """

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        self.generic_visit(node)
        name = nodes.Const(node.attr, lineno=node.lineno)
        value = nodes.Getitem(node.node, name, node.ctx, lineno=node.lineno)
        for one in (name, value):
            one.environment = node.environment
        return value

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        called = node.node
        self.generic_visit(node)
        if isinstance(called, nodes.Getattr) and isinstance(node.node, nodes.Getitem):
            node.node = nodes.Getattr(node.node.node, called.attr, called.ctx, lineno=node.lineno)
            node.node.environment = node.environment
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:
        weight = 1 + sum(map(node_count, node.body)) // _NODES_A_STEP
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _LOOP_FILTER, nodes.Const(weight, lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        parts.environment = node.environment
        return _filtered(parts, _JOIN_FILTER)

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _LIST_FILTER)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _LIST_FILTER)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        # the names that a loop assigns are written as a tuple, too
        return _filtered(node, _LIST_FILTER) if node.ctx == "load" else node


def _filtered(value: nodes.Node, name: str, *given: nodes.Expr) -> nodes.Filter:
    assert isinstance(value, nodes.Expr)
    made = nodes.Filter(value, name, list(given), [], None, None, lineno=value.lineno)
    for node in (made, *given):
        node.environment = value.environment
    return made
