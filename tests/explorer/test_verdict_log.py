"""Verdicts are on disk when they are given, and fall between nothing."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.verdict_folder import take
from orchestration_assets.content.verdicts import ParsedVerdicts
from orchestration_assets.explorer import verdict_log
from orchestration_assets.explorer.verdict_log import GivenVerdict, VerdictLog, file_name, read_line

ONE = GivenVerdict("i" * 16, "t", "x", "Ada", "2026-01-01T00:00:00+00:00", "c" * 32, "b/1")


@given(
    st.text(),
    st.one_of(
        st.text(),
        st.floats(allow_nan=False),
        st.lists(st.text()),
        st.dictionaries(st.text(), st.text()),
    ),
    st.text(),
)
def test_a_line_says_what_was_given(who: str, verdict: object, note: str) -> None:
    text = [who, note, json.dumps(verdict, ensure_ascii=False)]
    if any(0xD800 <= ord(sign) <= 0xDFFF for one in text for sign in one):
        return  # no text that can be stored: it is refused before
    line = replace(ONE, who=who, verdict=verdict, note=note).line()
    assert line.count(b"\n") == 1
    assert read_line(line) == replace(ONE, who=who, verdict=verdict, note=note)


@given(st.text(max_size=100))
def test_no_name_leaves_the_folder(who: str) -> None:
    name = file_name(who) if not any(0xD800 <= ord(s) <= 0xDFFF for s in who) else "explorer-.jsonl"
    assert "/" not in name
    assert name.startswith("explorer-")
    assert name.isascii()
    assert len(name) < 60


def test_the_last_verdict_is_taken_back_and_others_stay(tmp_path: Path) -> None:
    log = VerdictLog(tmp_path / "verdicts")
    for number in range(3):
        log.give(replace(ONE, task=str(number)))
    log.give(replace(ONE, who="Bob"))
    assert log.take_back("Ada") == replace(ONE, task="2")
    assert [one.task for one in log.waiting() if one.who == "Ada"] == ["0", "1"]
    assert log.take_back("Ada") is not None
    assert log.take_back("Ada") is not None
    assert log.take_back("Ada") is None
    assert not log.holds("Ada")
    assert [one.who for one in log.waiting()] == ["Bob"]


def test_what_is_taken_back_is_the_last_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = VerdictLog(tmp_path)
    monkeypatch.setattr(verdict_log, "_FULL", len(ONE.line()) * 2)
    for number in range(5):
        log.give(replace(ONE, task=str(number)))
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    (path,) = tmp_path.glob("*-3.jsonl")
    path.write_bytes(path.read_bytes() + ONE.line()[:-20])
    taken = [log.take_back("Ada") for _ in range(5)]
    assert [one.task for one in taken if one] == ["4", "3", "2", "1", "0"]
    assert not log.holds("Ada")
    assert VerdictLog(tmp_path / "nowhere").take_back("Ada") is None


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    log = VerdictLog(tmp_path)
    log.give(ONE)
    path = tmp_path / file_name("Ada")
    path.write_bytes(path.read_bytes()[:-20])
    log.give(replace(ONE, task="u"))
    assert [one.task for one in log.waiting()] == ["u"]
    assert len(path.read_bytes().splitlines()) == 2


def test_verdicts_given_while_others_are_taken_in_are_neither_lost_nor_torn(tmp_path: Path) -> None:
    log, taken = VerdictLog(tmp_path), []

    def understand(name: str, data: bytes) -> ParsedVerdicts:
        taken.extend(json.loads(line)["task"] for line in data.splitlines())
        return ParsedVerdicts((), 0)

    def write(who: str) -> None:
        for number in range(25):
            log.give(replace(ONE, who=who, task=f"{who}-{number}"))

    people = [threading.Thread(target=write, args=(who,)) for who in ("Ada", "Bob")]
    for person in people:
        person.start()
    while any(person.is_alive() for person in people):
        take(tmp_path, lambda: 4e9, 0.0, understand)
    take(tmp_path, lambda: 4e9, 0.0, understand)
    assert not list(log.waiting())
    assert sorted(set(taken)) == sorted(f"{who}-{n}" for who in ("Ada", "Bob") for n in range(25))


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    from orchestration_assets.schemas.errors import OrchestrationError

    target = tmp_path / "elsewhere"
    (tmp_path / "verdicts").mkdir()
    (tmp_path / "verdicts" / file_name("Ada")).symlink_to(target)
    with pytest.raises(OrchestrationError):
        VerdictLog(tmp_path / "verdicts").give(ONE)
    assert not target.exists()
