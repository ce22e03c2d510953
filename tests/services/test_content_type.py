"""The three content type services: name, grammar, magika."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._packaged_plan import PackagedPlans
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.services.content_type.content_types import CONTENT_TYPES, from_magika
from orchestration_assets.services.content_type.extension_map import _EXTENSIONS, _NAMES
from orchestration_assets.services.content_type.shared_extension_formats import told_format
from orchestration_assets.services.registry import load_embedded
from tests.services.questions import question
from tests.services.samples import CODE, PLAIN_SIGNS, PROSE, SHARED_EXTENSIONS


def ask(service: str, text: str = "", path: str = "withheld") -> Reading:
    return load_embedded(service).answer(question("content_type", text, path))


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("src/main.py", "python"),
        ("a.b.c.rs", "rust"),
        ("C:\\code\\Main.JAVA", "java"),
        ("types.d.ts", "typescript"),
        ("Makefile", "makefile"),
        ("docker/Dockerfile.dev", "dockerfile"),
        ("CMakeLists.txt", "cmake"),
        ("web/.gitignore", "ignore"),
        ("README", "text"),
        ("README.txt", "text"),
        ("config.py.in", "python"),
        ("new\nline.go", "go"),
        ("🎉 party.md", "markdown"),
        ("  spaces .rb  ", "ruby"),
    ],
)
def test_names(path: str, label: str) -> None:
    assert ask("extension_map", path=path).answer == label


@pytest.mark.parametrize(
    "path", ["", "run", "bin/run", ".hidden", "a.", "folder.d/run", "a.q🎉z", "\n"]
)
def test_names_that_say_nothing(path: str) -> None:
    reading = ask("extension_map", CODE["python"], path)
    assert reading.status is Status.ABSTAINED
    assert reading.reason


def test_shared_extensions_say_with_whom() -> None:
    header = ask("extension_map", path="list.h")
    assert header.answer == "c"
    assert header.confidence == 0.62
    assert [other.answer for other in header.alternatives] == ["cpp", "objectivec"]
    assert header.evidence == "extension .h is shared by c (.62), cpp (.35), objectivec (.03)"
    certain = ask("extension_map", path="list.rs").confidence
    assert certain is not None
    assert certain > 0.97


@pytest.mark.parametrize(
    "extension",
    """as bas bb cake cl cls cp cs d ecl es ex f for fr frag frm fs ftl gd gml gs h hh i inc j l ls
    m mac md ml mm mod ms mts n nb ncl p pl plt pm pot pp pro q r re rpy s sc sch sls sol spec
    sql st stl sw t tf tm ts tsx tst txt v vcf vhd x xpm yy""".split(),
)
def test_what_several_languages_use_is_not_said_with_certainty(extension: str) -> None:
    reading = ask("extension_map", path=f"a.{extension}")
    assert reading.confidence is not None
    assert reading.confidence < 0.98
    assert reading.alternatives or extension in {"as", "f", "fs", "gd", "s", "sql"}


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("counter.v", {"verilog", "other"}),
        ("article.cls", {"latex", "visualbasic", "other"}),
        ("facts.pl", {"perl", "prolog", "other"}),
        ("disk.vhd", {"vhdl", "other"}),
    ],
)
def test_all_that_share_an_extension_are_named(path: str, labels: set[str]) -> None:
    reading = ask("extension_map", path=path)
    assert {reading.answer, *(other.answer for other in reading.alternatives)} == labels


def test_a_name_means_the_same_whatever_it_contains() -> None:
    assert ask("extension_map", CODE["go"], "a.py") == ask("extension_map", PROSE["zh"], "a.py")


def test_every_name_leads_to_a_known_type() -> None:
    for shares in (*_EXTENSIONS.values(), *_NAMES.values()):
        assert {label for label, _ in shares} <= set(CONTENT_TYPES)
        assert sum(share for _, share in shares) <= 1.0 + 1e-9
        assert [share for _, share in shares] == sorted((s for _, s in shares), reverse=True)


@pytest.mark.parametrize("label", CODE)
def test_grammar_reads_code_without_names(label: str) -> None:
    reading = ask("grammar", CODE[label])
    assert reading.answer == label
    assert reading.confidence is not None
    assert reading.confidence > 0.8


@pytest.mark.parametrize("label", PLAIN_SIGNS)
def test_grammar_sees_plain_signs(label: str) -> None:
    assert ask("grammar", PLAIN_SIGNS[label]).answer == label


@pytest.fixture(scope="module")
def plans() -> PackagedPlans:
    return PackagedPlans()


@pytest.mark.parametrize("name", SHARED_EXTENSIONS)
def test_the_content_settles_what_an_extension_shares(name: str, plans: PackagedPlans) -> None:
    extension, label, text = SHARED_EXTENSIONS[name]
    for path in (f"a.{extension}", f"src/{name}.{extension}"):
        answered = plans.answer("content_type", path, text)
        assert answered is not None
        assert answered.standing is not None
        assert answered.standing.answer == label
    if label not in {"other", "c"}:
        assert ask("grammar", text).answer == label


@pytest.mark.parametrize("extension", ["m", "pl", "v", "cls", "h"])
@pytest.mark.parametrize("text", ["x\n", "12 34 56 78 90\n", "- - - - - -\n"])
def test_where_the_content_does_not_tell_nobody_is_sure(
    extension: str, text: str, plans: PackagedPlans
) -> None:
    answered = plans.answer("content_type", f"a.{extension}", text)
    assert answered is not None
    assert answered.standing is None or (answered.standing.confidence or 0.0) < 0.9


@pytest.mark.parametrize("label", [*CODE, *PLAIN_SIGNS])
def test_marks_of_rarer_formats_are_not_seen_elsewhere(label: str) -> None:
    assert told_format({**CODE, **PLAIN_SIGNS}[label]) is None


@given(st.text(max_size=400))
def test_any_text_has_marks_or_none(text: str) -> None:
    told = told_format(text)
    assert told is None or (told[0] in CONTENT_TYPES and 0.0 < told[1] < 1.0)


def test_grammar_never_looks_at_the_name() -> None:
    assert ask("grammar", CODE["go"], "liar.py") == ask("grammar", CODE["go"])
    assert ask("grammar", CODE["go"], "liar.py").answer == "go"


@pytest.mark.parametrize("text", ["", "  \n", "x", "yes", "12345 67890", "?? !! ?? !! ?? !!"])
def test_grammar_abstains_where_nothing_tells(text: str) -> None:
    assert ask("grammar", text).status is Status.ABSTAINED


def test_grammar_is_unsure_what_a_bare_module_is() -> None:
    reading = ask("grammar", "export * from './reader';\nexport * from './writer';\n")
    assert reading.answer in {"javascript", "typescript"}
    assert reading.confidence is not None
    assert reading.confidence < 0.7
    assert {other.answer for other in reading.alternatives} & {"javascript", "typescript"}


def test_grammar_reads_flow_as_javascript() -> None:
    text = "/**\n * @flow\n */\n" + CODE["typescript"].replace("private readonly ", "")
    assert ask("grammar", text).answer == "javascript"


def test_grammar_knows_who_a_shell_line_hands_over_to() -> None:
    text = '#!/bin/sh\n# restarts with tclsh \\\nexec tclsh "$0" "$@"\nset a 1\nputs $a\n'
    assert ask("grammar", text).answer == "tcl"


def test_markdown_with_much_code_is_markdown() -> None:
    text = "# Use\n\n```ts\n" + CODE["typescript"] + "```\n\nThen:\n\n```ts\nrun();\n```\n"
    assert ask("grammar", text).answer == "markdown"


def test_fences_in_a_programs_comment_do_not_make_it_markdown() -> None:
    comment = "/*!\nA store.\n\n# Example\n\n```\nstore.visit();\n```\n*/\n"
    assert ask("grammar", comment + CODE["rust"]).answer == "rust"


def test_a_module_that_is_mostly_docstring_is_python() -> None:
    text = 'r"""\nMarkers\n=======\n\n.. table:: All of them\n\n``o`` circle\n"""\nimport os\n'
    assert ask("grammar", text).answer == "python"


def test_members_named_like_types_are_no_types() -> None:
    text = CODE["javascript"] + "module.exports.types = {\n  string: string,\n  any: any,\n};\n"
    assert ask("grammar", text).answer == "javascript"


@pytest.mark.parametrize("label", ["python", "go", "rust", "java", "cpp", "ruby", "shell"])
def test_magika_reads_code_without_names(label: str) -> None:
    assert ask("magika", CODE[label]).answer == label


def test_magika_only_needs_the_ends() -> None:
    text = CODE["rust"] * 200
    assert ask("magika", text).answer == "rust"
    assert ask("magika", text) == ask("magika", text[:4096] + "x" * 10_000 + text[-4096:])


def test_magika_abstains_on_almost_nothing() -> None:
    assert ask("magika", "x").status is Status.ABSTAINED
    assert ask("magika", "").status is Status.ABSTAINED


def test_every_magika_label_has_a_name_here() -> None:
    from magika import Magika

    labels = {from_magika(str(label)) for label in Magika().get_output_content_types()}
    assert labels <= set(CONTENT_TYPES)
    assert from_magika("cs") == "csharp"
    assert from_magika("txt") == "text"
    assert from_magika("smali") == "other"


@pytest.mark.parametrize("text", ["#!/bin/bash\n{\U0001f600 a; }\n" * 40, "x = {\U00020000\n" * 40])
def test_a_character_that_ends_a_grammar_is_kept_from_it(text):
    """tree-sitter-bash reads past its tables at a brace before a character beyond U+FFFF."""
    from orchestration_assets.services.content_type.parse_evidence import error_share

    assert 0.0 <= error_share(text, "shell") <= 1.0


def test_a_here_document_name_that_overflows_a_grammar_is_kept_from_it():
    from orchestration_assets.services.content_type.parse_evidence import error_share

    assert error_share(f"x = <<{'A' * 2000}\n", "ruby") == 1.0


def test_magika_abstains_below_its_own_threshold_and_says_what_it_would_have_guessed() -> None:
    reading = ask("magika", f"# The archive\n\n{PROSE['en']} It is a good and helpful archive.\n")
    assert reading.status is Status.ABSTAINED
    assert str(reading.reason).startswith("magika is unsure: its best guess is ")


def test_a_table_may_begin_with_a_line_of_its_own_and_signatures_are_none() -> None:
    rows = "\n".join(f"{n}.5,{n},0.{n},red" for n in range(20))
    assert ask("grammar", f"178,4,first\n# measured twice\n{rows}\n").answer == "csv"
    stubs = "\n".join(
        f"def read_{n}(data: bytes, at: int, swap: bool) -> int: ..." for n in range(9)
    )
    for opening in ("from ._base import one, two", stubs.splitlines()[0]):
        assert ask("grammar", f"{opening}\n{stubs}\n").answer != "csv"


def test_a_role_is_a_mark_of_restructuredtext_alone() -> None:
    text = (
        "Folder of the build\n-------------------\n\nThe full path of the folder in which the "
        "program :command:`make` was started. It is set by :ref:`the tool <tool>` and read by "
        "the option :option:`-B`; see :variable:`SOURCE_FOLDER` for the other one of the two.\n"
    )
    reading = ask("grammar", text)
    assert reading.answer == "rst"
    assert "0 marks of markdown" in str(reading.evidence)


def test_the_runtime_of_the_model_writes_and_tells_nothing_beside(tmp_path: Path) -> None:
    """onnxruntime has a database below the user's folder, of what it sends to its maker."""
    environment = {
        **{name: of for name, of in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"},
        **{"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
    }
    program = (
        "from orchestration_assets.services.content_type.magika_service import _model; _model()"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert not list(tmp_path.rglob("*onnxruntime*"))
