"""Counts of Python code without a grammar: as the grammar has them, where they are given at all."""

import ast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration_assets.profiling.code import (
    CodePiece,
    code_chars,
    code_features,
    features_of_beginning,
    part_to_parse,
)
from orchestration_assets.profiling.python_code import python_counts
from orchestration_assets.profiling.text import Values
from tests.profiling.samples import standard_library

_MOST = code_chars("python")

PLAIN = """\
# A comment before the docstring.
'''What it does: if, for and while.'''
import os
from a import (
    b,  # if
    c,
)

if os.name == "nt": import winreg
elif a and b or not \\
        c: pass
else:
    pass

class A(B if c else D):
\tx = "it\\'s # not a comment"; z = 1;

\tasync def f(self, a=lambda x: x if x else 1):
\t\t"Docs."
\t\tasync with a as b: pass
\t\tdef g(): return [x for x in y if x]
\t\ttry:
\t\t\treturn 1 if g() else 2.
\t\tfinally:
\t\t\tcase = match = 1
\tdef h(self): ...

match x:
    case [1, _] if y:
        pass
    case _: pass
print(x)
"""

BROKEN = [
    "def f(:\n    pass\n",
    "def f()\n    pass\n",
    "if x:\npass\n",
    "if x:\n        a\n    b\n",
    "x = 1\n    y = 2\n",
    "this was some text\n",
    "a = ]\n",
    "a = 'open\n",
    "a = '''open\n",
    "a ? b\n",
    "a = 1 +\n",
    "a:\n    b\n",
    "print 'x', y z\n",
    "a = f(b]\n",
    "a = ([)]\n",
    "a = (b; c)\n",
    "f(a,, b)\n",
    "f(a\n  b)\n",
    "f(a) g(b)\n",
    "f('a' b)\n",
    "f(a 'b')\n",
    "a = b +/ c\n",
    "a = b *\n",
    "a = b.\n",
    "a = b and\n",
    "a = b if c else\n",
    "a.if = 1\n",
    "a = def\n",
    "if a return\n",
    "while True\n",
    "if a: def f(): pass\n",
    "if a:\n    b\nc\nelse:\n    d\n",
    "while a:\n    if b:\n        c\nelif d:\n    e\n",
    "class A:\n    @b\ndef c(): pass\n",
    "else if a:\n    b\n",
    ">>> a = 1\n",
    "%%time\n",
    "<<<<<<< HEAD\n",
    "for (;;) { a(); }\n",
    "a = 1\rb = 2\n",
]

# Python that the grammar reads: code within strings, and "case" where it may be a name.
LEFT = [
    'a = f"{b["c"]} {d or e}"\n',
    'a = f"{b["#"]}"\nc = 1\n',
    "match a:\n    case B(c=1): pass\n",
    "match a:\n    case[1]: pass\n",
]

ODD = [
    "def f(): a if b else c; d if e else f\na if b else c\n",
    "class A: 'Docs.'; a = 1\nclass B(A): 'Docs.'\n",
    "def f():\n    'no ' 'docs'\n    'none'\n",
    "'no''docs'\n",
    "case = 1\ncase(a)\ncase[1] = 2\ncase.a = match[1]\nmatch(case)\n",
    "print 'a', b\nprint >>f, 'a'\n",
    "def f(a, /, *, b: int = -1, **c) -> int: return a[:, ::-1]\n",
    "async def f():\n    async for a in b: await c\n    return [a async for a in b if a]\n",
    "class A[T: int]: ...\n",
    "a = [*b, *c]; d = {**e}; f = lambda *a, **b: (yield)\na, = b\nc = a if (d := 1.) else ...\n",
    "try: a\nexcept (B, C) as d: pass\nelse: e\nfinally: g\n",
    "a = f\"{b or c.split('}')[-1]}\"\n",
    'a = f"{{{b if c else d}}} {{if}}"\n',
    "# {if}\ndef f(): return f\"{a if b else 'for'} {c or d:>{e}} if\"\na = '{if b}'\n",
    "a = (\n    'b'\n    f'{c}'\n    rb'd'\n)\n",
    "from . import a\nfrom .b import *\nfrom ..c import (\n    d as e,\n)\n",
    "if a:\r\n\tb\r\nelse:\r\n\tc\r\n",
]


def by_grammar(text: str, monkeypatch: pytest.MonkeyPatch) -> Values:
    with monkeypatch.context() as patched:
        patched.setattr(
            "orchestration_assets.profiling.code.python_counts", lambda _text, _chars: None
        )
        return code_features([CodePiece(text, "python")])


def test_plain_python_is_counted_as_the_grammar_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert python_counts(PLAIN, _MOST) is not None
    found = code_features([CodePiece(PLAIN, "python")])
    assert found == by_grammar(PLAIN, monkeypatch)
    assert (found["function_count"], found["class_count"], found["nesting_max"]) == (3, 1, 3)


def test_the_standard_library_is_counted_as_the_grammar_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [
        text
        for path, text in standard_library(60)
        if path.endswith(".py") and len(text) <= 2 * _MOST
    ]
    compared = 0
    for text in texts:
        expected = by_grammar(text, monkeypatch)
        if expected.get("parse_error_share") == 0 and python_counts(text, len(text)) is not None:
            compared += 1
            counted = code_features([CodePiece(text, "python")])
            # to the grammar, the letter before a docstring belongs to it
            assert counted.pop("comment_density") == pytest.approx(
                expected.pop("comment_density"), abs=0.002
            )
            assert counted == expected
    assert compared > 0.9 * len(texts)


@pytest.mark.parametrize("text", ODD)
def test_odd_python_is_counted_as_the_grammar_counts(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert python_counts(text, _MOST) is not None
    assert code_features([CodePiece(text, "python")]) == by_grammar(text, monkeypatch)


@pytest.mark.parametrize("text", LEFT)
def test_python_that_only_a_grammar_can_tell_is_left_to_it(text: str) -> None:
    assert python_counts(text, _MOST) is None


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_not_plainly_python_is_left_to_the_grammar(text: str) -> None:
    assert python_counts(text, _MOST) is None
    assert python_counts("x = 1\n" + text + "y = 2\n", _MOST) is None


def test_of_a_long_text_no_function_is_cut() -> None:
    function = "def f(a):\n    if a:\n        return (1,\n 2)\n\n"
    found = python_counts(function * 1000, _MOST)
    assert found is not None
    assert _MOST - len(function) <= found.chars <= _MOST
    assert found.chars % len(function) == 0
    assert len(found.functions) == len(found.decisions) == found.chars // len(function)
    values, chars = features_of_beginning(function * 1000, "python", _MOST)
    assert chars == found.chars
    assert values["cyclomatic_mean"] == values["cyclomatic_max"] == 2


@pytest.mark.parametrize(
    "inside", [f"    a = (\n{'1,' * _MOST})\n", f"    '''\nof\n{'it ' * _MOST}'''\n"]
)
def test_a_text_is_cut_neither_in_a_string_nor_in_a_bracket(inside: str) -> None:
    method = "    def f(self):\n        return [\nx,\n]\n"
    methods = 3 * _MOST // 4 // len(method)
    text = "class A:\n" + method * methods + inside + method * 9
    found = python_counts(text, _MOST)
    assert found is not None
    assert len(found.functions) in (methods, methods - 1)
    assert text.index(inside) - len(method) < found.chars <= text.index(inside) + 4


def test_a_table_in_brackets_is_read_to_where_it_is_cut() -> None:
    text = "x = (\n" + "    1,  # one\n" * 5000 + ")\n"
    found = python_counts(text, _MOST)
    assert found is not None
    assert found.chars == _MOST
    assert len(found.comments) == pytest.approx(_MOST / 14, abs=1)
    assert python_counts("(\n" * 5000, _MOST) is None


def test_a_bracket_or_string_that_never_closes_is_found_in_a_long_text() -> None:
    function = "def f(a):\n    return (1, 2)\n\n"
    for opens in ("a = (\n", "a = '''\n"):
        for place in (3, 200, 280):
            text = function * place + opens + function * 500
            assert place * len(function) < _MOST
            assert python_counts(text, _MOST) is None


@pytest.mark.parametrize("shift", range(0, 30, 3))
def test_a_text_may_be_cut_after_a_semicolon(shift: int) -> None:
    text = "#" * shift + "\nclass A:\n" + "        number = call();b\n" * 1000
    found = python_counts(text, _MOST)
    assert found is not None
    assert _MOST - 34 <= found.chars <= _MOST


NAMES = st.sampled_from(["a", "b1", "match", "case", "_", "print"])
VALUES = st.recursive(
    st.one_of(
        NAMES, st.sampled_from(["1", "2.", "...", "None", "'if'", 'f"{a or b}"', "'''a\nb'''"])
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or ", "-", " ** ", " not in "]), inner).map(
            lambda parts: f"({''.join(parts)})"
        ),
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
        st.lists(inner, max_size=3).map(lambda values: "f(\n" + ",  # for\n".join(values) + ")"),
        st.tuples(inner, inner).map(lambda two: f"(lambda b: {two[0]} if b else {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"{{{two[0]}: {two[1]} for a in b}}"),
    ),
    max_leaves=4,
)
SIMPLE = st.one_of(
    VALUES,
    VALUES.map(lambda value: f"return {value}"),
    VALUES.map(lambda value: f"a = {value}"),
    VALUES.map(lambda value: f"a: int = {value}"),
    st.sampled_from(["pass", "import a", "from . import b", "'Docs.'", "del a", "raise"]),
)
HEADS = st.one_of(
    st.sampled_from(["class A", "class A(B)", "def f()", "async def f(a, *, b=1) -> int", "else"]),
    VALUES.map(lambda value: f"if {value}"),
    VALUES.map(lambda value: f"while {value}"),
    VALUES.map(lambda value: f"for a in {value}"),
    VALUES.map(lambda value: f"with {value} as a"),
)


def _block(parts: tuple[str, str, list[str]]) -> str:
    head, indent, body = parts
    start = "if a:\n    pass\nelse" if head == "else" else head
    # the second line of a string must stay where it is
    lines = "\n".join(body).replace("'''a\n", "'''a\0").split("\n")
    return f"{start}:\n" + "\n".join(indent + line for line in lines)


def _text(statements: list[str]) -> str:
    return "\n".join(statements).replace("\0", "\n") + "\n"


STATEMENTS = st.recursive(
    st.one_of(
        SIMPLE,
        st.tuples(SIMPLE, SIMPLE).map("; ".join),
        st.tuples(HEADS, SIMPLE).map(
            lambda two: f"{'class A' if two[0] == 'else' else two[0]}: {two[1]}"
        ),
        st.just("# if a:\n"),
    ),
    lambda inner: st.tuples(
        HEADS, st.sampled_from([" ", "    ", "\t"]), st.lists(inner, min_size=1, max_size=3)
    ).map(_block),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STATEMENTS, min_size=1, max_size=4).map(_text))
def test_generated_python_is_counted_as_the_grammar_counts(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    try:
        ast.parse(text)
    except SyntaxError:
        return
    assert python_counts(text, _MOST) is not None
    found = code_features([CodePiece(text, "python")])
    assert found == pytest.approx(by_grammar(text, monkeypatch))


PIECES = (
    *(
        "def f():",
        "class",
        "if",
        "x",
        ":",
        "for",
        "in",
        "\n",
        "    ",
        "\n\t",
        ";",
        "(",
        ")",
        "[",
        "]",
    ),
    *("'", '"', "'''", '"""', "\\", "\\\n", "#", "and", "case", "match", "async", "\r\n", "\f"),
    *("\u00e9", "\0", ".", "=", "+", "1", "\ud800"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_text_is_counted_or_left(pieces: list[str]) -> None:
    text = " ".join(pieces)
    for most in (len(text), len(text) // 2 + 1):
        found = python_counts(text, most)
        if found is not None:
            assert 0 <= found.chars <= most
            assert all(start < end for start, end in found.functions)
            assert all(depth >= 1 for depth in found.depths)
            assert sum(map(len, found.comments)) <= most + 1


def test_other_python_is_read_by_the_grammar_as_far_as_it_goes() -> None:
    broken = "def f(:\n    if a: pass\n" * 1000
    values, chars = features_of_beginning(broken, "python", _MOST)
    assert chars == len(part_to_parse(broken, "python", _MOST))
    assert float(values["parse_error_share"] or 0) > 0
