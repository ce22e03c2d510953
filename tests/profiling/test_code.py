"""Features of code: what each language counts, and that complexity agrees with lizard."""

from collections.abc import Callable

import lizard
import pytest
from tree_sitter import QueryCursor

from orchestration_assets.profiling import code
from orchestration_assets.profiling.code import (
    CODE_LANGUAGES,
    DOCUMENT_LANGUAGES,
    CodePiece,
    code_chars,
    decisions_per_function,
    document_features,
    part_to_parse,
)
from orchestration_assets.profiling.text import Values
from orchestration_assets.text.grammars import bounded_parse, parsable_source, parser
from tests.profiling.samples import standard_library

# language -> (a program, functions, classes, imports, cyclomatic_max)
PROGRAMS = {
    "python": (
        "import os\nclass A:\n    def f(self):\n        if a and b:\n            return 1\n",
        (1, 1, 1, 3),
    ),
    "javascript": (
        'import x from "y";\nclass A { f() { if (a && b) { return a ? 1 : 2; } } }\n'
        "const g = () => { for (;;) {} };\n",
        (2, 1, 1, 4),
    ),
    "typescript": (
        'import {x} from "y";\ninterface I { a?: number }\n'
        "function f(a: string): number { if (a || b) { return 1 } else if (c) { } }\n",
        (1, 1, 1, 4),
    ),
    "go": (
        'package a\nimport (\n"fmt"\n"os"\n)\ntype A struct{}\n'
        "func f() int { if a && b { return 1 }; switch x { case 1: } }\n",
        (1, 1, 2, 4),
    ),
    "rust": (
        "use a::b;\nstruct A;\nimpl T for A { fn f(&self) -> i32 { if a || b { 1 } else "
        "{ match x { 1 => 2, _ => 3 } } } }\n",
        (1, 1, 1, 5),
    ),
    "java": (
        "import a.b;\nclass A { int f() { if (a) { return b ? 1 : 2; } else if (c) {} "
        "switch (x) { case 1: break; } } }\n",
        (1, 1, 1, 5),
    ),
    "c": (
        "#include <x>\nstruct a { int b; };\n"
        "int f(void) { if (a && b) { while (1) {} } return a ? 1 : 2; }\n",
        (1, 1, 1, 5),
    ),
    "cpp": (
        "#include <x>\nclass A { int f() { try { } catch (...) {} for (auto x : y) {} } };\n",
        (1, 1, 1, 3),
    ),
    "ruby": (
        'require "x"\nclass A\n  def f\n    if a && b\n      1\n    end\n'
        "    x.each do |y| y unless z end\n  end\nend\n",
        (1, 1, 1, 4),
    ),
    "bash": (
        "source x\n. y\nf() {\n if a; then b; elif c; then d; fi\n for i in 1; do e; done\n"
        " case $x in a) b;; esac\n}\n",
        (1, 0, 2, 5),
    ),
}


def code_features(
    text: str, language: str, out_of_time: Callable[[], bool] = lambda: False
) -> Values:
    return code.code_features([CodePiece(text, language)], out_of_time)


@pytest.mark.parametrize("language", CODE_LANGUAGES)
def test_every_language_is_counted(language: str) -> None:
    program, (functions, classes, imports, complexity) = PROGRAMS[language]
    found = code_features(program, language)
    assert found["function_count"] == functions
    assert found["class_count"] == classes
    assert found["import_count"] == imports
    assert found["cyclomatic_max"] == complexity
    assert found["parse_error_share"] == 0


def test_a_nested_function_has_its_own_decisions() -> None:
    assert decisions_per_function([(0, 100), (20, 50)], [10, 30, 40, 60, 200]) == [2, 2, 1]
    found = code_features(
        "def f():\n    def g():\n        if a: pass\n    for b in c: pass\n", "python"
    )
    assert found["cyclomatic_complexity"] == 5
    assert found["cyclomatic_max"] == 2
    assert found["nesting_max"] == 3


def test_comments_and_docstrings_are_comment() -> None:
    source = '"""Doc."""\n# note\nx = "no"\n'
    assert code_features(source, "python")["comment_density"] == (10 + 6) / len(source)


def test_syntax_errors_degrade() -> None:
    broken = "def f():\n    if a:\n        return 1\n\ndef g(:\n    ]]] return\n"
    found = code_features(broken, "python")
    assert 0 < float(found["parse_error_share"] or 0) < 1
    assert int(found["function_count"] or 0) >= 1


def test_the_part_parsed_ends_with_a_line() -> None:
    most = code_chars("python")
    long = "x = 1\n" * most
    part = part_to_parse(long, "python", most)
    assert most - 6 <= len(part) <= most
    assert part.endswith("\n")
    assert len(part_to_parse("a" * most, "javascript", most)) == 2048
    assert part_to_parse("a" * most, "python", most) == "a" * 256
    assert part_to_parse("x = 1", "python", most) == "x = 1"


def test_when_time_runs_out_nothing_is_counted() -> None:
    looks = iter([False, True])
    assert code_features("x = 1\n" * 200, "python", lambda: next(looks)) == {}
    # and the parser is as good as before
    assert code_features("x = 1\n" * 200, "python")["parse_error_share"] == 0


def test_wreckage_is_not_counted() -> None:
    assert code_features("(\n" * 8000, "python") == {}
    assert code_features("<<E\n" * 1000, "bash") == {}


@pytest.mark.parametrize("text", ["|!" * 1024, "+%" * 1024])
def test_a_parse_that_runs_wild_is_given_up_by_the_work_that_it_did(text: str) -> None:
    source = parsable_source(text, "javascript")
    assert source is not None
    assert bounded_parse(source, "javascript", lambda: False) is None


def test_pieces_are_counted_together_each_in_its_grammar() -> None:
    found = code.code_features(
        [
            CodePiece("def f(a):\n    return a and 1\n", "python"),
            CodePiece("function g() { if (a) {} }\n", "javascript"),
            CodePiece("# nothing\n", "bash"),
        ]
    )
    assert found["function_count"] == 2
    assert found["cyclomatic_max"] == 2
    assert found["cyclomatic_mean"] == pytest.approx(5 / 3)
    assert code.code_features([]) == {}


DOCUMENTS = {
    "json": ('{"a": [1, {"b": 2}]}', 2, 3),
    "yaml": ("a: 1\nb:\n  - c: 2\n", 3, 3),
    "html": ("<div><p>x</p><br></div>", 3, 2),
    "css": ("a { b: c }\n@media x { d { e: f } }\n", 2, 2),
    "markdown": ("# h\n\n- a\n  - b\n\n> q\n", 6, 2),
}


@pytest.mark.parametrize("language", DOCUMENT_LANGUAGES)
def test_every_document_language_has_entries_and_depth(language: str) -> None:
    text, entries, depth = DOCUMENTS[language]
    assert document_features(CodePiece(text, language)) == {
        "entry_count": entries,
        "depth_max": depth,
        "parse_error_share": 0,
    }


def test_a_broken_document_says_so() -> None:
    assert float(document_features(CodePiece('{"a": ]', "json"))["parse_error_share"] or 0) > 0


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("bash", "{\U000e21f6"),
        ("bash", "{\U000e061d\n"),
        ("ruby", f"x = <<~{'A' * 300}\n  a\n{'A' * 300}\n"),
        ("yaml", "- " * 300),
        ("yaml", "? " * 300),
        ("yaml", "".join(" " * depth + "a:\n" for depth in range(300))),
    ],
)
def test_texts_that_end_the_process_within_a_grammar_do_not_reach_it(
    language: str, text: str
) -> None:
    measure = document_features if language in DOCUMENT_LANGUAGES else None
    for _ in range(100):
        measure(CodePiece(text, language)) if measure else code_features(text, language)


def test_bash_does_not_read_the_text_again_for_every_nul() -> None:
    code_features("\0" * code_chars("bash"), "bash")


def test_complexity_equals_lizards() -> None:
    equal = total = 0
    for path, text in standard_library(150, ".py"):
        source = text.encode()
        tree = parser("python").parse(source)
        captures = QueryCursor(code._query("python", tree.root_node.has_error)).captures(
            tree.root_node
        )
        functions = sorted(captures.get("function", []), key=lambda node: node.start_byte)
        counts = decisions_per_function(
            [(node.start_byte, node.end_byte) for node in functions],
            [node.start_byte for node in captures.get("decision", [])],
        )
        ours = {
            node.start_point.row + 1: 1 + count
            for node, count in zip(functions, counts, strict=False)
        }
        for function in lizard.analyze_file.analyze_source_code(path, text).function_list:
            total += 1
            equal += ours.get(function.start_line) == function.cyclomatic_complexity
    assert total > 1000
    assert equal >= 0.95 * total, f"{equal} of {total}"
