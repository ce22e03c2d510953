"""`orchestrate explain` and `orchestrate preview` as a person uses them."""

import json
import os
from itertools import product
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling.profile_cache import row_key
from orchestration_assets.schemas.policy import FeatureCache
from orchestration_assets.schemas.source_urls import address_path
from orchestration_assets.schemas.tables import accepted_items
from resources.home import Home


@pytest.fixture
def call(home, capsys):
    def run(*arguments: str):
        code = main([*arguments, "--home", str(home)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        # LMDB writes down who reads; nothing else may change
        if path.is_file() and path.name != "lock.mdb"
    }


def test_an_item_is_explained_by_path_id_and_address_alike(copied, call, monkeypatch) -> None:
    code, by_path, _ = call("explain", "docs/guide.md", "--json")
    assert code == 0
    found = json.loads(by_path)
    place = address_path(found["address"])
    # as a shell completes it, from another folder than the source
    monkeypatch.chdir(place.parent)
    for name in (
        found["item_id"],
        found["address"],
        "guide.md",
        f"../{place.parent.name}/guide.md",
    ):
        assert call("explain", name, "--json")[1] == by_path
    assert found["seen"][0]["outcome"] == "accepted"
    assert found["profile"]["family"] == "markup"
    assert found["states"][-1]["to_state"] == "resolved"
    tasks = {task["plan"]["task"]: task for task in found["tasks"]}
    language = tasks["natural_language"]
    assert language["resolution"]["answer"] == "en"
    assert {r["call"]["origin"] for r in language["readings"]} == {"called"}
    assert language["plan"]["rejected"]
    assert language["decisions"]
    assert found["next_run"][0].startswith("profile: reused, ")
    assert all("reused" in words for words in found["next_run"])


def test_the_words_for_people_name_reasons_readings_and_what_comes_next(copied, call) -> None:
    code, out, _ = call("explain", "docs/guide.md")
    assert code == 0
    for words in ("accepted", "not taken", "decided", "error risk", "stopwords", "run again"):
        assert words in out
    assert "profile       computed" in out


def test_every_task_shows_its_question_its_answers_and_the_content(copied, call) -> None:
    _, out, _ = call("explain", "docs/guide.md")
    text = (copied.source / "docs" / "guide.md").read_text("utf-8")
    assert "question      What kind of file is this?" in out
    assert "answers       a number from " in out
    assert "as for content_type" in out or out.count("content       ") > 1
    tasks = json.loads(call("explain", "docs/guide.md", "--json")[1])["tasks"]
    for task in tasks:
        assert task["question"] and task["allowed"]
        assert "".join(piece["text"] for piece in task["excerpt"]["pieces"]) == text
        assert task["excerpt"]["note"] is None
    (title,) = (task for task in tasks if task["plan"]["task"] == "title")
    marked = " ".join(piece["text"] for piece in title["excerpt"]["pieces"] if piece["marked"])
    assert title["resolution"]["answer"] in marked


def test_a_disagreement_says_in_a_sentence_what_it_would_change(copied, call) -> None:
    disagreements = Home(copied.home).tables.read("disagreements", copied.batch).to_pylist()
    assert disagreements
    for row in disagreements:
        _, out, _ = call("explain", row["item_id"])
        word = "no consequence" if row["consequence"] == "none" else ", severity "
        assert word in out
        assert " ".join(row["sentence"].split())[:60] in " ".join(out.split())


MODEL = """
version: 2
services:
  model:
    type: openai_chat
    base_url: {url}
    model: small
    prompt: {{user: "{{{{ content }}}}"}}
    explain: true
tasks:
  mood:
    question: Is it good news?
    labels: [good, bad]
    default: {{model: sequential, services: [model]}}
"""


def test_the_reason_of_a_language_model_is_kept_and_its_quotes_are_marked(
    tmp_path, call, drill
) -> None:
    corpus, policy = tmp_path / "one", tmp_path / "policy.yaml"
    corpus.mkdir()
    (corpus / "note.txt").write_text("The harbour bridge opens on 3 May, said the mayor.\n")
    policy.write_text(MODEL.format(url=drill.url))
    call("run", str(corpus), "--policy", str(policy), "--json")
    out = call("explain", "note.txt", "--policy", str(policy))[1]
    # without the policy the question is that of the one which asked
    without = json.loads(call("explain", "note.txt", "--json")[1])["tasks"]
    assert [task["question"] != "" for task in without] == [True]
    assert "content       »The harbour bridge opens on 3« May, said the mayor." in out
    assert "answers       one of: good, bad" in out
    (task,) = json.loads(call("explain", "note.txt", "--policy", str(policy), "--json")[1])["tasks"]
    (reading,) = task["readings"]
    assert reading["evidence"].startswith("it says “The harbour bridge opens on 3”; ")
    assert "                because it says “The harbour bridge opens on 3”; " in out


def test_content_that_changed_or_that_the_policy_hides_is_not_shown(tmp_path, call) -> None:
    corpus = tmp_path / "one"
    corpus.mkdir()
    note = corpus / "note.txt"
    note.write_text("The meeting was moved to another day.\n")
    call("run", str(corpus), "--json")
    assert "The meeting was moved" in call("explain", "note.txt")[1]
    hidden = tmp_path / "hidden.yaml"
    default = Path(load_policy.__code__.co_filename).with_name("default.yaml").read_text("utf-8")
    hidden.write_text(default + "\nreport: {content: none}\n")
    out = call("explain", "note.txt", "--policy", str(hidden))[1]
    assert "content       not shown: report.content is none" in out
    assert "The meeting" not in out
    note.write_text("Something else stands here now.\n")
    out = call("explain", "note.txt")[1]
    assert "changed after the manifest was made" in out
    assert "Something else" not in out
    note.unlink()
    assert "changed or removed" in call("explain", "note.txt")[1]


RECORDS = """
version: 2
content:
  records:
    - {{files: "*.jsonl", text: text, id: id, metadata: [author, contact, right]}}
report: {{content: {shown}}}
services:
  words:
    implementation: word_labels
    parameters: {{labels: {{good: [fine, "the harbour bridge"], bad: [poor]}}}}
  others:
    implementation: word_labels
    parameters: {{labels: {{good: [excellent], bad: ["harbour bridge"]}}}}
tasks:
  mood:
    question: Is it good?
    labels: [good, bad, unheard]
    {gold}
    default: {{model: parallel, services: [words, others]}}
"""
FORMS = ((), ("--json",))
RECORD = {
    "id": 1,
    "text": "The harbour bridge is fine.",
    "author": "Ada",
    "contact": "ada@example.org",
    "right": "unheard",
}


@pytest.fixture
def policies(tmp_path):
    def write(name: str, shown: str, gold: str = "gold: right") -> str:
        path = tmp_path / f"{name}.yaml"
        path.write_text(RECORDS.format(shown=shown, gold=gold))
        return str(path)

    return write


def test_gold_and_raw_metadata_are_shown_in_no_form(tmp_path, call, policies) -> None:
    corpus = tmp_path / "one"
    corpus.mkdir()
    (corpus / "a.jsonl").write_text(json.dumps(RECORD) + "\n")
    made, other = policies("made", "excerpt"), policies("other", "excerpt", gold="")
    call("run", str(corpus), "--policy", made, "--json")
    # what was gold when it was asked is gold still
    for policy, form in product((made, other), FORMS):
        out = call("explain", "a.jsonl#1", "--policy", policy, *form)[1]
        assert "Ada" in out and "[EMAIL]" in out
        assert "ada@" not in out and "right" not in out


def test_what_the_policy_of_the_batch_hides_is_shown_in_no_form(tmp_path, call, policies) -> None:
    corpus = tmp_path / "one"
    corpus.mkdir()
    (corpus / "a.jsonl").write_text(json.dumps(RECORD) + "\n")
    made, other = policies("made", "none"), policies("other", "excerpt")
    call("run", str(corpus), "--policy", made, "--json")
    for policy, form in product((made, other), FORMS):
        out = call("explain", "a.jsonl#1", "--policy", policy, *form)[1]
        assert "Is it good?" in out and "not shown: report.content is none" in out
        assert "words: good; others: bad" in out or "others: bad; words: good" in out
        assert not any(part in out for part in ("Ada", "ada@", "harbour"))


def test_a_duplicate_is_explained_by_the_item_that_holds_its_results(copied, call) -> None:
    pair = [
        json.loads(call("explain", name, "--json")[1])
        for name in ("app/main.py", "app/copy_of_main.py")
    ]
    assert {one["seen"][0]["outcome"] for one in pair} == {"accepted", "duplicate"}
    assert pair[0]["computed_as"] == pair[1]["computed_as"]
    assert pair[0]["tasks"] == pair[1]["tasks"]


def test_a_rejected_item_says_why_it_has_no_results(copied, call) -> None:
    code, out, _ = call("explain", "picture.png")
    assert code == 0
    assert "rejected (binary" in out
    assert "no results" in out
    assert "> rejected: binary" in out


def test_what_would_be_asked_again_and_why(copied, home, call, tmp_path, monkeypatch) -> None:
    from orchestration_assets.services.title.declared_title import DeclaredTitle

    monkeypatch.setattr(DeclaredTitle, "version", "next")
    _, out, _ = call("explain", "docs/guide.md")
    assert "profile: reused, the batch's own table has it" in out
    (table,) = (home / "tables/content_profiles").glob("*.parquet")
    pq.write_table(pq.read_table(table).replace_schema_metadata(None), table)
    _, out, _ = call("explain", "docs/guide.md")
    assert "profile: computed, no tier has it" in out
    assert "declared_title: asked again, it changed code or model (" in out
    assert "central_sentence: reused, the answer is kept" in out


def test_an_unknown_item_is_a_usage_error_in_one_line(copied, call, home) -> None:
    code, out, err = call("explain", "no/such.file")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no/such.file" in err and str(home) in err


def test_names_that_steer_a_terminal_are_shown_harmless(tmp_path, call) -> None:
    corpus = tmp_path / "one"
    corpus.mkdir()
    (corpus / "\x1b[31mred.txt").write_text("Some words that stand in a file of their own.\n")
    call("run", str(corpus), "--json")
    _, out, _ = call("explain", "\x1b[31mred.txt")
    assert "\x1b" not in out
    assert "red.txt" in out


def test_a_preview_says_what_a_run_then_does_and_writes_nothing(corpus, home, call) -> None:
    code, out, _ = call("preview", str(corpus), "--json")
    assert code == 0
    assert not home.exists()
    ahead = json.loads(out)
    summary = json.loads(call("run", str(corpus), "--json")[1])
    assert ahead["outcomes"] == summary["outcomes"]
    assert ahead["models"] == summary["models"]
    assert ahead["profiles_due"] == summary["outcomes"]["accepted"]
    assert ahead["calls_min"] <= sum(summary["calls"].values()) <= ahead["calls_max"]
    assert ahead["answers_kept"] == 0
    (corpus / "notes.txt").write_text("The meeting was moved once more, to another day.\n")
    (corpus / "run").unlink()
    os.utime(corpus / "data" / "settings.json", ns=(1, 1))
    before = _tree(home)
    ahead = json.loads(call("preview", str(corpus), "--json")[1])
    assert _tree(home) == before
    assert ahead["listed"] == {"changed": 2, "gone": 1, "known": 7, "new": 0}
    assert ahead["outcomes"] == {"accepted": 1, "gone": 1, "unchanged": 1}
    assert (ahead["profiles_due"], ahead["profiles_kept"]) == (1, 0)


def test_a_preview_finds_what_another_home_would_have_to_compute(
    copied, home, call, tmp_path
) -> None:
    (manifest,) = Home(home).tables.intact("content_manifest")
    row, *_ = accepted_items(manifest)
    Home(home).features(FeatureCache()).put_many({row_key(row): b"as if it were large"})
    for lost in ("tables", "batches"):
        (home / lost).rename(tmp_path / lost)
    ahead = json.loads(call("preview", str(copied.source), "--json")[1])
    # the others are small: cheaper to compute than to keep
    assert (ahead["profiles_kept"], ahead["profiles_due"]) == (1, 6)
    assert ahead["answers_kept"] > 0.5 * ahead["answers_asked"]
    code, out, _ = call("preview", str(copied.source), "--sample", "3")
    assert code == 0
    assert "forecast from 3 of 7 items" in out


def test_a_preview_of_nothing_new_says_so(copied, call, home) -> None:
    code, out, _ = call("preview", str(copied.source))
    assert code == 0
    assert "nothing to profile or to ask" in out
    assert len(Home(home).tables.batches("content_manifest")) == 1


@pytest.mark.parametrize("has_manifest", [True, False])
def test_a_preview_prices_what_an_earlier_run_left_unfinished(copied, call, home, has_manifest):
    """A run that died before its report: what it took in is asked by the next run."""
    (batch,) = Home(home).tables.batches("content_manifest")
    for table in ("disagreement_report", *(() if has_manifest else ("content_manifest",))):
        Home(home).tables.path(table, batch).unlink()
    ahead = json.loads(call("preview", str(copied.source), "--json")[1])
    assert (ahead["left"], ahead["batches"], ahead["outcomes"]) == ([batch], 0, {})
    assert ahead["sampled"] == copied.summary["outcomes"]["accepted"]
    assert ahead["calls_min"] > 0
    assert ahead["answers_kept"] > 0.5 * ahead["answers_asked"]
    assert "a run goes on with these too" in call("preview", str(copied.source))[1]


@pytest.mark.parametrize("arguments", [("preview", "/no/such/folder"), ("explain",)])
def test_usage_errors_are_one_line(call, arguments) -> None:
    try:
        code, _, err = call(*arguments)
    except SystemExit as error:
        code, err = error.code, "x\n"
    assert code == 2
    assert err.count("\n") == 1
