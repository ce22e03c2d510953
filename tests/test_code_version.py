"""The version of a result changes with what it was computed with, and with nothing else."""

import ast
import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import getsourcefile
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestration_assets.code_version import code_version
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.reporting.page import render_index
from orchestration_assets.schemas.services import EmbeddedConfig, ServiceConfig
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.pool import build_services
from orchestration_assets.services.registry import EMBEDDED
from orchestration_assets.services.title.title_form import form_score
from orchestration_assets.text.context_window import fit
from orchestration_assets.text.prompts.templates import render
from orchestration_assets.text.redaction import redact
from orchestration_assets.text.replies.answers import reading_of
from orchestration_assets.text.sensitive.assigned_secrets import assigned_secrets
from resources.ai_services.http.transport import Transport
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import chat, embeddings
from tests.processing.services import question

ROOT = Path(__file__).parents[1]
PACKAGES = ("orchestration_assets", "resources")
module = sys.modules[code_version.__module__]
_CACHED = ("code_version", "_read", "_source", "_data_files", "_installed")


def forget() -> None:
    for name in _CACHED:
        vars(module)[name].cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "a_package_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield folder
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


def test_any_change_of_code_data_or_library_is_another_version(package, monkeypatch) -> None:
    start, used, table, arrays = (
        package / name for name in ("start.py", "used.py", "table.json", "arrays.npz")
    )
    start.write_text(
        "import pyarrow\n\ndef f():\n"
        f"    from {package.name} import (  # (one)\n"
        "        nothing,\n        used as other,\n    )\n"
    )
    used.write_text('DATA = "arrays.npz"\nFILES = ("table.json", "absent.json")\n')
    table.write_text("{}")
    arrays.write_bytes(b"1")

    def version(*without: str) -> str:
        forget()
        return code_version(f"{package.name}.start", without)

    found = [version()]
    for unrelated in ("other.json", "other.py"):
        (package / unrelated).write_text("1")
    assert version() == found[0]
    used.write_text(used.read_text() + "one = 2\n")
    found.append(version())
    table.write_text("[1]")
    found.append(version())
    arrays.write_bytes(b"2")
    found.append(version())
    found.append(version(f"{package.name}.used"))
    other = SimpleNamespace(read_text=lambda name: "Name: any\nVersion: 0\n\nVersion: 1\n")
    monkeypatch.setattr(module, "distribution", lambda name: other)
    found.append(version())
    assert len(set(found)) == len(found)


def test_libraries_that_are_only_named_count_where_modules_load_by_name(package) -> None:
    start = package / "start.py"
    found = []
    for head in ("from math import pi\n", "from importlib import import_module\n"):
        for name in ("lmdb", "tree_sitter_json"):
            start.write_text(f'{head}NAME = "{name}"\n')
            forget()
            digest = module._read(f"{package.name}.start")
            assert digest is not None
            found.append(name in digest.imports)
    assert found == [False, False, True, True]


def test_imports_are_those_of_the_syntax_tree() -> None:
    for folder in (*PACKAGES, "jobs", "sensors", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            source = path.read_text("utf-8")
            assert set(module._imports(source)) == set(_in_tree(source)), path


def _in_tree(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("distribution", module._DISTRIBUTIONS.values())
def test_libraries_of_another_name_are_found(distribution) -> None:
    assert module._installed(distribution) != "absent"


SERVICE = """
from typing import ClassVar

from {package}.words import word
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import label_reading


class Said(EmbeddedService):
    name: ClassVar[str] = "said"
    expected_ms: ClassVar[float] = 1.0

    def answer(self, question):
        return label_reading(question, [(word(), 0.9)], "said")
"""


def test_an_answer_is_computed_again_when_a_helper_of_its_service_changed(package) -> None:
    (package / "service.py").write_text(SERVICE.replace("{package}", package.name))
    (package / "unrelated.py").write_text("")

    def ask(text: str) -> tuple[str, object]:
        (package / "words.py").write_text(text)
        forget()
        for name in ("service", "words"):
            sys.modules.pop(f"{package.name}.{name}", None)
        said = import_module(f"{package.name}.service").Said()
        cache = AnswerCache(LmdbStore(package.parent / "answers"))
        answered = asyncio.run(Asker({"said": said}, cache).ask("said", question()))
        cache.flush()
        return answered.origin, answered.reading.answer

    assert ask("def word(): return 'a'") == ("called", "a")
    assert ask("def word(): return 'a'") == ("cache", "a")
    (package / "unrelated.py").write_text("changed = True")
    assert ask("def word(): return 'a'") == ("cache", "a")
    assert ask("def word(): return 'bb'[:1]") == ("called", "b")


# the others need parameters
PLAIN = EMBEDDED.keys() - {"word_labels", "example_labels"}


def versions() -> dict[str, str]:
    forget()
    configs: dict[str, ServiceConfig] = {one: EmbeddedConfig(implementation=one) for one in PLAIN}
    configs |= {"chat": chat("http://localhost/v1"), "vectors": embeddings("http://localhost/v1")}
    return {name: service.version for name, service in build_services(configs).items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the project, from which versions are derived."""
    for folder in PACKAGES:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    places = {
        name: SimpleNamespace(submodule_search_locations=[tmp_path / name]) for name in PACKAGES
    }
    monkeypatch.setattr(module, "find_spec", places.get)
    yield tmp_path
    forget()


EVERY = {*PLAIN, "chat", "vectors"}
CHANGES: dict[str, tuple[Callable[..., object] | str, set[str]]] = {
    "redaction": (assigned_secrets, {"chat", "vectors"}),
    "guard": (redact, {"chat", "vectors"}),
    "context": (fit, {"chat", "vectors"}),
    "prompt": (render, {"chat"}),
    "answer parser": (reading_of, {"chat"}),
    "transport": (Transport, set()),
    "contract": (EmbeddedService, {*PLAIN}),
    "titles": (form_score, {"declared_title", "central_sentence", "title_judge", "declared_facts"}),
    "content types": ("content_type_evidence.json", {"grammar"}),
    "keywords": (
        "document_frequencies.json",
        {
            "tfidf_keywords",
            "graph_keywords",
            "title_judge",
            "grammar",
            "vader_tone",
            "adjective_tone",
        },
    ),
    "report": (render_index, set()),
}


def test_a_change_touches_the_versions_of_what_runs_it_alone(project) -> None:
    before = versions()
    assert before.keys() == EVERY
    for name, (what, expected) in CHANGES.items():
        if isinstance(what, str):
            (file,) = project.rglob(what)
        else:
            file = project / Path(str(getsourcefile(what))).relative_to(ROOT)
        held = file.read_bytes()
        file.write_bytes(held + b"\n")
        after = versions()
        file.write_bytes(held)
        assert {one for one in EVERY if after[one] != before[one]} == expected, name
