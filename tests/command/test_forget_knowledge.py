"""`orchestrate forget` and knowledge: its passages leave the index and what was shown of them."""

import json
import os
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.__main__ import main
from orchestration_assets.command.forget_knowledge import from_knowledge
from orchestration_assets.content.forgotten import mark_of
from orchestration_assets.content.manifest import content_hash
from orchestration_assets.knowledge.corpus import refresh_corpus
from orchestration_assets.knowledge.forgotten_passages import Sought, forget_passages
from orchestration_assets.knowledge.retrieval import CorpusReader, Retrieval
from orchestration_assets.schemas.knowledge import KNOWLEDGE
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tool_use import TOOL_LOG, ToolLogRow
from orchestration_assets.text.traces import distinctive_pieces, signs
from resources.home import Home
from resources.knowledge_store import KnowledgeStore
from tests.knowledge.test_corpus import NOW
from tests.rows import row

LETTER = (
    "Marguerite Oyelaran-Thistlewood wrote from Vexholm that the zinc lanterns had been "
    "delivered to quarantine station Borrowdale, and that nobody there could explain the "
    "forty-one missing crates of saltpetre.\n"
)
MEMO = "# Rooms\n\nRooms for guests from Vexholm are booked in the calendar of the station.\n"
BEGIN = f"# Minutes\n\nThe meeting began at nine.{' The agenda was read out.' * 12}\n\n"
END = f"# End\n\nIt ended at ten.{' The guests from Vexholm took the train home.' * 8}\n"
MINUTES = f"{BEGIN}# Post\n\n{LETTER * 2}\n{END}"
POLICY = """
version: 2
content: {{keep: true}}
knowledge:
  archive: {{source: "{archive}", passage_tokens: 64}}
services:
  declared_title: {{implementation: declared_title}}
tasks:
  title:
    question: What is its title?
    kind: text
    passages: {{of: [archive], at_most: 2}}
    default: {{model: parallel, services: [declared_title]}}
"""


def _bytes_below(folder: Path) -> str:
    """Everything that stands below a folder, whatever it is packed in."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        texts.append(path.read_bytes().decode("utf-8", "ignore"))
        if path.suffix == ".parquet":
            texts.append(str(pq.read_table(path, partitioning=None).to_pydict()))
        elif path.suffix == ".arrow":
            with pa.memory_map(str(path)) as mapped:
                texts.append(str(pa.ipc.open_file(mapped).read_all().to_pydict()))
    return "\n".join(texts)


def test_passages_go_from_the_index_the_rest_is_found_as_before(tmp_path: Path) -> None:
    source, archive, home = (tmp_path / name for name in ("source", "archive", "home"))
    for folder in (source, archive):
        folder.mkdir()
    (source / "letter.txt").write_text(LETTER)
    (source / "question.txt").write_text("Which lanterns came to the station, and who wrote?\n")
    (archive / "letter.md").write_text(LETTER)
    (archive / "rooms.md").write_text(MEMO)
    (archive / "minutes.md").write_text(MINUTES)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(archive=archive))

    def call(*arguments: str) -> tuple[int, dict]:
        with redirect_stdout(StringIO()) as printed:
            more = ["--home", str(home), "--policy", str(policy), "--json"]
            code = main([*arguments, *more])
        return code, json.loads(printed.getvalue())

    def found(text: str) -> list[tuple[str, str]]:
        retrieval = Retrieval(Home(home).knowledge, ["archive"])
        return [(one.document, one.text) for one in retrieval.search(text, ["archive"], 9)]

    assert call("run", str(source))[0] == 0
    code, told = call("forget", "letter.txt")
    assert code == 0
    assert {(one["document"], one["going"], one["of"]) for one in told["knowledge"]} == {
        ("letter.md", 1, 1),
        ("minutes.md", 2, 6),
    }
    assert "zinc lanterns" in _bytes_below(home / "knowledge")
    code, told = call("forget", "letter.txt", "--yes")
    assert code == 0 and told["proven"], told
    assert told["removed"]["passages of knowledge"] == 3
    assert told["removed"]["passages that plans show"] >= 1
    for part in ("knowledge", "tables", "reports", "review", "cache"):
        assert "zinc lanterns" not in _bytes_below(home / part)

    # what is left is searched as if the letter had never been there
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "rooms.md").write_text(MEMO)
    (kept / "minutes.md").write_text(BEGIN + END)
    config = KnowledgeConfig(source=str(kept), passage_tokens=64)
    fresh = KnowledgeStore(tmp_path / "fresh")
    version = refresh_corpus(fresh, "archive", config, NOW).version
    asked = "When did the meeting of the station of Vexholm end?"
    again = CorpusReader(fresh, "archive", version).search(asked, 9)
    assert found(asked) == [(one.document, one.text) for one in again] != []
    rows = {row["document"]: row for row in Home(home).tables.read(KNOWLEDGE.name).to_pylist()}
    assert rows["letter.md"]["outcome"] == "forgotten" and not rows["letter.md"]["content_hash"]
    assert (rows["minutes.md"]["passages"], rows["rooms.md"]["passages"]) == (4, 1)

    # touched, or copied, the same bytes stay out
    os.utime(archive / "minutes.md", ns=(1, 1))
    os.utime(archive / "letter.md", ns=(1, 1))
    (archive / "copy.md").write_text(LETTER)
    assert call("run", str(source))[0] == 0
    assert not [text for _, text in found("zinc lanterns") if "zinc" in text]
    assert "zinc lanterns" not in _bytes_below(home / "knowledge")
    assert call("forget", "letter.txt", "--yes")[1]["forgotten_before"]


LINES = "Vier Öfen\nzwei Körbe\nneun Säcke\nacht Röhren\nfünf Hüte\nsechs Gürtel\nsieben Dübel\n"


def test_what_is_written_as_json_or_html_goes_too(tmp_path: Path) -> None:
    """As the search that proves a removal reads it."""
    home, source = Home(tmp_path / "home"), tmp_path / "source"
    source.mkdir()
    letters = {ord("Ö"): "&Ouml;", ord("ö"): "&ouml;", ord("ä"): "&auml;", ord("ü"): "&uuml;"}
    (source / "list.html").write_text(f"<p>{LINES.translate(letters)}</p>".replace("\n", "<br>"))
    (source / "list.json").write_text(json.dumps({"text": LINES}))
    (source / "other.html").write_text("<p>Vier &Ouml;fen stehen im Hof, &amp; sonst nichts.</p>")
    (source / "plain.md").write_text(LINES)
    refresh_corpus(home.knowledge, "c", KnowledgeConfig(source=str(source)), NOW)
    told = json.dumps({"lines": LINES})
    steps = [
        row(ToolLogRow, batch="b", arguments=told, result="none"),
        row(ToolLogRow, batch="b", arguments="{}", result=told),
        row(ToolLogRow, batch="b", arguments="{}", result="none"),
    ]
    home.tables.write(TOOL_LOG, rows_to_arrow(TOOL_LOG, steps), "b")
    runs = tuple(one for one in distinctive_pieces([LINES]) if len(one) >= 24)
    done, _ = from_knowledge(home, Sought(frozenset(), runs))
    assert done["passages of knowledge"] == 3 and done["results of tools"] == 2
    left = Retrieval(home.knowledge, ["c"]).search("Vier Öfen", ["c"], 9)
    assert [one.document for one in left] == ["other.html"]
    assert "neun" not in str(home.tables.read(TOOL_LOG.name, "b").to_pylist())


def test_an_index_that_cannot_be_read_goes_and_is_made_anew(tmp_path: Path) -> None:
    home, source = Home(tmp_path / "home"), tmp_path / "source"
    source.mkdir()
    (source / "letter.md").write_text(LETTER)
    config = KnowledgeConfig(source=str(source))
    version = refresh_corpus(home.knowledge, "c", config, NOW).version
    home.tables.write(KNOWLEDGE, KNOWLEDGE.schema.empty_table())
    (path,) = home.knowledge.version_files("c", version)
    path.write_bytes(path.read_bytes()[:-9])
    gone = content_hash(LETTER.encode())
    assert from_knowledge(home, Sought(frozenset({gone}), ()))[0]["passages of knowledge"] == 1
    assert home.knowledge.current("c") is None and not home.knowledge.segments("c")
    (row,) = refresh_corpus(home.knowledge, "c", config, NOW, {mark_of(gone)}).rows
    assert row.outcome == "forgotten"


WORDS = st.text("abcdefgh", min_size=5, max_size=9)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=1, max_size=7),
    st.sets(st.integers(0, 6)),
    st.sets(st.integers(0, 2)),
)
def test_the_index_is_that_of_what_is_left(tmp_path_factory, texts, going, edited) -> None:
    """Whatever goes, of whichever segments: searches are those of an index made of the rest."""
    folder = tmp_path_factory.mktemp("left")
    source, rest = folder / "source", folder / "rest"
    source.mkdir(), rest.mkdir()
    config = KnowledgeConfig(source=str(source))
    store, other = KnowledgeStore(folder / "all"), KnowledgeStore(folder / "other")
    gone = set()
    for number, words in enumerate(texts):
        text = f"{' '.join(words)}\n"
        (source / f"{number}.md").write_text(text)
        if number in edited:  # documents that came later stand in a segment of their own
            refresh_corpus(store, "c", config, NOW)
        if number in going:
            gone.add(content_hash(text.encode()))
    refresh_corpus(store, "c", config, NOW)
    for path in source.iterdir():
        if content_hash(path.read_bytes()) not in gone:
            (rest / path.name).write_bytes(path.read_bytes())
    sought = Sought(frozenset(gone), ())
    forget_passages(store, "c", sought)
    assert forget_passages(store, "c", sought) == 0
    version = refresh_corpus(other, "c", KnowledgeConfig(source=str(rest)), NOW).version
    mine, want = Retrieval(store, ["c"]), CorpusReader(other, "c", version)
    for words in texts:
        asked = " ".join(words)
        told = [(one.document, one.score, one.text) for one in mine.search(asked, ["c"], 9)]
        assert told == [(one.document, one.score, one.text) for one in want.search(asked, 9)]
    held = signs(_bytes_below(store.folder))
    assert not [one for one in gone if one in held]
