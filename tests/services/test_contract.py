"""What every embedded service keeps, whatever it is shown."""

import asyncio
import socket
import subprocess
import sys
from importlib.util import find_spec

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.answers import answer_columns, fits
from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.services.registry import EMBEDDED, embedded_class, load_embedded
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
AWKWARD = [
    "",
    " \n\t\n ",
    "\ufeff",
    "\ud800\udfff lone \udc80 surrogates in the text",
    "\x00\x01\x02 control \x1b[31m",
    "#!",
    "#!/usr/bin/env",
    "[" * 20_000,
    '{"a":' * 5_000,
    "<" * 20_000,
    "`" * 9_000 + "[" * 9_000,
    "\n" * 30_000,
    "a" * 200_000,
    "👩‍👩‍👧‍👦" * 500,
    "word, " * 50_000,
]
TEXTS = st.one_of(
    st.text(st.characters(), max_size=400),
    st.text(st.sampled_from("[]{}()<>`'\"#*-_=:;,|/\\%$@!? \n\tab0é漢"), max_size=600),
    st.sampled_from([*CODE.values(), *PLAIN_SIGNS.values(), *PROSE.values(), *AWKWARD]),
)


def keeps_the_contract(asked: Question, reading: Reading) -> None:
    assert reading.status in {Status.OK, Status.ABSTAINED}
    if reading.status is Status.ABSTAINED:
        assert reading.answer is None
        assert reading.reason
        return
    assert reading.answer is not None
    assert fits(reading.answer, asked.task.kind)
    assert reading.confidence is not None
    assert 0.0 < reading.confidence <= 1.0
    pa.table({name: [value] for name, value in answer_columns(reading.answer).items()})
    assert reading.evidence
    assert len(reading.evidence) < 200
    assert reading.answer not in {other.answer for other in reading.alternatives}
    if asked.task.labels:
        assert {reading.answer, *(o.answer for o in reading.alternatives)} <= set(asked.task.labels)
    for other in reading.alternatives:
        assert 0.0 <= other.confidence <= reading.confidence


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
    keeps_the_contract(asked, reading)
    assert SERVICES[name].answer(asked) == reading


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_awkward_texts(name: str, text: str) -> None:
    for family in Family:
        asked = question_for(name, text, "awkward", family)
        keeps_the_contract(asked, SERVICES[name].answer(asked))


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


@pytest.mark.parametrize("name", SERVICES)
def test_asking_equals_answering(name: str) -> None:
    asked = question_for(name, PROSE["fr"], "a.txt")
    assert asyncio.run(SERVICES[name].ask(asked)) == SERVICES[name].answer(asked)


@pytest.mark.parametrize("name", SERVICES)
def test_no_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an embedded service opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    reading = load_embedded(name, PARAMETERS.get(name)).answer(
        question_for(name, telling(name), "a.txt")
    )
    assert reading.status is Status.OK


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
