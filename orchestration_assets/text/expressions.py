"""Expressions of a policy about the values of an answer: a small part of Python's, never run by it.

Known are names of values, ``lines.amount`` for a field of every entry of a list, numbers, texts,
lists in brackets, ``+ - * / %``, comparisons (also chained, ``in``, ``not in``), ``and or not``,
and the functions ``sum min max len abs round matches missing``. Dates are ISO 8601 texts: they
compare as they stand, a year or month with the whole of it. Two numbers are equal within a
millionth. ``matches`` is about texts of at most 200 characters. An expression that reads a value
which the answer lacks says nothing, unless it asks ``missing(name)``.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from orchestration_assets.text.pattern_costs import unending

MOST_CHARS: Final = 500
_MOST_NODES: Final = 200
_LONGEST_MATCHED: Final = 200
_LONGEST_PATTERN: Final = 100
_EQUAL: Final = 1e-6


class ExpressionError(ValueError):
    """An expression that cannot be read; the message says what is wrong with it."""


class _Nothing(Exception):
    """The expression reads a value that is missing."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was checked: its text, and the names that it reads, ``lines.amount``.

    ``single``: those of the names that have to be one value, and cannot be a list: they are
    calculated with, compared, or matched. ``truths``: those that are to hold or not themselves.
    ``senseless``: a part that is to hold or not, and is a number, a text or a list.
    """

    text: str
    tree: ast.expr
    names: frozenset[str]
    single: frozenset[str]
    truths: frozenset[str]
    senseless: str | None

    def holds(self, values: Mapping[str, Any]) -> bool | None:
        """Whether it holds; None where a value that it reads is missing, or it does not apply.

        ``values`` maps names to texts, numbers, truth values, or lists of these; a name within a
        list to the values of all entries that have one.
        """
        try:
            return bool(_value(self.tree, values))
        except (_Nothing, TypeError, ZeroDivisionError, OverflowError, ValueError):
            return None

    def sides(self, values: Mapping[str, Any]) -> str:
        """What a comparison compares, in words: ``171.4 against 144.03``; empty for others."""
        if not isinstance(self.tree, ast.Compare):
            return ""
        try:
            found = [_value(one, values) for one in (self.tree.left, *self.tree.comparators)]
        except (_Nothing, TypeError, ZeroDivisionError, OverflowError, ValueError):
            return ""
        return " against ".join(map(_shown, found))


@lru_cache(maxsize=256)
def expression(text: str) -> Expression:
    """The checked expression. Raises ExpressionError."""
    if len(text) > MOST_CHARS:
        raise ExpressionError(f"is longer than {MOST_CHARS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise ExpressionError(f"cannot be read: {said}") from error
    if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
        raise ExpressionError("is too long: write several rules")
    names = frozenset(_checked(tree))
    if not names:
        raise ExpressionError("reads no value")
    single = frozenset(
        _name(one) for node in ast.walk(tree) for one in _single(node) if _named(one)
    )
    odd = _no_truth(tree)
    senseless = None if odd is None else ast.unparse(odd)[:60]
    return Expression(text, tree, names, single, frozenset(_truths(tree)), senseless)


def _no_truth(node: ast.expr) -> ast.expr | None:
    """The part of an expression that is to hold or not, and is a number, a text or a list; a name
    may be of a truth value."""
    match node:
        case ast.BoolOp(values=parts):
            return next((odd for part in parts if (odd := _no_truth(part)) is not None), None)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _no_truth(operand)
        case ast.Compare() | ast.Name() | ast.Attribute() | ast.Constant(value=bool()):
            return None
        case ast.Call(func=ast.Name(id="matches" | "missing")):
            return None
    return node


def _truths(node: ast.expr) -> Iterator[str]:
    """The names that are to hold or not themselves."""
    match node:
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _truths(part)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _truths(operand)
        case ast.Name() | ast.Attribute():
            yield _name(node)


def _checked(node: ast.expr) -> Iterator[str]:
    """The names that a node reads. Raises ExpressionError for what is not known."""
    if isinstance(node, ast.Name | ast.Attribute):
        yield _name(node)
        return
    for part in _parts(node):
        yield from _checked(part)


def _parts(node: ast.expr) -> Sequence[ast.expr]:
    match node:
        case ast.Constant(value=bool() | int() | float() | str()):
            return ()
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            return parts
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return (operand,)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return left, right
        case ast.Compare(left=left, ops=ops, comparators=others) if {
            type(op) for op in ops
        } <= _COMPARISONS.keys():
            return (left, *others)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            least, most = _FUNCTIONS[name]
            if not least <= len(arguments) <= most:
                raise ExpressionError(f"{name} takes {least} to {most} values")
            if name == "matches":
                _check_pattern(arguments[1])
            if name == "missing" and not _named(arguments[0]):
                raise ExpressionError("missing takes the name of a value")
            return arguments
    raise ExpressionError(
        f"{ast.unparse(node)[:60]!r} is not known; known are names, numbers, texts, + - * / %, "
        f"comparisons, and, or, not, and {', '.join(_FUNCTIONS)}"
    )


def _single(node: ast.AST) -> Sequence[ast.expr]:
    """What a node can only use where it is one value."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return (operand,)
        case ast.BinOp(left=left, right=right):
            return left, right
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [left, *others]
            looked_in = [False, *(isinstance(op, ast.In | ast.NotIn) for op in ops)]
            return [one for one, within in zip(sides, looked_in, strict=True) if not within]
        case ast.Call(func=ast.Name(id="abs" | "round" | "matches"), args=arguments):
            return arguments
    return ()


def _named(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    raise ExpressionError(f"{ast.unparse(node)[:60]!r} is no name of a value")


def _check_pattern(node: ast.expr) -> None:
    pattern = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN:
        raise ExpressionError(
            f"matches needs a pattern in quotes, of at most {_LONGEST_PATTERN} characters"
        )
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ExpressionError(f"the pattern cannot be read: {error}") from error
    if (wrong := unending(pattern, _LONGEST_MATCHED)) is not None:
        raise ExpressionError(wrong)


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name() | ast.Attribute():
            found = values.get(_name(node))
            if found is None:
                raise _Nothing
            return found
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part, values) for part in parts]
        case ast.BoolOp(op=op, values=parts):
            told = (bool(_value(part, values)) for part in parts)
            return all(told) if isinstance(op, ast.And) else any(told)
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, values)
            return not value if isinstance(op, ast.Not) else -_number(value)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = (_number(_value(one, values)) for one in (left, right))
            return _number(_ARITHMETIC[type(op)](a, b))
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [_value(one, values) for one in (left, *others)]
            return all(
                _COMPARISONS[type(op)](a, b)
                for op, a, b in zip(ops, sides, sides[1:], strict=False)
            )
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _called(name, arguments, values)
        case _:
            raise TypeError("an expression is checked before it is used")


def _called(name: str, arguments: Sequence[ast.expr], values: Mapping[str, Any]) -> Any:
    if name == "missing":
        return values.get(_name(arguments[0])) in (None, [])
    if name in ("sum", "len") and isinstance(arguments[0], ast.Name | ast.Attribute):
        # of nothing it is nothing
        given = [values.get(_name(arguments[0])) or []]
    else:
        given = [_value(one, values) for one in arguments]
    if name == "matches":
        return re.fullmatch(str(given[1]), _matched(given[0])) is not None
    if name == "len":
        return float(len(given[0]))
    if name == "abs":
        return abs(_number(given[0]))
    if name == "round":
        return round(float(_number(given[0])), int(_number(given[1])) if len(given) > 1 else 0)
    numbers = [
        _number(one) for part in given for one in (part if isinstance(part, list) else [part])
    ]
    return sum(numbers) if name == "sum" else min(numbers) if name == "min" else max(numbers)


def _matched(value: Any) -> str:
    if not isinstance(value, str | int | float) or len(text := str(value)) > _LONGEST_MATCHED:
        raise TypeError(f"no text of at most {_LONGEST_MATCHED} characters")
    return text


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError("no number")
    return value


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return abs(first - second) <= _EQUAL * max(1.0, abs(first), abs(second))
    if isinstance(first, str) and isinstance(second, str):
        return first.casefold() == second.casefold()
    return bool(first == second)


def _before(first: Any, second: Any) -> bool:
    if isinstance(first, str) and isinstance(second, str):
        # a year says nothing about what comes first within it
        length = min(len(first), len(second))
        return first[:length] < second[:length]
    return _number(first) < _number(second) and not _equal(first, second)


def _within(first: Any, second: Any) -> bool:
    if isinstance(second, str):
        return str(first).casefold() in second.casefold()
    return any(_equal(first, one) for one in second)


_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: _equal,
    ast.NotEq: lambda a, b: not _equal(a, b),
    ast.Lt: _before,
    ast.Gt: lambda a, b: _before(b, a),
    ast.LtE: lambda a, b: not _before(b, a),
    ast.GtE: lambda a, b: not _before(a, b),
    ast.In: _within,
    ast.NotIn: lambda a, b: not _within(a, b),
}
# least and most values
_FUNCTIONS: Final = {
    "sum": (1, 1),
    "min": (1, 8),
    "max": (1, 8),
    "len": (1, 1),
    "abs": (1, 1),
    "round": (1, 2),
    "matches": (2, 2),
    "missing": (1, 1),
}


def _shown(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, int | float) else str(value)[:80]
