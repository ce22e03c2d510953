"""The functions of a program: their names, parameters and descriptions, in every grammar."""

import pytest

from orchestration_assets.text.source_functions import (
    described,
    guessed_language,
    source_functions,
)
from tests.services.samples import CODE

SOURCES = {
    "python": "@dec\nasync def add(a: int, *, b=1, **c) -> str:\n    'Adds.'\n    def b(): pass\n",
    "javascript": "/**\n * Adds.\n * @param a one\n */\nexport const add = (a, b = 1) => a + b;\n",
    "typescript": "// Adds.\nexport function add(a: int, b?: string): number { return 1 }\n",
    "go": "// Adds.\nfunc (s *Sum) add(a int, b string) error {\n\treturn nil\n}\n",
    "rust": "impl Sum {\n  /// Adds.\n  #[inline]\n  pub fn add(&self, a: i32) -> i32 { a }\n}\n",
    "java": "class Sum {\n /** Adds. */\n @Override\n int add(int a, int b) { return a; }\n}\n",
    "c": "/* Adds. */\nstatic int *add(int a, const char *b)\n{ return 0; }\n",
    "cpp": "struct Sum {\n  // Adds.\n  int add(int a) const { return a; }\n};\n",
    "ruby": "module Sum\n  # Adds.\n  def add(a, b = 1)\n  end\nend\n",
    "bash": "# Adds.\nadd() {\n  echo 1\n}\n",
}
PARAMETERS = {
    "python": ("a: int", "b=1", "**c"),
    "javascript": ("a", "b = 1"),
    "typescript": ("a: int", "b?: string"),
    "go": ("a int", "b string"),
    "rust": ("&self", "a: i32"),
    "java": ("int a", "int b"),
    "c": ("int a", "const char *b"),
    "cpp": ("int a",),
    "ruby": ("a", "b = 1"),
    "bash": (),
}
OWNED = {"go", "rust", "java", "cpp", "ruby"}


@pytest.mark.parametrize("language", SOURCES)
def test_a_function_is_read_with_what_is_said_of_it(language) -> None:
    read = source_functions(SOURCES[language], language)
    assert read.is_whole
    (one,) = read.functions
    assert (one.name, one.description, one.parameters) == ("add", "Adds.", PARAMETERS[language])
    assert one.owner == ("Sum" if language in OWNED else "")
    line = SOURCES[language].split("\n")[one.line - 1]
    assert one.words in line and "add" in one.words


@pytest.mark.parametrize("language", [name for name in CODE if name not in ("typescript", "shell")])
def test_the_language_is_guessed_by_how_functions_are_defined(language) -> None:
    assert guessed_language(CODE[language]) == language
    assert guessed_language("No program, only words.\n") == ""


def test_a_comment_belongs_to_what_stands_right_below_it() -> None:
    text = (
        "# Of nothing.\n\n\ndef f(): pass\n\n# Two lines\n# of words.\n#\n# More.\ndef g(): pass\n"
    )
    assert [one.description for one in source_functions(text, "python").functions] == [
        "",
        "Two lines of words.",
    ]


def test_functions_that_are_assigned_are_called_by_their_name() -> None:
    text = "module.exports = function read(a) {};\nx.walk = (b) => b;\nclass A { go = () => 1; }\n"
    names = [one.name for one in source_functions(text, "javascript").functions]
    assert names == ["read", "x.walk", "go"]


def test_descriptions_are_first_paragraphs_without_marks_and_tags() -> None:
    assert described("/**\n * Adds\n * two.\n *\n * More.\n */") == "Adds two."
    assert described("/// Adds.\n/// @param a one") == "Adds."
    assert described("Adds.\n\nArgs:\n    a: one") == "Adds."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("def f(" * 5000, "python"),
        ("(" * 50_000, "javascript"),
        ("class A:\n" * 3000, "python"),
        ("\ud800def f(): pass", "python"),
        ("def f(): pass", "cobol"),
        ("", "python"),
    ],
    ids=range(6),
)
def test_hostile_and_unknown_sources_end(text, language) -> None:
    assert len(source_functions(text, language).functions) <= 500
    guessed_language(text)


def test_the_number_of_functions_is_bounded() -> None:
    text = "def f(): pass\n" * 2000
    assert len(source_functions(text, "python").functions) == 500
