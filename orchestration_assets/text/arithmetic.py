"""Exact arithmetic, dates and units, from an expression that somebody else wrote; nothing is run.

The expression is parsed as Python's syntax and walked over: numbers, ``+ - * / // % **``, brackets,
and calls of the functions below. Numbers are fractions, so nothing is rounded before the end.
"""

import ast
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

LONGEST: Final = 500
"""Characters of an expression."""
_MOST_NODES: Final = 200
_MOST_BITS: Final = 2_048
_SHOWN_DIGITS: Final = 12
_LEAST_DECIMALS: Final = 6
# Python's tokenizer warns of these on the standard error of whoever runs this
_WARNED_OF: Final = re.compile(r"\\|\d(?:and|else|for|if|in|is|not|or)")
_FUNCTIONS: Final = "abs, min, max, round, sqrt, date, days, convert"

Value = Fraction | date | timedelta
"""A number, a day, or a span of days."""


class CalculationError(ValueError):
    """The expression has no value; the message says why, for whoever wrote it."""


def calculate(expression: str) -> str:
    """The value of an expression as text: a whole number, a decimal, or a date.

    A decimal has 12 digits, and at least six behind the point where it has more before that.

    ``date("2024-01-31")`` is a day, ``days(30)`` a span, the difference of two days a number of
    days; ``convert(5, "km", "mi")`` converts units. Raises CalculationError.
    """
    if len(expression) > LONGEST:
        raise CalculationError(f"it is longer than {LONGEST} characters")
    if _WARNED_OF.search(expression):
        raise CalculationError("it is no expression")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise CalculationError("it is no expression") from error
    if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
        raise CalculationError("it has too many parts")
    try:
        return _shown(_value(tree.body))
    except ZeroDivisionError as error:
        raise CalculationError("it divides by zero") from error
    except OverflowError as error:
        raise CalculationError("a date or number is out of range") from error


def _value(node: ast.expr) -> Value:
    if isinstance(node, ast.Constant):
        return _number(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _as_number(_value(node.operand))
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        return _bounded(_combined(node.op, _value(node.left), _value(node.right)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _bounded(_called(node.func.id, node.args))
    raise CalculationError(f"only numbers, + - * / // % **, brackets and {_FUNCTIONS} are known")


def _number(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CalculationError("a number is wanted")
    found = Fraction(value) if isinstance(value, int) else Fraction(Decimal(repr(value)))
    return _as_number(_bounded(found))


def _combined(operator: ast.operator, left: Value, right: Value) -> Value:
    if isinstance(left, date) or isinstance(right, date):
        return _of_days(operator, left, right)
    if isinstance(left, timedelta) or isinstance(right, timedelta):
        raise CalculationError("days() is added to a date, or taken from one")
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.FloorDiv():
            return Fraction(left // right)
        case ast.Mod():
            return left % right
        case ast.Pow():
            return _power(left, right)
        case _:
            raise CalculationError("this operator is not known")


def _of_days(operator: ast.operator, left: Value, right: Value) -> Value:
    if isinstance(operator, ast.Sub) and isinstance(left, date) and isinstance(right, date):
        return Fraction((left - right).days)
    if isinstance(left, date) and isinstance(right, timedelta):
        if isinstance(operator, ast.Add):
            return left + right
        if isinstance(operator, ast.Sub):
            return left - right
    raise CalculationError("a date takes + or - days(n), or - another date")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise CalculationError("exponents are whole numbers; sqrt takes a root")
    if _bits(base) * abs(exponent.numerator) > _MOST_BITS:
        raise CalculationError("a number is too large")
    return Fraction(base**exponent.numerator)


def _called(name: str, given: list[ast.expr]) -> Value:
    if name == "date":
        try:
            return date.fromisoformat(_text(given, 0, 1))
        except ValueError as error:
            raise CalculationError('date wants a day as "2024-01-31"') from error
    if name == "convert":
        if len(given) != 3:
            raise CalculationError('convert wants a number and two units: convert(5, "km", "mi")')
        return _converted(_as_number(_value(given[0])), _text(given, 1, 3), _text(given, 2, 3))
    function = _CALLS.get(name)
    if function is None:
        raise CalculationError(f"the functions are {_FUNCTIONS}")
    return function(*[_as_number(_value(one)) for one in given])


def _text(given: list[ast.expr], position: int, count: int) -> str:
    one = given[position] if len(given) == count else None
    if isinstance(one, ast.Constant) and isinstance(one.value, str):
        return one.value
    raise CalculationError("a text in quotes is wanted")


def _as_number(value: Value) -> Fraction:
    if isinstance(value, Fraction):
        return value
    raise CalculationError("a number is wanted, not a date or days")


def _bounded(value: Value) -> Value:
    if isinstance(value, Fraction) and _bits(value) > _MOST_BITS:
        raise CalculationError("a number is too large")
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _least(*numbers: Fraction) -> Value:
    if not numbers:
        raise CalculationError("min wants numbers")
    return min(numbers)


def _most(*numbers: Fraction) -> Value:
    if not numbers:
        raise CalculationError("max wants numbers")
    return max(numbers)


def _absolute(*numbers: Fraction) -> Value:
    if len(numbers) != 1:
        raise CalculationError("abs wants one number")
    return abs(numbers[0])


def _rounded(*numbers: Fraction) -> Value:
    """Half to even, as Python rounds."""
    if len(numbers) not in (1, 2) or (len(numbers) == 2 and numbers[1] not in range(13)):
        raise CalculationError("round wants a number, and 0 to 12 decimals")
    return Fraction(round(numbers[0], int(numbers[1]) if len(numbers) == 2 else 0))


def _root(*numbers: Fraction) -> Value:
    if len(numbers) != 1 or numbers[0] < 0:
        raise CalculationError("sqrt wants one number of at least 0")
    with localcontext() as context:
        context.prec = 30
        root = (Decimal(numbers[0].numerator) / Decimal(numbers[0].denominator)).sqrt()
    return Fraction(root)


def _days(*numbers: Fraction) -> Value:
    if len(numbers) != 1 or numbers[0].denominator != 1:
        raise CalculationError("days wants one whole number")
    return timedelta(days=int(numbers[0]))


_CALLS: Final[Mapping[str, Callable[..., Value]]] = {
    "abs": _absolute,
    "min": _least,
    "max": _most,
    "round": _rounded,
    "sqrt": _root,
    "days": _days,
}


def _units(dimension: str, **factors: str) -> dict[str, tuple[str, Fraction, Fraction]]:
    return {name: (dimension, Fraction(factor), Fraction(0)) for name, factor in factors.items()}


# unit -> dimension, how many of the base unit one is, and where its zero lies in that
_UNITS: Final[dict[str, tuple[str, Fraction, Fraction]]] = {
    **_units("length", m="1", km="1000", cm="0.01", mm="0.001", mi="1609.344", yd="0.9144"),
    **_units("length", ft="0.3048", inch="0.0254"),
    **_units("mass", kg="1", g="0.001", mg="0.000001", t="1000", lb="0.45359237"),
    **_units("mass", oz="0.028349523125"),
    **_units("time", s="1", min="60", h="3600", d="86400", week="604800"),
    **_units("volume", l="1", ml="0.001", gal="3.785411784"),
    **_units("data", B="1", kB="1000", MB="1000000", GB="1000000000", KiB="1024", MiB="1048576"),
    **_units("data", GiB="1073741824"),
    "K": ("temperature", Fraction(1), Fraction(0)),
    "C": ("temperature", Fraction(1), Fraction("273.15")),
    "F": ("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}


def _converted(number: Fraction, unit: str, other: str) -> Fraction:
    if unit not in _UNITS or other not in _UNITS:
        raise CalculationError(f"the units are {', '.join(_UNITS)}")
    (dimension, factor, zero), (wanted, per, other_zero) = _UNITS[unit], _UNITS[other]
    if dimension != wanted:
        raise CalculationError(f"{unit} is a {dimension}, {other} a {wanted}")
    return (number * factor + zero - other_zero) / per


def _shown(value: Value) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.days} days"
    if value.denominator == 1:
        return str(value.numerator)
    with localcontext() as context:
        # what stands before the point is exact, however long
        whole = len(str(abs(int(value))))
        context.prec = max(_SHOWN_DIGITS, whole + _LEAST_DECIMALS)
        return format(Decimal(value.numerator) / Decimal(value.denominator), "f")
