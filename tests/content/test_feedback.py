import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration_assets.content.verdict_folder import (
    FeedbackFolderError,
    TakenFiles,
    accepted_verdicts,
    take,
    waiting,
)
from orchestration_assets.content.verdicts import VerdictContext, understand
from tests.content.test_verdicts import GOOD, TASKS, as_csv, find, jsonl

RULES = VerdictContext(TASKS, "policyhash", datetime(2026, 11, 24, tzinfo=UTC))
SETTLE = 10.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "verdicts"
    folder.mkdir()
    return folder


def later() -> float:
    """A clock by which every file has settled."""
    return time.time() + SETTLE + 1


def take_all(folder: Path, understood=None) -> TakenFiles:
    return take(folder, later, SETTLE, understood or _understood)


def _understood(name, data):
    return understand(name, data, RULES, find)


def said(folder: Path) -> list[tuple[str, str]]:
    return [(row["verdict"], row["who"]) for row in accepted_verdicts(folder).to_pylist()]


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("[!.]*") if p.is_file())


def test_a_file_is_read_only_once_it_has_settled(folder) -> None:
    path = folder / "march.csv"
    path.write_bytes(as_csv(GOOD))
    os.utime(path, (0, 0))  # a copy may carry an old modification time
    now = path.stat().st_ctime
    assert (waiting(folder, now + 9, SETTLE).settled, waiting(folder, now, SETTLE).unsettled) == (
        (),
        1,
    )
    (drop,) = waiting(folder, now + 10.1, SETTLE).settled
    assert drop.name == "march.csv"
    assert take(folder, lambda: now, SETTLE, _understood) == TakenFiles(unsettled=1)
    assert names(folder) == ["march.csv"]


def test_what_programs_are_still_writing_and_folders_of_people_are_left_alone(folder) -> None:
    for name in (".march.csv.swp", "march.csv~", "march.csv.part", "march.CSV.TMP"):
        (folder / name).write_bytes(as_csv(GOOD))
    (folder / "drafts").mkdir()
    (folder / "drafts" / "april.csv").write_bytes(as_csv(GOOD))
    assert waiting(folder, later(), SETTLE).settled == ()
    assert waiting(folder / "missing", later(), SETTLE).settled == ()


def test_an_accepted_file_is_kept_beside_what_was_understood(folder) -> None:
    data = as_csv(GOOD, GOOD | {"verdict": ""})
    (folder / "march.csv").write_bytes(data)
    taken = take_all(folder)
    assert (taken.accepted, taken.not_judged) == (["march.csv"], 1)
    original, understood = names(folder)
    assert (folder / original).read_bytes() == data
    assert original.startswith("accepted/") and original.endswith(f"-{len(data)}/march.csv")
    assert understood.endswith("/verdicts.parquet")
    assert said(folder) == [("invoice", "kim")]


def test_the_same_file_dropped_again_under_any_name_changes_nothing(folder) -> None:
    for name in ("march.csv", "march.csv", "copy of march.csv"):
        (folder / name).write_bytes(as_csv(GOOD))
        before = said(folder)
        taken = take_all(folder)
        assert before in ([], said(folder))
    assert taken.known == ["copy of march.csv"]
    assert said(folder) == [("invoice", "kim")]
    assert waiting(folder, later(), SETTLE).settled == ()


def test_a_bad_file_is_moved_aside_with_its_problems_and_the_others_are_taken(folder) -> None:
    bad = jsonl(GOOD, GOOD | {"verdict": "invoise"})
    (folder / "bad.jsonl").write_bytes(bad)
    (folder / "good.csv").write_bytes(as_csv(GOOD | {"who": "lee"}))
    taken = take_all(folder)
    assert taken.accepted == ["good.csv"]
    assert list(taken.rejected) == ["bad.jsonl"]
    assert (folder / "rejected" / "bad.jsonl").read_bytes() == bad
    message = (folder / "rejected" / "bad.jsonl.problems.txt").read_text()
    assert "line 2, verdict: 'invoise' is none of the task's labels" in message
    assert "nothing in it counts" in message and f"drop it into {folder} again" in message
    assert said(folder) == [("invoice", "lee")]


def test_a_second_bad_file_of_the_same_name_does_not_replace_the_first(folder) -> None:
    for content in (b"{", b"[", b"7"):
        (folder / "bad.jsonl").write_bytes(content)
        take_all(folder)
    kept = [path for path in (folder / "rejected").iterdir() if path.suffix == ".jsonl"]
    assert {path.read_bytes() for path in kept} == {b"{", b"[", b"7"}
    assert all(path.with_name(f"{path.name}.problems.txt").exists() for path in kept)


def test_a_mended_file_is_taken(folder) -> None:
    (folder / "march.jsonl").write_bytes(jsonl(GOOD | {"task": "leter"}))
    take_all(folder)
    (folder / "march.jsonl").write_bytes(jsonl(GOOD))
    assert take_all(folder).accepted == ["march.jsonl"]


def test_lines_that_a_program_goes_on_writing_into_a_taken_file_are_taken_too(folder) -> None:
    with (folder / "session.jsonl").open("wb", buffering=0) as session:
        session.write(jsonl(GOOD))
        assert take_all(folder).accepted == ["session.jsonl"]
        session.write(jsonl(GOOD | {"who": "lee"}))
        assert take_all(folder).accepted == ["session.jsonl"]
        session.write(jsonl(GOOD | {"who": "ada"}))
        # the older copy comes again while the grown file waits: neither may get lost
        (folder / "session.jsonl").write_bytes(jsonl(GOOD, GOOD | {"who": "lee"}))
        taken = take_all(folder)
    assert (taken.accepted, taken.known) == (["session.jsonl"], ["session.jsonl"])
    assert {who for _, who in said(folder)} == {"kim", "lee", "ada"}
    assert waiting(folder, later(), SETTLE).settled == ()


def test_a_file_that_is_written_to_while_it_is_read_stays_where_it_is(folder) -> None:
    path = folder / "march.jsonl"
    path.write_bytes(jsonl(GOOD))

    def slowly(name, data):
        with path.open("ab") as file:
            file.write(b'{"half a li')
        return _understood(name, data)

    assert take_all(folder, slowly) == TakenFiles()
    assert names(folder) == ["march.jsonl"]


def test_a_run_that_dies_between_understanding_and_moving_is_made_up_for(folder) -> None:
    path = folder / "march.jsonl"
    path.write_bytes(jsonl(GOOD))
    take_all(folder)
    (kept,) = (folder / "accepted").glob("*/march.jsonl")
    kept.rename(path)
    assert take_all(folder).known == ["march.jsonl"]
    assert kept.exists() and said(folder) == [("invoice", "kim")]


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("/etc/hostname"), os.mkfifo])
def test_links_and_pipes_are_moved_aside_and_never_opened(folder, make) -> None:
    make(folder / "march.csv")
    taken = take_all(folder)
    assert "no regular file" in taken.rejected["march.csv"]
    assert not (folder / "march.csv").is_symlink()
    assert os.path.lexists(folder / "rejected" / "march.csv")


def test_names_of_any_bytes_and_any_length_are_moved_aside(folder) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff.csv"))).write_bytes(b"")
    (folder / ("x" * 250 + ".csv")).write_bytes(b"")
    taken = take_all(folder)
    assert set(taken.rejected) == {"\\xff.csv", "x" * 250 + ".csv"}
    assert len(names(folder / "rejected")) == 4


def test_an_accepted_file_that_cannot_be_read_back_is_named_with_its_remedy(folder) -> None:
    (folder / "march.jsonl").write_bytes(jsonl(GOOD))
    take_all(folder)
    (understood,) = (folder / "accepted").glob("*/verdicts.parquet")
    understood.write_bytes(b"PAR1 is not what this is")
    with pytest.raises(FeedbackFolderError, match="move the file beside it") as caught:
        accepted_verdicts(folder)
    assert str(understood) in str(caught.value)
