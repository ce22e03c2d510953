"""`orchestrate signals`, as a user reads it."""

import json
from datetime import timedelta

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command.signals import span
from tests.conftest import Finished

POLICY = """\
version: 2
alerts:
  rules:
    - {name: busy, signal: calls, above: 1, severity: note, runbook: Have a look.}
    - {name: broken, signal: error_rate, above: 0.5}
services:
  grammar: {type: embedded, implementation: grammar}
tasks:
  content_type:
    kind: label
    question: What is it?
    default: {model: sequential, services: [grammar]}
"""


@pytest.fixture
def arguments(finished: Finished, tmp_path) -> list[str]:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    return ["signals", "--home", str(finished.home), "--policy", str(policy)]


def test_it_prints_signals_what_waits_and_alerts(arguments, finished, capsys) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert f"the newest is {finished.batch}" in out
    for words in ("95 % within", "error rate", "by service", "by task", "by cache tier"):
        assert words in out
    assert "busy (note): holds: calls is" in out and "what to do: Have a look." in out
    assert "broken (ticket): quiet: error_rate is 0.000" in out


@pytest.mark.parametrize("columns", [72, 80, 200])
def test_no_line_is_wider_than_the_terminal(arguments, columns, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    by_task = out.partition("by task")[2].partition("by cache tier")[0]
    assert ("0.000 (0.000 to" in by_task) == (columns == 200)


def test_a_wrong_place_for_a_file_is_said_before_anything_is_told(arguments, capsys) -> None:
    assert main([*arguments, "--tell", "--textfile", "signals.txt"]) == 2
    assert "end in .prom" in capsys.readouterr().err


def test_as_json_it_has_every_measure_once(arguments, capsys) -> None:
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    keys = [(one["signal"], one["service"], one["task"], one["tier"]) for one in found["signals"]]
    assert len(keys) == len(set(keys)) > 20
    assert {one["name"]: one["holds"] for one in found["alerts"]} == {"busy": True, "broken": False}
    assert found["batches"] == 1


def test_what_is_asked_wrongly_is_said_in_one_line(tmp_path, capsys) -> None:
    assert main(["signals", "--home", str(tmp_path / "away")]) == 2
    assert "there is no such home" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["signals", "--since", "a week"])
    assert "give one such as 7d" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "7", "-1d", "0d", "1e9d", "7 d", "99999999d", "1.d"])
def test_a_length_of_time_is_a_number_and_a_unit(text) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        span(text)
    assert span("1.5h") == timedelta(minutes=90)
