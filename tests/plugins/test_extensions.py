"""Features and kinds of other distributions: part of every step that they concern, and what breaks
of them is named and costs nothing else."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.evidence.consensus import consensus
from orchestration_assets.evidence.distances import distance
from orchestration_assets.extensions.built_in_tools import CalculateArguments
from orchestration_assets.extensions.features import added_features
from orchestration_assets.extensions.kinds import LoadedKind, OwnKind, OwnKindError
from orchestration_assets.extensions.tools import Tool, tool_problems
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_cache import AnswerCache, CarriedAnswers, answer_key
from orchestration_assets.processing.asker import Asker, AskResult, checked_reading
from orchestration_assets.processing.tools.toolbox import Toolbox
from orchestration_assets.profiling.added import CUTS_AT_MOST, AddedFeatures
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.storable_readings import UnfitReadingError
from orchestration_assets.schemas.tables import AddedFeature
from orchestration_assets.schemas.tool_use import ToolRequest
from orchestration_assets.services.pool import build_services
from orchestration_assets.services.registry import load_embedded
from resources.ai_services.drill.faults import FaultScript, ScriptedReply
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from tests.plugins.conftest import _forget
from tests.plugins.distributions import install

FEATURES = "content_orchestration.features"
KINDS = "content_orchestration.kinds"
TOOLS = "content_orchestration.tools"
FEATURE = """
import re, time
from orchestration_assets.extensions.features import ProfileFeature


class Base(ProfileFeature):
    value_type = int
    meaning = "Somebody else's."
    upper = 100


class Marks(Base):
    name = "marks"

    def value(self, item):
        return item.text.count("!")


class Breaks(Base):
    name = "breaks"

    def value(self, item):
        raise RuntimeError("no\\nlicence")


class Beyond(Base):
    name = "beyond"

    def value(self, item):
        return 101


class Slow(Base):
    name = "slow"

    def value(self, item):
        while True:
            try:
                sum(range(1000))
            except Exception:
                pass
"""
KIND = """
from orchestration_assets.extensions.kinds import OwnKind
from orchestration_assets.schemas.enums import AnswerKind


class Spelled(OwnKind):
    name = "spelled"
    base = AnswerKind.SET
    disagree_at = 0.25

    def problem(self, answer, task):
        return "it is refused" if "refused" in answer else None

    def distance(self, first, second, task):
        if "broken" in first + second:
            return 7
        return float(sorted(map(str.lower, first)) != sorted(map(str.lower, second)))
"""
POLICY = """
version: 2
features: {added: [marks, breaks, beyond, slow]}
services:
  tfidf_keywords: {implementation: tfidf_keywords}
  graph_keywords: {implementation: graph_keywords}
tasks:
  words:
    question: Which words?
    kind: set
    own_kind: spelled
    applies_to: {marks: {ge: 1}}
    default: {model: parallel, services: [tfidf_keywords, graph_keywords]}
"""


@pytest.fixture
def extended(site: Path) -> Iterator[Path]:
    """Features and a kind are installed."""
    names = ("marks", "breaks", "beyond", "slow")
    points = {name: f"acme_features:{name.title()}" for name in names}
    install(site, "acme-f", points, group=FEATURES, modules={"acme_features": FEATURE})
    points = {"spelled": "acme_kinds:Spelled"}
    install(site, "acme-k", points, group=KINDS, modules={"acme_kinds": KIND})
    yield site


def problems_of(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "policy.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_run_has_what_they_say_and_names_what_breaks(
    extended: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    for n in range(5):
        text = f"The bridge number {n} is old and the river below the bridge is wide.\n" * 3
        (source / f"{n}.txt").write_text(text + "!" * n)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    run = ["run", str(source), "--home", str(home), "--policy", str(policy)]
    assert main(run) == 0
    said = capsys.readouterr().out
    assert all(
        f"  feature       {name} (acme-f-1.0+" in said for name in ("breaks", "beyond", "slow")
    )
    assert "marks (" not in said
    (profiles,) = tables(home, "content_profiles")
    added = {row["path"]: row["added_features"] for row in profiles.to_pylist()}
    assert [[one["feature"] for one in each] for each in added.values()] == [
        ["marks", "breaks", "beyond", "slow"]
    ] * 5
    assert [each[0]["value"] for each in added.values()] == ["0", "1", "2", "3", "4"]
    assert {each[1]["reason"] for each in added.values()} == {"raised RuntimeError: no licence"}
    assert all("outside of its range" in each[2]["reason"] for each in added.values())
    assert [each[3]["cut"] for each in added.values()] == [True] * 5
    assert not any(profiles["features_missing"].to_pylist())
    (plans,) = tables(home, "processing_plans")
    assert sorted(plans["path"].to_pylist()) == ["1.txt", "2.txt", "3.txt", "4.txt"]
    (resolved,) = tables(home, "resolutions")
    assert set(resolved["status"].to_pylist()) == {"resolved"}
    (apart,) = tables(home, "disagreements")
    assert set(apart["sentence"].to_pylist()) <= {"they lie 1 apart as spelled"}
    # the packaged features are those of a run without plug-ins
    policy.write_text(
        POLICY.replace("{added: [marks, breaks, beyond, slow]}", "{}").replace(
            "applies_to: {marks: {ge: 1}}", "applies_to: {}"
        )
    )
    other = tmp_path / "other"
    assert main(["run", str(source), "--home", str(other), "--policy", str(policy)]) == 0
    (plain,) = tables(other, "content_profiles")
    clocks = [name for name in plain.column_names if name.endswith("_ms")]
    aside = [*clocks, "batch", "added_features"]
    assert plain.drop_columns(aside).equals(profiles.drop_columns(aside))


def tables(home: Path, name: str) -> list[pa.Table]:
    found = sorted((home / "tables" / name).glob("*.parquet"))
    return [pq.read_table(path).sort_by([("path", "ascending")]) for path in found]


def test_a_slow_feature_is_given_up_and_the_others_are_not(extended: Path) -> None:
    added = AddedFeatures(added_features(["slow", "marks"]))
    found = [added.of(Item("i", "h", "a.txt", "!!"), left_ms=400.0) for _ in range(6)]
    reasons = [(slow.reason or "").partition(":")[0] for slow, _ in found]
    assert reasons == ["stopped"] * CUTS_AT_MOST + ["not begun"] * (6 - CUTS_AT_MOST)
    assert {(marks.value, marks.cut) for _, marks in found} == {("2", False)}
    assert all(isinstance(one, AddedFeature) for each in found for one in each)


def test_a_version_of_its_own_stands_beside_each_value(extended: Path) -> None:
    (before,) = added_features(["marks"])
    (extended / "acme_features.py").write_text(FEATURE + "# another\n")
    _forget()
    (after,) = added_features(["marks"])
    assert before.version.startswith("acme-f-1.0+")
    assert before.version != after.version


def test_what_a_policy_names_is_held_to_what_is_installed(extended: Path) -> None:
    text = POLICY.replace("kind: set", "kind: text")
    wrong = problems_of(text.replace("[marks, breaks, beyond, slow]", "[mark, slow]"))
    assert any("installed: beyond, breaks, marks, slow" in one for one in wrong)
    assert any("add marks to features.added" in one for one in wrong)
    (typed,) = problems_of(POLICY.replace("ge: 1", "eq: much"))
    assert "marks holds int values" in typed
    (missing,) = problems_of(POLICY.replace("own_kind: spelled", "own_kind: spelt"))
    assert "no plug-in adds the kind of answer 'spelt' (installed: spelled)" in missing
    assert any("spelled stands on kind set: say kind: set" in one for one in wrong)


def ask(answer: Answer) -> tuple[Reading, Question]:
    task = build_tasks(parse_policy(POLICY, "policy.yaml").policy)["words"]
    return Reading(Status.OK, answer, 0.5), Question(task, Item("i", "h", "a.txt", "text"))


def test_a_kind_says_what_is_the_same_and_which_one_stands(extended: Path) -> None:
    _, question = ask(("a",))
    task = question.task
    assert task.disagree_at == 0.25
    assert distance(("A", "b"), ("b", "a"), task) == 0.0
    answers = {"one": ("x",), "two": ("A", "b"), "three": ("b", "a")}
    votes = tuple((name, Reading(Status.OK, given, 0.5)) for name, given in answers.items())
    stands = consensus(votes, task)
    assert stands.answer == ("A", "b")
    assert (stands.supporters, stands.dissenters) == (("two", "three"), ("one",))


def test_what_a_kind_refuses_is_rejected_and_what_it_breaks_is_named(extended: Path) -> None:
    reading, question = ask(("refused",))
    with pytest.raises(UnfitReadingError, match="answered what is no spelled: it is refused"):
        checked_reading(reading, question)
    with pytest.raises(OwnKindError, match=r"kind spelled \(acme-k-1.0\+.*distance gave 7"):
        distance(("broken",), ("a",), question.task)


def test_answers_are_kept_under_the_version_of_their_kind(extended: Path) -> None:
    _, question = ask(("a",))
    service = load_embedded("tfidf_keywords")
    before = answer_key(question, service)
    (extended / "acme_kinds.py").write_text(KIND + "# another\n")
    _forget()
    _, question = ask(("a",))
    assert answer_key(question, service) != before


TOOL = """
import time
from orchestration_assets.extensions.tools import Tool, ToolError
from pydantic import BaseModel, ConfigDict


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


class Stock(Tool):
    name = "stock"
    description = "How many there are."
    Arguments = Asked

    def call(self, arguments, question):
        if arguments.name == "nail":
            raise ToolError("there are no nails; ask for bolts")
        if arguments.name == "screw":
            raise RuntimeError("no\\nstock")
        while arguments.name == "washer":
            pass
        return f"7 of {arguments.name}"
"""
TOOL_POLICY = """
version: 2
services:
  model:
    type: openai_chat
    base_url: http://127.0.0.1:9/v1
    model: small
    prompt: {user: "{{ content }}"}
tasks:
  words:
    question: How many?
    kind: text
    tools: {allow: [stock]}
    default: {model: sequential, services: [model]}
"""


def test_a_tool_of_a_plug_in_is_called_and_what_breaks_of_it_is_told(
    site: Path, tmp_path: Path
) -> None:
    points = {"stock": "acme_tools:Stock"}
    install(site, "acme-t", points, group=TOOLS, modules={"acme_tools": TOOL})
    policy = parse_policy(TOOL_POLICY, "policy.yaml").policy
    task = build_tasks(policy)["words"]
    assert task.tools is not None
    assert task.tools.declared[0].version.startswith("acme-t-1.0+")
    question = Question(task, Item("i", "h", "a.txt", "text"))
    names = ("bolt", "nail", "screw", "washer")
    requests = [ToolRequest("stock", f'{{"name": "{name}"}}') for name in names]
    run = Toolbox(Home(tmp_path), policy).run(requests, question, (), {})
    assert [(one.outcome.value, one.text) for one in asyncio.run(run)] == [
        ("answered", "7 of bolt"),
        ("refused", "there are no nails; ask for bolts"),
        ("broken", "RuntimeError: no stock"),
        ("broken", "stopped after 1000 ms"),
    ]
    (problem,) = problems_of(TOOL_POLICY.replace("[stock]", "[stack]"))
    assert "no tool is called 'stack'; there are search_knowledge, " in problem


BROKEN = {
    "another base": (KINDS, KIND.replace("AnswerKind.SET", "AnswerKind.LABEL"), "base is none of"),
    "leaves": (KINDS, "import os; os._exit(3)", "ended with 3 before it could tell"),
    "no type": (FEATURES, FEATURE.replace("value_type = int", ""), "value_type is none of"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_one_that_nobody_uses_is_a_warning(
    site: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    group, source, words = BROKEN[case]
    name = "spelled" if group == KINDS else "marks"
    points = {name: f"acme_broken:{name.title()}"}
    install(site, "acme-b", points, group=group, modules={"acme_broken": source})
    assert main(["policy", "check"]) == 0
    said = capsys.readouterr()
    assert "packaged default: valid" in said.out
    (warning,) = said.err.splitlines()
    assert warning.startswith("warning: ")
    assert words in warning


def test_a_kind_refuses_answers_of_language_models_too(extended: Path) -> None:
    text = """
version: 2
services:
  model:
    type: openai_chat
    base_url: URL
    model: small
    prompt: {user: "{{ task.question }} {{ content }}"}
    guard: {repair: true}
tasks:
  words:
    question: Which words?
    kind: set
    own_kind: spelled
    default: {model: sequential, services: [model]}
"""
    reply = ScriptedReply(contains=("words",), answer=["refused"])
    server = DrillServer(FaultScript(replies=(reply,)))
    with serving(server) as url:
        policy = parse_policy(text.replace("URL", url), "policy.yaml").policy
        question = Question(build_tasks(policy)["words"], Item("i", "h", "a.txt", "text"))

        async def asked() -> AskResult:
            cache = AnswerCache(CarriedAnswers({}))
            services = build_services(policy.services)
            async with Asker(services, cache, budget=SpendBudget(1.0)) as asker:
                return await asker.ask("model", question)

        result = asyncio.run(asked())
    assert result.reading.status is Status.REJECTED_OUTPUT
    assert result.reading.reason == "answered what is no spelled: it is refused"
    # once more it was asked to answer otherwise
    assert len(result.attempts) == 2


@pytest.mark.parametrize("given", [("a", 1), ("a\ud800",), "a"])
def test_what_stands_can_be_stored(given: object) -> None:
    class Odd(OwnKind):
        name = "odd"
        base = AnswerKind.SET

        def distance(self, first: Answer, second: Answer, task: Task) -> float:
            return 0.0

        def standing(self, answers: Sequence[tuple[Answer, float]], task: Task) -> Answer:
            return given  # type: ignore[return-value]

    task = Task("words", "1", AnswerKind.SET)
    with pytest.raises(OwnKindError, match=r"kind odd .*: standing gave .* which is no set"):
        LoadedKind(Odd(), "odd-1").standing([(("a",), 1.0)], task)


def test_a_tool_that_is_called_as_answers_are_is_refused() -> None:
    class Answering(Tool):
        name = "answer"
        description = "Answers."
        Arguments = CalculateArguments

        def call(self, arguments: CalculateArguments, question: Question) -> str:
            return ""

    assert [*tool_problems("answer", Answering)] == [
        "what services call by this name is taken for their answer: give it another"
    ]
