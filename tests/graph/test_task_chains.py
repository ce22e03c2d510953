"""Tasks that build on tasks, in real runs: chains, what is skipped, and what is asked again."""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.content.deferred import ONLY_DEFERRED_TAG
from orchestration_assets.processing import embedded_chunks
from orchestration_assets.processing.asker import CACHE, CALLED
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.tables import TABLES
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.registry import load_embedded
from resources.dask_cluster import DaskCluster
from tests.chat_servers import chat_server
from tests.graph.test_embedded_chunks import Batch, stable
from tests.workers import FakeWorkers

ITEMS = 30
POLICY = """
version: 2
services:
  model:
    type: openai_chat
    base_url: {url}
    model: {model}
    retries: {{attempts: 1}}
    breaker: {{open_s: 0.05, wait_s: 0.2, min_attempts: 1000, window: 1000}}
    prompt: {{user: "letter? {{{{ content }}}}"}}
  clerk:
    type: openai_chat
    base_url: {url}
    model: clerk-1
    retries: {{attempts: 1}}
    breaker: {{open_s: 0.05, wait_s: 0.2, min_attempts: 1000, window: 1000}}
    prompt: {{user: "{{{{ task.name }}}}? {{{{ content }}}}"}}
    prompts:
      amount: {{user: "amount? of {{{{ answers.letter }}}}: {{{{ content }}}}"}}
tasks:
  letter:
    question: What kind of document is it?
    labels: [invoice, letter, other]
    default: {{model: parallel, services: [model]}}
  amount:
    question: How much is to be paid, in hundreds?
    kind: score
    applies_to: {{answers.letter: {{eq: invoice, risk: {{lt: 0.2}}}}}}
    otherwise: {otherwise}
    default: {{model: parallel, services: [clerk]}}
  urgent:
    question: Is it urgent?
    labels: [high, low, unknown]
    after: [amount]
    applies_to: {{answers.amount: {{ge: 0.5}}}}
    otherwise: {{answer: unknown}}
    default: {{model: parallel, services: [clerk]}}
"""
# what the document number n is, by n modulo 6
SURE, RISKY, OTHER, SILENT, BROKEN, SMALL = range(6)


def number_in(prompt: str) -> int:
    return int(re.search(r"document (\d+)", prompt).group(1))


def say(prompt: str):
    if "document" not in prompt:
        # the probes of the services' health
        return (0.5 if prompt.startswith("amount?") else "other"), 0.9
    case = number_in(prompt) % 6
    if prompt.startswith("letter?"):
        if case == SILENT:
            return None, 0.9
        if case == BROKEN:
            return 400
        return ("letter" if case == OTHER else "invoice"), (0.55 if case == RISKY else 0.97)
    if prompt.startswith("amount?"):
        return (0.1 if case == SMALL else 0.9), 0.9
    return "high", 0.95


@pytest.fixture
def server():
    with chat_server(say) as server:
        yield server


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    for n in range(ITEMS):
        (folder / f"p{n:02}.txt").write_text(f"This is the document {n} of the archive.\n")
    return folder


def asked(server, word: str, since: int = 0) -> list[str]:
    """The prompts about documents that begin with the word; probes are left out."""
    return [one for one in server.asked[since:] if one.startswith(word) and "document" in one]


def write(project, server, otherwise: str = "skip", model: str = "model-1") -> None:
    project.write_policy(POLICY.format(url=server.url, otherwise=otherwise, model=model))


def resolutions(project, batch: str) -> dict[tuple[int, str], dict]:
    rows = project.tables.read("resolutions", batch).to_pylist()
    return {(int(row["path"][1:3]), row["task"]): row for row in rows}


def test_a_chain_of_three_asks_only_what_the_answers_before_admit(project, server, source) -> None:
    write(project, server)
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    rows = resolutions(project, batch)
    assert len(rows) == 3 * ITEMS
    status = {case: Counter() for case in range(6)}
    for (n, task), row in rows.items():
        status[n % 6][task, row["status"], row["answer"]] += 1
    fifth = ITEMS // 6
    by_task = {
        case: {task: (how, answer) for task, how, answer in found} for case, found in status.items()
    }
    assert all(set(counts.values()) == {fifth} for counts in status.values())
    assert by_task[SURE] == {
        "letter": ("resolved", "invoice"),
        "amount": ("resolved", "0.9"),
        "urgent": ("resolved", "high"),
    }
    assert by_task[SMALL]["urgent"] == ("skipped", None)
    for case in (RISKY, OTHER, SILENT, BROKEN):
        assert by_task[case]["amount"] == ("skipped", None)
        assert by_task[case]["urgent"] == ("resolved", "unknown")
    reasons = {n % 6: row["reason"] for (n, task), row in rows.items() if task == "amount"}
    assert reasons[RISKY].startswith("letter is too risky: invoice (risk 0.")
    assert reasons[OTHER].startswith("letter is letter")
    assert "no service would answer" in reasons[SILENT]
    assert "it failed" in reasons[BROKEN]
    # nobody was asked in vain, and each prompt showed the answer that it builds on
    amounts = asked(server, "amount?")
    assert {number_in(one) % 6 for one in amounts} == {SURE, SMALL}
    assert all("of invoice:" in one for one in amounts)
    assert {number_in(one) % 6 for one in asked(server, "urgent?")} == {SURE}
    decisions = project.tables.read("decision_log", batch).to_pylist()
    first = Counter(row["action"] for row in decisions if row["decision"] == 0)
    assert first["admit"] == 2 * fifth + fifth
    assert first["skip"] == 4 * fifth + fifth
    assert first["otherwise"] == 4 * fifth
    plans = project.tables.read("processing_plans", batch).to_pylist()
    assert {tuple(row["after"] or ()) for row in plans if row["task"] == "urgent"} == {("amount",)}
    assert {row["calls_min"] for row in plans if row["task"] == "amount"} == {0}
    (report,) = project.tables.read("disagreement_report", batch).to_pylist()
    assert report["skipped"] == 5 * fifth
    ended = sum(report[name] for name in ("resolved", "abstained", "deferred", "failed", "skipped"))
    assert ended == report["plans"] == 3 * ITEMS
    states = [row for row in project.tables.read("item_states", batch).to_pylist() if row["final"]]
    assert Counter(row["to_state"] for row in states) == {
        "resolved": 5 * fifth,
        "failed": fifth,
    }


def test_a_changed_answer_computes_again_exactly_what_hangs_on_it(project, server, source) -> None:
    write(project, server)
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    before = len(server.asked)
    project.succeeds("reprocess", batch)
    assert not asked(server, "", before)

    def changed(prompt: str):
        # the new version takes two invoices for something else, and one letter for an invoice
        if prompt.startswith("letter?") and "document" in prompt:
            if number_in(prompt) in (0, 5):
                return "other", 0.97
            if number_in(prompt) == 2:
                return "invoice", 0.97
        return say(prompt)

    server.say = changed
    write(project, server, model="model-2")
    before = len(server.asked)
    project.succeeds("reprocess", batch)
    assert {number_in(one) for one in asked(server, "amount?", before)} == {2}
    assert {number_in(one) for one in asked(server, "urgent?", before)} == {2}
    rows = resolutions(project, batch)
    assert rows[2, "urgent"]["answer"] == "high"
    assert (rows[0, "amount"]["status"], rows[0, "urgent"]["answer"]) == ("skipped", "unknown")


def unanswered(project, capsys) -> int:
    """Questions that the log cannot answer when the policy is replayed that it was made by."""
    capsys.readouterr()
    place = ["--home", str(project.home), "--policy", str(project.policy)]
    assert main(["replay", *place, "--json"]) == 0
    tasks = json.loads(capsys.readouterr().out)["tasks"]
    return sum(one["questions"] - one["answerable"] for one in tasks)


def test_a_verdict_about_an_answer_asks_again_what_hangs_on_it(
    project, server, source, capsys
) -> None:
    write(project, server)
    settled = project.policy.read_text() + "feedback: {settle_s: 0}\n"
    project.write_policy(settled)
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    before = resolutions(project, batch)
    letter = next(n for n in range(ITEMS) if n % 6 == OTHER)
    invoice = next(n for n in range(ITEMS) if n % 6 == SURE)
    verdicts = project.home / "verdicts"
    verdicts.mkdir(exist_ok=True)
    said = {letter: "invoice", invoice: "letter"}
    lines = [
        {"item": f"p{n:02}.txt", "task": "letter", "verdict": answer}
        | {"who": "kim", "when": "2026-01-01"}
        for n, answer in said.items()
    ]
    (verdicts / "said.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (verdicts / "typo.csv").write_text("item,tusk,verdict\n")
    taken = project.succeeds("take_feedback", None)
    (gold,) = taken.asset_materializations_for_node("gold_labels")
    assert "typo.csv" in gold.metadata["rejected: typo.csv"].value
    # what stands was asked before anybody judged; then after
    assert unanswered(project, capsys) == 0
    asked_before = len(server.asked)
    project.succeeds("reprocess", batch)
    assert unanswered(project, capsys) == 0
    after = resolutions(project, batch)
    # what people say is an invoice is asked about, what they say is none is no more
    assert after[letter, "amount"]["answer"] == "0.9"
    assert after[letter, "urgent"]["answer"] == "high"
    assert (after[invoice, "amount"]["status"], after[invoice, "amount"]["reason"]) == (
        "skipped",
        "letter is letter (risk 0.000), asked is eq invoice, risk lt 0.2",
    )
    assert after[invoice, "urgent"]["answer"] == "unknown"
    new = [one for one in server.asked[asked_before:] if "document" in one]
    assert {number_in(one) for one in new} == {letter}
    assert new[0].startswith("amount? of invoice:")
    unchanged = {key for key in before if key[0] not in said}
    assert all(after[key] == before[key] for key in unchanged)
    log = project.tables.read("decision_log", batch).to_pylist()
    assert "letter is invoice by verdict" in {row["reason"] for row in log}


def test_otherwise_asks_all_the_same(project, server, source) -> None:
    write(project, server, otherwise="ask")
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    amounts = asked(server, "amount?")
    assert {number_in(one) % 6 for one in amounts} == {SURE, RISKY, SILENT, BROKEN, SMALL}
    # a letter is surely none; what has no answer shows none
    assert all("of :" in one for one in amounts if number_in(one) % 6 == BROKEN)


def test_what_was_deferred_is_taken_up_with_what_hangs_on_it(project, server, source) -> None:
    def away(prompt: str):
        down = prompt.startswith("letter?") and "document" in prompt
        return 503 if down and number_in(prompt) in (0, 2, 6) else say(prompt)

    server.say = away
    write(project, server)
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    rows = resolutions(project, batch)
    for n in (0, 2, 6):
        assert {rows[n, task]["status"] for task in ("letter", "amount", "urgent")} == {"deferred"}
    before = len(server.asked)
    server.say = say
    tags = {ONLY_DEFERRED_TAG: "yes"}
    project.succeeds("take_up_deferred", batch, tags=tags)
    new = asked(server, "", before)
    assert Counter((one.split()[0], number_in(one)) for one in new) == Counter(
        [("letter?", 0), ("letter?", 2), ("letter?", 6)]
        + [(word, n) for n in (0, 6) for word in ("amount?", "urgent?")]
    )
    taken_up = {name: project.tables.read(name, batch) for name in ("resolutions", "decision_log")}
    project.succeeds("reprocess", batch)
    for name, table in taken_up.items():
        stable = TABLES[name].stable_columns
        again = project.tables.read(name, batch)
        assert again.select(stable).equals(table.select(stable)), name


def test_page_explain_and_replay_follow_the_chain(project, server, source, capsys) -> None:
    write(project, server)
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    page = (project.home / "reports" / f"{batch}.html").read_text()
    assert "Tasks that build on others" in page
    assert "skipped, by other answers" in page
    place = ["--home", str(project.home), "--policy", str(project.policy)]
    assert main(["explain", "p01.txt", *place]) == 0
    told = capsys.readouterr().out
    assert "comes after   letter, where letter eq invoice, risk lt 0.2" in told
    assert re.search(r"decided +skip: letter is too risky: invoice \(risk 0\.\d+\)", told)
    assert re.search(r"decided +otherwise: amount has no answer, it was skipped", told)
    assert main(["replay", *place, "--json"]) == 0
    tasks = {one["task"]: one for one in json.loads(capsys.readouterr().out)["tasks"]}
    # what failed is not recorded, and neither is what hangs on it
    answerable = {name: one["answerable"] for name, one in tasks.items()}
    assert len(set(answerable.values())) == 1
    assert answerable["letter"] >= ITEMS - ITEMS // 6
    assert all(one["changed"] == 0 for one in tasks.values())
    elsewhere = ["--home", str(project.home.parent / "other"), *place[2:]]
    assert main(["preview", str(source), *elsewhere]) == 0
    told = capsys.readouterr().out
    assert f"calls         {ITEMS} to {3 * ITEMS} for all of them" in told
    assert f"build on others {2 * ITEMS} of the plans" in told


EMBEDDED = """
version: 2
services:
  stopwords: {implementation: stopwords}
  langid: {implementation: langid}
  keys: {implementation: tfidf_keywords}
  tone: {implementation: vader_tone}
tasks:
  language:
    question: Which language?
    default: {model: parallel, services: [stopwords, langid]}
  keywords:
    question: Which words?
    kind: set
    applies_to: {answers.language: {eq: en, risk: {lt: 0.9}}}
    default: {model: sequential, services: [keys]}
  mood:
    question: How?
    kind: score
    applies_to: {answers.keywords: {contains: lighthouse}}
    otherwise: {answer: 0.5}
    default: {model: sequential, services: [tone]}
"""


class Reader(EmbeddedService):
    """Says how the text sounds by the key words that it is shown."""

    name = "tone"
    kinds = frozenset({AnswerKind.SCORE})
    expected_ms = 1.0
    version = "1"
    reads = frozenset({"answers"})

    def answer(self, question: Question) -> Reading:
        ((_, words),) = question.answers
        return Reading(Status.OK, float(isinstance(words, tuple) and len(words) % 2), 0.9)


def test_workers_are_given_the_kept_answers_that_hang_on_others(
    project, tmp_path, monkeypatch
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for n in range(6):
        words = f"The lighthouse of the town has {n} doors and was built with good stones. "
        (folder / f"n{n}.txt").write_text(words * 4)
    project.write_policy(EMBEDDED)
    (name,) = project.take_in(folder)
    project.succeeds("process_batch", name)
    batch = Batch(project.home, name)
    batch.work = replace(batch.work, services=dict(batch.work.services) | {"tone": Reader()})
    # on another machine the policy alone says which services there are
    monkeypatch.setattr(embedded_chunks, "_embedded_work", lambda policy: batch.work)
    workers = FakeWorkers(lambda function, pieces: ((one, function(one)) for one in pieces))
    first = batch.process(workers)
    assert all(row.origin == CALLED for row in first.calls)
    # another version of what comes first: its answers are new, and the same
    again = dict(batch.work.services)
    again["stopwords"] = load_embedded("stopwords")
    again["stopwords"].version = "another"
    batch.work = replace(batch.work, services=again)
    second = batch.process(workers)
    assert len(workers.asked) == 2
    origins = Counter((row.service, row.origin) for row in second.calls)
    assert origins == {
        ("stopwords", CALLED): 6,
        ("langid", CACHE): 6,
        ("keys", CACHE): 6,
        ("tone", CACHE): 6,
    }


def test_workers_walk_the_same_chains(project, tmp_path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    about = ("lighthouse", "library", "bakery")
    for n in range(9):
        words = f"The {about[n % 3]} of the town has {n} doors and was built with good stones. "
        foreign = f"Das {about[n % 3]} der Stadt hat {n} Tore und wurde aus guten Steinen gebaut. "
        (folder / f"n{n}.txt").write_text((foreign if n > 6 else words) * 4)
    project.write_policy(EMBEDDED)
    (name,) = project.take_in(folder)
    project.succeeds("process_batch", name)
    batch = Batch(project.home, name)
    with DaskCluster("processes", workers=1) as cluster:
        there = batch.process(cluster)
    assert sum(batch.done) == len(batch.items) == 9
    actions = Counter(row.action for row in there.decisions)
    assert actions["admit"] and actions["skip"] and actions["otherwise"]
    for table_name, table in stable(there).items():
        stored = project.tables.read(table_name, name)
        assert table.equals(stored.select(table.column_names)), table_name
