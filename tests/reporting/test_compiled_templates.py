"""A template that is kept compiled is the template that would be compiled."""

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment, FileSystemLoader

from orchestration_assets.reporting.compiled_templates import CompiledTemplates


def _page(folder: Path) -> str:
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, bytecode_cache=CompiledTemplates()
    )
    return environment.get_template("page.html").render(name="<Ada>")


def _kept(folder: Path) -> list[Path]:
    return list(folder.glob("__pycache__/*"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "page.html").write_text("Hello {{ name }}")
    return tmp_path


def test_it_is_compiled_once_and_anew_when_its_source_changes(folder: Path) -> None:
    assert _page(folder) == "Hello &lt;Ada&gt;"
    (kept,) = _kept(folder)
    before = kept.stat().st_ino
    assert _page(folder) == "Hello &lt;Ada&gt;"
    assert kept.stat().st_ino == before
    (folder / "page.html").write_text("Bye {{ name }}")
    assert _page(folder) == "Bye &lt;Ada&gt;"


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 64])
def test_what_is_no_compiled_template_is_replaced(folder: Path, damage: bytes) -> None:
    assert _page(folder) == "Hello &lt;Ada&gt;"
    (kept,) = _kept(folder)
    whole = kept.read_bytes()
    for broken in (damage, whole[:16] + damage, whole[:-5]):
        kept.write_bytes(broken)
        assert _page(folder) == "Hello &lt;Ada&gt;"
        assert kept.read_bytes() == whole


def test_what_was_compiled_without_escaping_is_compiled_anew(folder: Path) -> None:
    loader, kept = FileSystemLoader(folder), CompiledTemplates()
    plain = Environment(loader=loader, autoescape=False, bytecode_cache=kept)
    assert plain.get_template("page.html").render(name="<Ada>") == "Hello <Ada>"
    assert _page(folder) == "Hello &lt;Ada&gt;"


def test_nothing_is_written_where_python_writes_no_bytecode(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert _page(folder) == "Hello &lt;Ada&gt;"
    assert not _kept(folder)


def test_a_folder_that_cannot_be_written_is_no_matter(folder: Path) -> None:
    (folder / "__pycache__").write_text("no folder")
    assert _page(folder) == "Hello &lt;Ada&gt;"


def test_a_template_without_a_file_is_compiled_each_time() -> None:
    loader = DictLoader({"page.html": "Hello {{ name }}"})
    environment = Environment(loader=loader, autoescape=True, bytecode_cache=CompiledTemplates())
    assert environment.get_template("page.html").render(name="Ada") == "Hello Ada"
