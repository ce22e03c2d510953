"""What every embedded service keeps, whatever it is shown."""

import subprocess
import sys
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Alternative, Item, Question, Reading, Task
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.registry import EMBEDDED, embedded_class, load_embedded
from orchestration_assets.services.testing import (
    AWKWARD_TEXTS,
    ServiceContract,
    reading_problems,
)
from tests.services.questions import JUDGED, PARAMETERS, TASK_OF, TASKS, question_for
from tests.services.samples import CODE, PLAIN_SIGNS, PROSE

OPTIONAL = {"semantic_embedding": "wordllama"}
SERVICES = {
    name: load_embedded(name, PARAMETERS.get(name))
    for name in EMBEDDED
    if name not in OPTIONAL or find_spec(OPTIONAL[name]) is not None
}
LABELLERS = [name for name in SERVICES if AnswerKind.LABEL in SERVICES[name].kinds]
# Says something to everyone: a heading, English prose, words of tone.
OPEN = f"# The archive\n\n{PROSE['en']} It is a good and helpful archive.\n"
# Says of itself what a record asks for.
LABELLED = (
    f"title: The archive\ndate: 5 March 2026\n\n{PROSE['en']} See https://example.org/archive.\n"
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=400),
    st.text(st.sampled_from("[]{}()<>`'\"#*-_=:;,|/\\%$@!? \n\tab0é漢"), max_size=600),
    st.sampled_from([*CODE.values(), *PLAIN_SIGNS.values(), *PROSE.values(), *AWKWARD_TEXTS]),
)


@pytest.mark.parametrize("name", SERVICES)
def test_says_who_it_is(name: str) -> None:
    service = SERVICES[name]
    assert service.name == name
    assert service.version
    assert service.kinds == {TASKS[TASK_OF[name]].kind}
    assert service.expected_ms > 0
    assert service.cost_usd == 0


@pytest.mark.parametrize("name", SERVICES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=TEXTS,
    path=st.one_of(st.text(max_size=40), st.sampled_from(["a.py", "b.h", "Makefile", "c/d.txt"])),
    family=st.sampled_from([*Family, "unheard-of"]),
)
def test_never_raises_and_says_the_same_again(name: str, text: str, path: str, family: str) -> None:
    asked = question_for(name, text, path, family)
    reading = SERVICES[name].answer(asked)
    assert not reading_problems(asked, reading)
    assert SERVICES[name].answer(asked) == reading


def telling(name: str) -> str:
    """A text that the service has an answer about: magika's threshold for prose is high."""
    if TASK_OF[name] == "facts":
        return LABELLED
    return CODE["python"] if name == "magika" else OPEN


@pytest.mark.parametrize("name", SERVICES)
def test_a_profile_is_not_needed(name: str) -> None:
    item = Item("item", "hash", "a.txt", telling(name))
    asked = Question(TASKS[TASK_OF[name]], item, question_for(name, OPEN).earlier)
    assert SERVICES[name].answer(asked).status is Status.OK


@pytest.mark.parametrize("name", LABELLERS)
def test_an_answer_outside_the_tasks_labels_is_none(name: str) -> None:
    task = Task(TASK_OF[name], "1", AnswerKind.LABEL, ("nothing-says-this",))
    asked = Question(task, Item("item", "hash", "a.py", CODE["python"] + PROSE["en"]))
    assert SERVICES[name].answer(asked).status is Status.ABSTAINED


def contract_of(name: str) -> ServiceContract:
    """The contract, as the tests of a plug-in state it."""
    stated = {
        "implementation": name,
        "parameters": PARAMETERS.get(name, {}),
        "task": TASKS[TASK_OF[name]],
        "telling": telling(name),
        "earlier": question_for(name, telling(name)).earlier,
    }
    return type("Contract", (ServiceContract,), stated)()


@pytest.mark.parametrize("check", [name for name in dir(ServiceContract) if name[:5] == "test_"])
@pytest.mark.parametrize("name", SERVICES)
def test_keeps_what_plug_ins_keep(name: str, check: str) -> None:
    getattr(contract_of(name), check)()


class Careless(EmbeddedService):
    """Breaks whatever it is told to."""

    name = "careless"
    kinds = frozenset({AnswerKind.LABEL})
    expected_ms = 1.0

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading

    def answer(self, question: Question) -> Reading:
        return self.reading


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading(Status.FAILED, reason="no"), "answers or abstains"),
        (Reading(Status.ABSTAINED), "without a reason"),
        (Reading(Status.OK, 0.5, 0.5, evidence="a"), "none of kind label"),
        (Reading(Status.OK, "a", 0.0, evidence="a"), "confidence 0.0"),
        (Reading(Status.OK, "a", None, evidence="a"), "confidence None"),
        (Reading(Status.OK, "a", 0.5, evidence="a" * 200), "evidence"),
        (Reading(Status.OK, "a", 0.5), "evidence"),
        (Reading(Status.OK, "a", 0.5, (Alternative("a", 0.1),), evidence="a"), "alternatives"),
        (Reading(Status.OK, "a", 0.5, (Alternative("b", 0.6),), evidence="a"), "surer"),
        (Reading(Status.OK, "c", 0.5, evidence="a"), "does not have"),
    ],
)
def test_what_breaks_the_contract_is_named(reading: Reading, words: str) -> None:
    asked = Question(Task("t", "1", AnswerKind.LABEL, ("a", "b")), Item("i", "h", "a", "text"))
    assert words in "; ".join(reading_problems(asked, Careless(reading).answer(asked)))


def test_importing_loads_no_heavy_library() -> None:
    modules = [
        f"orchestration_assets.services.{target.partition(':')[0]}" for target in EMBEDDED.values()
    ]
    program = (
        "import sys, importlib, orchestration_assets.schemas.items; before = set(sys.modules);"
        f"[importlib.import_module(m) for m in {modules!r}];"
        "heavy = {'magika', 'onnxruntime', 'py3langid', 'tree_sitter', 'numpy', 'sklearn',"
        "'vaderSentiment', 'textblob', 'nltk', 'wordllama'} & (set(sys.modules) - before);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(KeyError, match="did you mean 'grammar'"):
        load_embedded("gramar")


def test_every_service_has_a_task_of_its_kind() -> None:
    assert set(TASK_OF) == set(EMBEDDED)
    assert {task.kind for task in TASKS.values()} == set(AnswerKind)
    for kind in AnswerKind:
        independent = [
            name for name in EMBEDDED if name not in JUDGED and kind in embedded_class(name).kinds
        ]
        assert len(independent) >= 2, kind
