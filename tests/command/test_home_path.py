"""Homes at paths that are hard to quote: used, or refused in words before anything is written."""

import os
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command.instance import open_instance
from orchestration_assets.command.instance_paths import HomePathError, check_home
from resources.home import Home

NAMES = [
    "a#b",
    "a b",
    "a[b]{c}",
    "a\nb",
    "a'\"b",
    "a;b&c=d@e:f",
    "100% %(here)s",
    "é😀",
    "a\\b",
    "$HOME",
    "~x",
    os.fsdecode(b"caf\xe9"),
    "a?b",
    "a%41b",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_home_is_used_where_it_lies_or_refused(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    if name in ("a?b", "a%41b") or (not name.isprintable() and "\n" not in name):
        with pytest.raises(HomePathError, match="choose another --home"):
            check_home(Home(home))
        assert list(tmp_path.iterdir()) == []
        return
    check_home(Home(home))
    instance = open_instance(Home(home))
    assert instance.get_runs_count() == 0
    instance.dispose()
    assert list(tmp_path.iterdir()) == [home]
    assert list((home / "dagster").rglob("*.db"))


def test_another_place_for_dagster_lets_any_home_be(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "instance"))
    check_home(Home(tmp_path / "a?b"))


@pytest.mark.slow
def test_a_run_with_odd_names_everywhere(tmp_path: Path, capsys) -> None:
    source, home = tmp_path / "s %41#?[b]\n", tmp_path / "h #[b]\n"
    source.mkdir()
    (source / "a?#%41.txt").write_text("words of a text that is short")
    with open(os.fsencode(source) + b"/caf\xe9.txt", "wb") as file:  # noqa: PTH123 -- a bytes path
        file.write(b"other words of a text")
    policy = tmp_path / "p?#.yaml"
    policy.write_text(
        "version: 2\nservices: {stopwords: {implementation: stopwords}}\n"
        "tasks:\n  language:\n    question: Which?\n"
        "    default: {model: sequential, services: [stopwords]}\n"
    )
    arguments = ["run", str(source), "--home", str(home), "--policy", str(policy)]
    assert main(arguments) == 0
    assert "accepted 2" in capsys.readouterr().out
    assert main(arguments) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [source.name, home.name, policy.name]
    )
