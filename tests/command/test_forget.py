"""`orchestrate forget`: nothing of the content is left, whoever looks, and the home goes on."""

import gzip
import json
import os
import shutil
import signal
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command import forget_removal
from orchestration_assets.command.explain import UnknownItemError
from orchestration_assets.command.forget_plan import find_item
from orchestration_assets.content.forgotten import pending_removals
from resources.claims import claimed
from resources.home import Home
from resources.run_locks import run_lock
from resources.table_store import TableStore, parquet_bytes
from tests.forked import event, forked
from tests.fuzzing import EXHAUSTIVE

SECRET = (
    "Marguerite Oyelaran-Thistlewood wrote from Vexholm that the zinc lanterns had been "
    "delivered to quarantine station Borrowdale, and that nobody there could explain the "
    "forty-one missing crates of saltpetre.\n"
)
RECORD = "Percival Quackenbush owes the Dunmurrow cooperative nine hundred kopecks for barley."
COMMON = "The meeting was moved to the afternoon because the room was taken in the morning.\n"
POLICY = """
version: 2
content:
  keep: true
  records:
    - {files: "*.jsonl.gz", text: body, id: id, metadata: [author, language]}
services:
  stopwords: {implementation: stopwords}
  declared_title: {implementation: declared_title}
  central_sentence: {implementation: central_sentence}
  tfidf_keywords: {implementation: tfidf_keywords}
  graph_keywords: {implementation: graph_keywords}
tasks:
  language:
    question: In which language is it written?
    kind: label
    labels: [en, fr, de]
    gold: language
    default: {model: sequential, services: [stopwords]}
  title:
    question: What is its title?
    kind: text
    default: {model: parallel, services: [declared_title, central_sentence]}
  keywords:
    question: What is it about?
    kind: set
    default: {model: parallel, services: [tfidf_keywords, graph_keywords]}
feedback: {settle_s: 0}
"""


class Place(NamedTuple):
    source: Path
    home: Path
    policy: Path

    def call(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        more = ["--home", str(self.home), "--policy", str(self.policy), "--json"]
        with redirect_stdout(StringIO()) as printed:
            code = main([*arguments, *more])
        return code, json.loads(printed.getvalue())


def _write_source(source: Path) -> None:
    source.mkdir(parents=True)
    (source / "letter.txt").write_text(SECRET)
    (source / "copy of letter.txt").write_text(SECRET)
    (source / "memo.txt").write_text(COMMON)
    records = [
        {"id": "a-1", "body": RECORD, "author": "Hieronymus Pemberley", "language": "en"},
        {"id": "a-2", "body": COMMON * 2, "author": "Kim", "language": "en"},
        {"id": "a-3", "body": f"Nobody had seen it. {COMMON}", "author": "Kim", "language": "fr"},
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (source / "debts.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))


@pytest.fixture(scope="module")
def processed(tmp_path_factory) -> Place:
    """A home with batches of two runs, gold, review files and a filled-in sheet of verdicts."""
    folder = tmp_path_factory.mktemp("forget")
    place = Place(folder / "source", folder / "home", folder / "policy.yaml")
    place.policy.write_text(POLICY)
    _write_source(place.source)
    assert place.call("run", str(place.source))[0] == 0
    (place.source / "letter.txt").write_text(SECRET + "She signed it twice, in Vexholm violet.\n")
    assert place.call("run", str(place.source))[0] == 0
    sheet = (
        "item,task,verdict,who,when,note\n"
        f'letter.txt,title,Lanterns of Vexholm,kim,2026-11-01,"it begins: {SECRET[:60]}"\n'
        "memo.txt,title,A meeting is moved,kim,2026-11-01,\n"
    )
    (place.home / "verdicts").mkdir(exist_ok=True)
    (place.home / "verdicts" / "sheet.csv").write_text(sheet)
    (place.home / "verdicts" / "notes.txt").write_text(f"not a verdict\n{SECRET}")
    assert place.call("job", "take_feedback")[0] == 0
    return place


@pytest.fixture
def place(processed, tmp_path) -> Place:
    """A copy of it to be changed; the source stays where the home knows it."""
    shutil.copytree(processed.home, tmp_path / "home")
    return processed._replace(home=tmp_path / "home")


def holding(home: Path, *words: str) -> list[str]:
    """Files with any of the words in them, by other means than the command's own."""
    found = []
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        texts = [path.read_bytes().decode("utf-8", "ignore")]
        if path.suffix == ".parquet":
            table = pq.read_table(path, partitioning=None)
            texts.append(str([str(column.to_pylist()) for column in table.columns]))
        if any(word.casefold() in text.casefold() for word in words for text in texts):
            found.append(str(path.relative_to(home)))
    return found


LETTER = ("Vexholm", "Oyelaran", "Thistlewood", "saltpetre", "Borrowdale")
DEBT = ("Quackenbush", "Dunmurrow", "kopecks", "Pemberley")


def test_without_yes_it_says_what_would_go_and_changes_nothing(place) -> None:
    before = {p: p.read_bytes() for p in place.home.rglob("*") if p.is_file()}
    code, told = place.call("forget", "letter.txt")
    assert code == 0 and told["removed"] is False
    assert told["contents"] == 2 and told["kept_contents"] == 2
    assert "copy of letter.txt" in told["same_content"].values()
    assert told["rows"]["content_manifest"] == 3 and told["rows"]["resolutions"] == 6
    after = {p: p.read_bytes() for p in place.home.rglob("*") if p.is_file()}
    changed = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
    assert all(p.name == "lock.mdb" for p in changed)


def test_nothing_of_a_file_is_left_and_the_home_goes_on(place) -> None:
    assert len(holding(place.home, *LETTER)) > 10
    code, told = place.call("forget", "letter.txt", "--yes")
    assert code == 0 and told["proven"] and told["pieces"] > 20
    files = [p for p in place.home.rglob("*") if p.is_file() and "forgotten" not in p.parts]
    assert told["searched_files"] >= len(files)
    assert holding(place.home, *LETTER) == []
    # what others said and what was said of others is all there
    assert holding(place.home, "afternoon") and holding(place.home, "A meeting is moved")
    tables = Home(place.home).tables
    outcomes = [
        row["outcome"]
        for part in tables.intact("content_manifest")
        for row in part.to_pylist()
        if row["path"] in ("letter.txt", "copy of letter.txt")
    ]
    assert outcomes == ["forgotten"] * 3
    # a run finds nothing new, and all that was kept of batches is made again without it
    code, summary = place.call("run", str(place.source))
    assert code == 0 and summary["batches"] == []
    assert place.call("run", str(place.source), "--reprocess")[0] == 0
    assert holding(place.home, *LETTER) == []
    ledger = {row["path"]: row["state"] for row in tables.read("content_ledger").to_pylist()}
    assert ledger["letter.txt"] == "forgotten" and ledger["memo.txt"] == "present"


def _one_file(tables: TableStore) -> None:
    """As homes of before have it."""
    whole, folder = tables.read("content_ledger"), tables.path("content_ledger")
    shutil.rmtree(folder)
    folder.with_suffix(".parquet").write_bytes(parquet_bytes(whole))


@pytest.mark.parametrize(
    "spoil",
    [_one_file, lambda tables: (tables.path("content_ledger") / "_parts.json").unlink()],
    ids=["of before", "without its list"],
)
def test_it_leaves_a_ledger_that_is_not_read_as_a_table(place, spoil) -> None:
    tables = Home(place.home).tables
    spoil(tables)
    assert not tables.exists("content_ledger")
    code, _ = place.call("forget", "letter.txt", "--yes")
    assert code == 0
    (kept,) = (place.home / "tables").glob("content_ledger*/*.parquet")
    assert not tables.path("content_ledger").with_suffix(".parquet").exists()
    rows = {row["path"]: row for row in pq.read_table(kept).to_pylist()}
    letter = rows["letter.txt"]
    assert (letter["state"], letter["content_hash"]) == ("forgotten", None)


def test_a_record_goes_with_its_metadata_its_gold_and_its_place_in_a_plain_copy(place) -> None:
    (copy,) = (place.home / "content" / "unpacked").iterdir()
    size = copy.stat().st_size
    gold = Home(place.home).tables.read("gold_labels").num_rows
    _, shown = place.call("explain", _record(place, "a-1"))
    code, told = place.call("forget", shown["item_id"], "--yes")
    assert code == 0 and told["proven"]
    assert holding(place.home, *DEBT) == []
    assert copy.stat().st_size == size
    assert Home(place.home).tables.read("gold_labels").num_rows == gold - 1
    # the records around it are read from the same places
    assert place.call("run", str(place.source), "--reprocess")[0] == 0
    _, other = place.call("explain", _record(place, "a-3"))
    assert other["states"][-1]["to_state"] == "resolved"
    _, forgotten = place.call("explain", shown["item_id"])
    assert [row["outcome"] for row in forgotten["seen"]] == ["forgotten"]
    assert holding(place.home, *DEBT) == []


def _record(place: Place, name: str) -> str:
    rows = (
        row
        for part in Home(place.home).tables.intact("content_manifest")
        for row in part.to_pylist()
    )
    return next(row["item_id"] for row in rows if row["address"].endswith(f"#id={name}"))


def test_the_same_bytes_are_not_taken_in_again_and_other_content_is(place, tmp_path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "elsewhere.txt").write_text(SECRET)
    (source / "letter.txt").write_text("An entirely other letter, about the weather.\n")
    assert place.call("forget", "copy of letter.txt", "--yes")[0] == 0
    code, summary = place.call("run", str(source))
    assert code == 0
    assert summary["outcomes"] == {"accepted": 1, "forgotten": 1}
    # the later version of the letter was not forgotten: only what the copy held
    assert holding(place.home, "violet") and not (place.home / "content" / "unused").exists()


def test_it_can_be_forgotten_again_and_says_so(place) -> None:
    assert place.call("forget", "letter.txt", "--yes")[0] == 0
    assert place.call("forget", "letter.txt", "--yes") == (
        0,
        {"item": place.call("explain", "letter.txt")[1]["item_id"], "forgotten_before": True},
    )


def test_what_still_holds_it_is_named_until_it_is_gone(place, capsys) -> None:
    stray = place.home / "notes" / "kept by hand.txt.gz"
    stray.parent.mkdir()
    stray.write_bytes(gzip.compress(f"copied: <b>{SECRET[:120]}".encode()))
    code, told = place.call("forget", "letter.txt", "--yes")
    assert code == 1 and not told["proven"]
    assert list(told["still_in"]) == [str(stray)]
    stray.unlink()
    code, told = place.call("forget", "letter.txt", "--yes")
    assert code == 0 and told["proven"]
    assert pending_removals(Home(place.home)) == [] and holding(place.home, *LETTER) == []


def test_pieces_that_others_hold_too_prove_nothing(tmp_path, processed) -> None:
    place = processed._replace(home=tmp_path / "home", source=tmp_path / "source")
    place.source.mkdir()
    (place.source / "one.txt").write_text(SECRET + "Only here: Quillfeather.\n")
    (place.source / "two.txt").write_text(f"Forwarded. {SECRET}")
    assert place.call("run", str(place.source))[0] == 0
    code, told = place.call("forget", "one.txt", "--yes")
    assert code == 0 and 0 < told["pieces_of_others_too"] < told["pieces"]
    assert holding(place.home, "Quillfeather") == []
    assert holding(place.home, "Vexholm")
    assert place.call("explain", "two.txt")[1]["states"][-1]["to_state"] == "resolved"


@pytest.mark.parametrize("held", ["corpus", "20261129T000000Z-00000000", "run", "intake"])
def test_nothing_is_touched_while_a_run_is_under_way(place, held, capsys) -> None:
    ready, over = event(), event()
    other = forked(_hold, place.home, held, ready, over)
    try:
        assert ready.wait(60)
        arguments = ["--yes", "--home", str(place.home), "--policy", str(place.policy)]
        assert main(["forget", "letter.txt", *arguments]) == 2
        said = capsys.readouterr().err
        assert "is in use by" in said and said.count("\n") == 1
        assert pending_removals(Home(place.home)) == [] and holding(place.home, "saltpetre")
    finally:
        over.set()
        other.join()


def _hold(home: Path, what: str, ready: Any, over: Any) -> None:
    from resources.locks import locked

    if what == "run":
        held: Any = run_lock(Home(home).running, "0b0e0c4e-0000-4000-8000-000000000000")
    elif what == "intake":
        held = locked(Home(home).intake_lock)
    else:
        held = claimed(home, what, "a test")
    with held:
        ready.set()
        over.wait(120)


STEPS = [name for name in vars(forget_removal.Removal) if name.startswith(("from_", "leftovers"))]
STEPS = STEPS if EXHAUSTIVE else STEPS[::2]


def killed_after(step: str, *arguments: str) -> None:
    """The command in a process that dies as soon as it has done this."""
    original = getattr(forget_removal.Removal, step)

    def dies(removal: forget_removal.Removal, *given: object) -> None:
        original(removal, *given)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(forget_removal.Removal, step, dies)
    main(list(arguments))


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_the_same_command_goes_on(place, step) -> None:
    more = ["--yes", "--home", str(place.home), "--policy", str(place.policy)]
    killed = forked(killed_after, step, "forget", "letter.txt", *more)
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    code, told = place.call("forget", "letter.txt")
    assert code == 0 and told["begun"]
    code, told = place.call("forget", "letter.txt", "--yes")
    assert code == 0 and told["proven"] and told["pieces"] > 20
    assert holding(place.home, *LETTER) == []
    assert [p.name for p in (place.home / "forgotten").iterdir()] == [f"{told['item']}.json"]


def test_an_item_that_nobody_knows_is_said_in_one_line(place, capsys) -> None:
    arguments = ["--home", str(place.home), "--policy", str(place.policy)]
    assert main(["forget", "letters.txt", "--yes", *arguments]) == 2
    said = capsys.readouterr().err
    assert "'letters.txt' is in no manifest" in said and said.count("\n") == 1


def test_an_item_is_named_by_a_path_from_here_too(processed, monkeypatch) -> None:
    home = Home(processed.home)
    known = find_item(home, "memo.txt")
    # another folder than the source: the path relative to it names nothing there
    monkeypatch.chdir(processed.source.parent)
    assert find_item(home, "source/memo.txt") == known
    with pytest.raises(UnknownItemError, match="from here, or relative to the source"):
        find_item(home, "elsewhere/memo.txt")
