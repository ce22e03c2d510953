"""What people read descends from one root; every other error is caught by name on its way."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.schemas.errors import OrchestrationError
from tests.test_house import trees

PACKAGES = ("orchestration_assets", "resources", "jobs", "sensors")


def _errors(kind: type[BaseException] = BaseException) -> Iterator[type[BaseException]]:
    for child in kind.__subclasses__():
        if child.__module__.partition(".")[0] in PACKAGES:
            yield child
        yield from _errors(child)


def _caught() -> dict[str, set[str]]:
    """Name of an exception -> the modules that catch it by that name."""
    found: dict[str, set[str]] = {}
    for module, (_, tree) in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and node.type is not None:
                for name in ast.walk(node.type):
                    if isinstance(name, ast.Name | ast.Attribute):
                        said = name.id if isinstance(name, ast.Name) else name.attr
                        found.setdefault(said, set()).add(module)
    return found


def test_an_error_that_nobody_catches_by_name_is_one_that_people_read() -> None:
    for package in PACKAGES:
        loaded = import_module(package)
        for module in walk_packages(loaded.__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    errors, caught = set(_errors()), _caught()
    assert len(errors) > 40
    for error in errors:
        own = {kind.__name__ for kind in error.__mro__ if kind.__module__ != "builtins"}
        assert issubclass(error, OrchestrationError) or own & caught.keys(), error


def test_the_root_is_caught_once() -> None:
    # in each program that people or the first one start: the server goes on after a page, and its
    # thread after a round
    programs = {"orchestration_assets.__main__", "orchestration_assets.command.batch_process"}
    programs |= {"orchestration_assets.explorer.app", "orchestration_assets.explorer.upkeep"}
    # what is activated is, whatever comes of telling so
    programs.add("orchestration_assets.command.policy_activation")
    # batches go on, whatever comes of telling alerts
    programs.add("orchestration_assets.command.run_work")
    # no run is lost for its trace
    programs.add("orchestration_assets.tracing.sender")
    assert _caught()[OrchestrationError.__name__] == programs


@pytest.mark.parametrize("command", [["run", "."], ["preview", "."], ["explain", "x"]])
def test_a_setting_that_cannot_be_used_is_one_line(command, monkeypatch, capsys) -> None:
    monkeypatch.setenv("ORCHESTRATION_TICK_SECONDS", "often")
    assert main(command) == 2
    assert capsys.readouterr().err == (
        "orchestrate: ORCHESTRATION_TICK_SECONDS='often': give whole seconds, 1 or more\n"
    )
