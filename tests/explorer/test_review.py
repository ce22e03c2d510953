"""Judging over HTTP: what a form says is on disk, taken in as every other verdict, and seen."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration_assets.content.gold import update_gold
from orchestration_assets.content.verdict_files import ASKED_IN
from orchestration_assets.explorer.verdict_log import file_name
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import INTERPRETATIONS
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from tests.conftest import Finished
from tests.explorer.serving import Served, Visitor, serving_site, site_of


def _next(page: str) -> str:
    found = re.search(r'action="(/review/[0-9a-f]{16})" class="answers"', page)
    assert found is not None, page
    return found[1]


def _without_settling() -> LoadedPolicy:
    loaded = load_policy()
    feedback = loaded.policy.feedback.model_copy(update={"settle_s": 0.0})
    policy = loaded.policy.model_copy(update={"feedback": feedback})
    return LoadedPolicy(policy, loaded.hash, loaded.source)


def test_a_verdict_is_on_disk_taken_in_and_shown(desk: Served, copied: Finished) -> None:
    ada = desk.browser().named("Ada")
    first = ada.get("/review")
    question = _next(first.text)
    answer = re.search(r'<button name="choice" value="1".*?<bdi>(.*?)</bdi>', first.text, re.S)
    assert answer is not None
    after = ada.post(question, {"choice": "1", "note": "plain to see"})
    assert after.status_code == 200
    assert _next(after.text) != question
    path = copied.home / "verdicts" / file_name("Ada")
    (line,) = path.read_text().splitlines()
    said = json.loads(line)
    assert said["who"] == "Ada"
    assert said["note"] == "plain to see"
    assert said["verdict"] == answer[1]
    assert said[ASKED_IN] == f"{copied.batch}/1"
    early = update_gold(desk.site.home, load_policy())
    assert any("run this again" in words for words in early.warnings)
    assert path.exists()
    result = update_gold(desk.site.home, _without_settling())
    (gold,) = [one for one in GOLD_LABELS.rows(result.table) if one.item_id == said["item"]]
    assert (gold.answer, gold.who, gold.task) == (said["verdict"], "Ada", said["task"])
    assert "Ada" in ada.get(f"/item/{said['item']}").text
    assert "1 verdict" in ada.get("/review").text.replace("\n", " ")
    # what was taken in is no longer taken back
    assert "Nothing to take back" in ada.post("/review/undo", {}).text
    assert "What your last verdict taught" in ada.get("/review/lessons").text


def test_undo_brings_the_question_back(desk: Served) -> None:
    ada = desk.browser().named("Ada")
    question = _next(ada.get("/review").text)
    ada.post(question, {"choice": "1"})
    back = ada.post("/review/undo", {})
    assert _next(back.text) == question
    assert "Taken back." in back.text
    assert not list(desk.site.log.waiting())


def test_a_digit_stands_for_the_answer_that_was_seen(desk: Served) -> None:
    ada = desk.browser().named("Ada")
    page = ada.get("/review").text
    question = _next(page)
    mark = re.search(r'name="mark" value="([^"]+)"', page)
    assert mark is not None
    name = question.rpartition("/")[2]
    asked = desk.site.desk.state(desk.site.index).asked.named(name)
    assert asked is not None
    row = desk.site.desk.rows([asked])[asked.key]
    tables = desk.site.home.tables
    # the batch is processed again while the page is open, and services say something else
    for table in INTERPRETATIONS.values():
        if tables.exists(table.name, row.batch):
            rows = list(table.rows(tables.read(table.name, row.batch)))
            changed = [
                replace(one, answer=f"another {one.answer}") if one.answer is not None else one
                for one in rows
            ]
            tables.write(table, rows_to_arrow(table, changed), row.batch)
    again = ada.post(question, {"choice": "1", "mark": mark[1], "note": "typed"})
    assert "the answers have changed" in again.text
    assert "typed" in again.text
    assert not list(desk.site.log.waiting())
    ada.post(question, {"choice": "1"})
    (said,) = desk.site.log.waiting()
    assert str(said.verdict).startswith("another ")


def test_a_skipped_question_comes_last(desk: Served) -> None:
    ada = desk.browser().named("Ada")
    question = _next(ada.get("/review").text)
    seen = [_next(ada.post(question, {"move": "skip"}).text)]
    assert seen[0] != question
    assert _next(ada.get("/review").text) == seen[0]
    state = desk.site.desk.state(desk.site.index)
    assert desk.site.desk.open_questions(state, "Ada")[-1].name == question.rpartition("/")[2]


def test_two_people_have_different_questions_before_them(desk: Served) -> None:
    ada, bob = desk.browser().named("Ada"), desk.browser().named("Bob")
    first, second = _next(ada.get("/review").text), _next(bob.get("/review").text)
    names = {one.name: one for one in desk.site.desk.state(desk.site.index).asked.open}
    assert first != second or names[first.rpartition("/")[2]].twice


def test_who_walks_through_the_questions_keeps_none_from_others(desk: Served) -> None:
    ada = desk.browser().named("Ada")
    asked = desk.site.desk.state(desk.site.index)
    names = [one.name for one in desk.site.desk.open_questions(asked, "Ada")]
    for name in names[:4]:
        ada.get(f"/review/{name}")
    left = {one.name for one in desk.site.desk.open_questions(asked, "Bob")}
    assert set(names) - left <= {names[3]}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "choose an answer"),
        ({"choice": "99"}, "give a number from 1 to"),
        ({"choice": "-1"}, "give a number from 1 to"),
        ({"choice": "²"}, "give a number from 1 to"),
        ({"choice": "label-99"}, "give a number from 1 to"),
        ({"choice": "own", "own": "  "}, "choose an answer"),
        ({"choice": "own", "own": "x" * 20_001}, "give at most"),
    ],
)
def test_what_says_nothing_is_said_and_kept_nowhere(
    shown: Served, form: dict[str, str], words: str
) -> None:
    ada = shown.browser().named("Ada")
    page = ada.post(_next(ada.get("/review").text), form)
    assert words in page.text
    assert not list(shown.site.log.waiting())


def test_a_question_of_an_earlier_policy_is_judged_and_one_of_a_lost_policy_is_refused_first(
    copied: Finished, tmp_path: Path
) -> None:
    policy = tmp_path / "other.yaml"
    policy.write_text(
        "version: 2\nservices: {names: {implementation: extension_map}}\n"
        "tasks: {other: {question: Which?, labels: [a, b], "
        "default: {model: sequential, services: [names]}}}\n"
    )
    site = site_of(copied.home, tmp_path / "index", policy=policy)
    with serving_site(site) as served:
        ada = served.browser().named("Ada")
        page = ada.get("/review")
        assert "start it with --policy" not in page.text
        page = ada.post(_next(page.text), {"choice": "1"})
        (said,) = site.log.waiting()
        # the policy that asked cannot be found any more
        for kept in copied.home.joinpath("policies").glob("*.json"):
            kept.unlink()
        assert "start it with --policy" in ada.get("/review").text
        assert "start it with --policy" in ada.post(_next(page.text), {"choice": "1"}).text
    assert list(site.log.waiting()) == [said]


def test_an_answer_of_ones_own_is_checked_as_a_verdict_file_is(desk: Served) -> None:
    ada = desk.browser().named("Ada")
    state = desk.site.desk.state(desk.site.index)
    rows = desk.site.desk.rows(state.asked.open)
    for kind, own, problem in (
        (AnswerKind.SCORE, "very", "must be a number from"),
        (AnswerKind.LABEL, "mine", ""),
    ):
        question = next((one for one in state.asked.open if rows[one.key].kind is kind), None)
        if question is not None:
            page = ada.post(f"/review/{question.name}", {"choice": "own", "own": own})
            assert problem in page.text
    assert "mine" in {one.verdict for one in desk.site.log.waiting()}


def test_nobody_judges_without_a_name_or_where_nothing_may_be_written(
    copied: Finished, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = site_of(copied.home, tmp_path_factory.mktemp("index"), read_only=True)
    with serving_site(site) as served:
        visitor = served.browser()
        assert "only shows" in visitor.get("/review").text
        token = site.signer.form_token(
            site.signer.session(visitor.client.cookies[site.signer.cookie_name])  # type: ignore[arg-type]
        )
        assert visitor.post("/review/name", {"who": "Ada"}, token).status_code == 403
    assert not list(site.log.waiting())


def test_a_visitor_without_a_name_is_asked_for_it(shown: Served) -> None:
    page = shown.browser().get("/review")
    assert "Who judges?" in page.text
    assert (
        Visitor(shown.browser().client).named("  A\u202eda\x00  ").get("/review").status_code == 200
    )
