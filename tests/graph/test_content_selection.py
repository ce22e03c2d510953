"""From outcomes to plans that read the item: services over HTTP that say nothing of how sure they
are, each right on content of another kind."""

import json
import re
import shutil
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
import yaml

from orchestration_assets.command import replay
from orchestration_assets.command.preview import look_ahead
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.settings import Settings
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home
from tests.evidence.success.made_items import code, prose
from tests.graph.conftest import project_in

ITEMS = 240
_NUMBER = re.compile(r"specimen (\d+)")
_CHINESE = "河水流过城市的旧桥人们在晚上写信花园里的房子很小因为雨下得很大所以孩子们留在家里"


class ContentServer(DrillServer):
    """``coder`` is right about code, ``writer`` about prose; ``judge`` picks what is right.

    What is right cannot be seen in an item: it hangs on a number in it.
    """

    def _answer_body(self, body, served, faults):
        answer = super()._answer_body(body, served, faults)
        prompt = "\n".join(message["content"] for message in body["messages"])
        number = _NUMBER.search(prompt)
        truth = right_answer(int(number[1]) if number else 0)
        name = body["model"]
        knows = ("def " in prompt) == (name == "coder") or name == "judge"
        label = truth if knows else {"even": "odd", "odd": "even"}[truth]
        text = label if "Even or odd" in prompt else sentence(label)
        answer["choices"][0]["message"]["content"] = json.dumps({"answer": text})
        return answer


def right_answer(number: int) -> str:
    return "even" if number * 2654435761 % 2**32 < 2**31 else "odd"


def sentence(label: str) -> str:
    return {
        "even": "The specimen belongs to the northern collection of 12 rocks.",
        "odd": "Nothing is known about where 7 such plants were once gathered.",
    }[label]


def policy(url: str, explore: float) -> str:
    chat = {
        "type": "openai_chat",
        "base_url": url,
        "price": {"input_usd": 5.0, "output_usd": 5.0},
        "prompt": {
            "system": "{{ task.question }}",
            "user": "{{ content }} {% for one in earlier %}{{ one.answer }} {% endfor %}",
        },
    }
    services = {name: {**chat, "model": name} for name in ("coder", "writer", "judge")}
    learned = {"services": ["coder", "writer"], "explore": explore}
    asked = {"model": "parallel", "services": ["coder", "writer"]}
    tasks = {
        "parity": {
            "question": "Even or odd?",
            "labels": ["even", "odd"],
            "learned": learned,
            "default": asked,
        },
        "origin": {
            "question": "Where is it from?",
            "kind": "text",
            "learned": learned,
            "default": {**asked, "judge": {"service": "judge", "when": "always"}},
        },
    }
    return yaml.safe_dump({"version": 2, "services": services, "tasks": tasks})


def write_items(folder, first: int, count: int, kinds=("code", "prose")) -> None:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(first)
    for n in range(first, first + count):
        length, kind = int(rng.integers(30, 90)), kinds[n % len(kinds)]
        if kind == "code":
            text = f"# specimen {n}\n{code(length, rng)}\n"
        elif kind == "prose":
            text = f"Of specimen {n}. {prose('en', length, rng)}\n"
        else:
            signs = "".join(rng.choice(list(_CHINESE), size=3 * length))
            text = f"specimen {n}\n{signs}。\n"
        (folder / f"f{n:04d}.txt").write_text(text)


def judge_parity(project) -> None:
    """Gold as people would give it, about everything that is stored."""
    rows = []
    for batch in project.tables.batches("processing_plans"):
        for plan in project.tables.read("processing_plans", batch).to_pylist():
            if plan["task"] == "parity":
                rows.append(
                    {name: plan[name] for name in ("item_id", "path", "content_hash", "task")}
                    | {"kind": "label", "answer": right_answer(int(plan["path"][1:5]))}
                    | {"who": "kim", "said_at": datetime(2026, 1, 1, tzinfo=UTC)}
                    | {"file": "verdicts.csv", "line": len(rows) + 1}
                    | {"dissenters": [], "history": []}
                )
    project.tables.write(GOLD_LABELS, rows_to_arrow(GOLD_LABELS, rows))


def learn(project) -> dict[str, dict]:
    result = project.succeeds("learn_selection", None)
    assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
    return {row["task"]: row for row in project.tables.read("selection_model").to_pylist()}


@pytest.fixture(scope="module")
def server():
    server = ContentServer()
    with serving(server) as url:
        server.url = url
        yield server


@pytest.fixture(scope="module")
def learned_once(tmp_path_factory, server):
    """Code and prose, all read by both services and judged; gold about one of the tasks."""
    folder = tmp_path_factory.mktemp("explored")
    write_items(folder / "files", 0, ITEMS)
    with project_in(folder) as project:
        project.write_policy(policy(server.url, explore=1.0))
        (batch,) = project.take_in(folder / "files")
        project.succeeds("process_batch", batch)
        judge_parity(project)
        yield project, learn(project)


@pytest.fixture
def learned(learned_once, project, server):
    made, rows = learned_once
    copy = made.copied_to(project)
    copy.policy.write_text(policy(server.url, explore=0.0))
    return copy, rows


def process(project, folder, first: int, count: int, **kinds):
    """Plans, and what stood, of a batch of new items; the result of the run."""
    shutil.rmtree(folder, ignore_errors=True)
    write_items(folder, first, count, **kinds)
    (batch,) = project.take_in(folder)
    result = project.succeeds("process_batch", batch)
    plans = project.tables.read("processing_plans", batch).to_pylist()
    return batch, plans, result


def accuracy(project, batch) -> dict[str, float]:
    right: dict[str, list[bool]] = {}
    for row in project.tables.read("resolutions", batch).to_pylist():
        label = right_answer(int(row["path"][1:5]))
        expected = label if row["task"] == "parity" else sentence(label)
        right.setdefault(row["task"], []).append(row["answer"] == expected)
    return {task: float(np.mean(each)) for task, each in right.items()}


def test_outcomes_say_who_says_so(learned) -> None:
    project, _ = learned
    rows = project.tables.read("outcomes").to_pylist()
    counts = Counter((row["task"], row["service"], row["why"]) for row in rows)
    assert counts == {
        (task, service, why): ITEMS
        for task, why in (("parity", "verdict"), ("origin", "judge"))
        for service in ("coder", "writer")
    }
    assert {row["confidence"] for row in rows} == {None}
    texts = {row["score"] for row in rows if row["task"] == "origin"}
    assert max(texts) == 1.0 and min(texts) < 0.3


def test_the_item_decides_who_is_asked_and_the_answers_are_right(learned, tmp_path) -> None:
    project, rows = learned
    for row in rows.values():
        assert (row["outcome"], row["families"]) == ("promoted", ["content"]), row["words"]
        assert row["accuracy"] > 0.9 > 0.7 > row["best_single_accuracy"]
    assert "right is what judge chose" in rows["origin"]["words"]

    batch, plans, result = process(project, tmp_path / "new", 1_000, 60)

    assert {plan["strategy"] for plan in plans} == {"learned"}
    assert min(accuracy(project, batch).values()) > 0.95
    by_key = {(plan["item_id"], plan["task"]): plan for plan in plans}
    asked = [
        row for row in project.tables.read("decision_log", batch).to_pylist() if row["services"]
    ]
    assert len(asked) < 1.1 * len(plans)
    for row in asked:
        plan = by_key[row["item_id"], row["task"]]
        scores = {one["service"]: one["score"] for one in plan["expected_scores"]}
        if row["decision"] == 0:
            assert row["services"] == [max(scores, key=scores.get)]
            assert "expected before any call: " in row["reason"]
            assert re.search(r"expected gain [01]\.\d+ for \$", row["reason"])
    plan = plans[0]
    assert re.search(r"expected of this item: (coder|writer) [01]\.\d\d, ", plan["reason"])
    lost = {one["option"]: one["expected_accuracy"] for one in plan["rejected"]}
    scores = {one["service"]: one["score"] for one in plan["expected_scores"]}
    assert {name: lost[f"always {name}"] for name in scores} == scores
    assert not [one for one in result.get_asset_check_evaluations() if not one.passed]
    weighed = project.tables.read("resolutions", batch).to_pylist()
    assert all(row["error_risk"] < 0.2 for row in weighed if row["task"] == "parity")


def test_content_unlike_all_that_was_learned_follows_the_default_and_is_said(
    learned, tmp_path
) -> None:
    project, _ = learned
    kinds = ("code", "prose", "chinese", "chinese")
    _, plans, result = process(project, tmp_path / "new", 2_000, 40, kinds=kinds)
    new = {plan["path"] for plan in plans if int(plan["path"][1:5]) % 4 >= 2}
    defaulted = [plan for plan in plans if plan["strategy"] == "default"]
    assert {plan["path"] for plan in defaulted} >= new
    assert len(defaulted) <= 2 * len(new) + 4
    assert all("unlike all that the learned model" in plan["reason"] for plan in defaulted)
    (check,) = (one for one in result.get_asset_check_evaluations() if one.check_name == "content")
    assert not check.passed
    assert "items are unlike what was learned: the content has changed" in check.description
    (made,) = (
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key.to_user_string() == "processing_plans"
    )
    metadata = made.materialization.metadata
    assert metadata["unfamiliar/parity"].value >= len(new)


def test_an_earlier_model_that_is_promoted_again_decides_the_next_batch(learned, tmp_path) -> None:
    project, rows = learned
    project.policy.write_text(project.policy.read_text().replace("explore: 0.0", "explore: 1.0"))
    process(project, tmp_path / "more", 3_000, 40)
    judge_parity(project)
    again = learn(project)["parity"]
    first = rows["parity"]["version"]
    assert again["trained"] != first
    project.policy.write_text(project.policy.read_text().replace("explore: 1.0", "explore: 0.0"))
    Home(project.home).models.promote("selection_model.parity", first)
    _, plans, _ = process(project, tmp_path / "new", 4_000, 8)
    assert {plan["artefact"] for plan in plans if plan["task"] == "parity"} == {first}


def test_the_same_batch_is_planned_in_the_same_way_again(learned, tmp_path) -> None:
    project, _ = learned
    batch, plans, _ = process(project, tmp_path / "new", 5_000, 12)
    project.succeeds("reprocess", batch)
    assert project.tables.read("processing_plans", batch).to_pylist() == plans


def test_preview_and_replay_plan_with_what_is_expected_too(learned, tmp_path, capsys) -> None:
    project, _ = learned
    folder = tmp_path / "ahead"
    write_items(folder, 6_000, 8)
    ahead = look_ahead(Home(project.home), str(folder), load_policy(project.policy).policy, 8)
    # without what is expected of the items, no model that reads them would decide
    assert ahead.models == {"sequential": 16}
    assert replay.run(Settings(project.home, project.policy), as_json=True) == 0
    tasks = {one["task"]: one for one in json.loads(capsys.readouterr().out)["tasks"]}
    assert tasks["parity"]["answerable"] == tasks["parity"]["questions"] == ITEMS
    assert tasks["parity"]["accuracy"]["after"] > 0.95
    # a quarter is held out of training, and accuracy rests on these alone
    assert tasks["parity"]["gold"] + tasks["parity"]["in_sample"] == ITEMS
    assert 0.15 * ITEMS < tasks["parity"]["gold"] < 0.35 * ITEMS
    assert tasks["parity"]["calls"]["after"] < 1.1 < tasks["parity"]["calls"]["before"]
