"""Every nesting of models, judges, routes and escalations has one meaning.

Each is carried out by the event loop and resolved as a batch is; a small interpreter of what the
words of a policy mean says beside it who decides.
"""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from typing import Any

import pytest

from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.disagreement.readings import group_readings, group_roles
from orchestration_assets.disagreement.resolution import resolve_plans
from orchestration_assets.evidence.consensus import consensus, support_of
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.processing.excerpt import excerpt
from orchestration_assets.schemas.enums import ResolutionStatus, Status
from orchestration_assets.schemas.items import Item, Question, Reading
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import INTERPRETATIONS, PlanRow
from orchestration_assets.selection.forecast import Price, forecast
from resources.feature_cache.lmdb_store import LmdbStore
from tests.fuzzing import EXHAUSTIVE
from tests.processing.services import ABSTAIN, TASK, TASKS, Scripted, by_name
from tests.rows import row

# every item is asked differently; half of them still meet all that can happen
ITEMS = 6 if EXHAUSTIVE else 3
TEXT = "\n".join(f"line {n} of a text that is read in rounds" for n in range(30))
ROUNDS = {"first_chars": 300, "grow": 2.0, "max_rounds": 3}
MODELS = ("cascade", "chain", "parallel", "iterative", "hybrid", "route")
JUDGES = (None, "always", "disagree")


def base(name: str, at: str, inside: dict[str, Any] | None = None) -> dict[str, Any]:
    """One model with services of its own and one that every level asks."""
    a, b, c = f"a{at}", f"b{at}", "shared"
    if name == "route":
        sub = inside or {"model": "parallel", "services": [a, c]}
        other = {"model": "sequential", "services": [b, c], "chain": True}
        route = {"task": "route", "service": "router", "to": {"a": sub}, "otherwise": other}
        return {"model": "hybrid", "route": route}
    return {
        "cascade": {"model": "sequential", "services": [a, b, c], "stop_at": 0.8},
        "chain": {"model": "sequential", "services": [a, b, c], "chain": True},
        "parallel": {"model": "parallel", "services": [a, b, c]},
        "iterative": {"model": "iterative", "services": [a, c], "rounds": ROUNDS},
        "hybrid": {"model": "hybrid", "services": [a, b, c], "after": {c: [a, b]}},
    }[name]


def with_judge(choice: dict[str, Any], judge: str, when: str | None) -> dict[str, Any]:
    return choice if when is None else {**choice, "judge": {"service": judge, "when": when}}


def nestings() -> dict[str, dict[str, Any]]:
    """All choices of two levels, and those with a judged, escalating choice within a route."""
    found = {}
    inner: list[tuple[str, dict[str, Any] | None]] = [("nothing", None)]
    for model, when in product(MODELS, JUDGES):
        inner.append((f"{model}/{when}", with_judge(base(model, "2"), "judge2", when)))
    for model, when, (name, to) in product(MODELS, JUDGES, inner):
        choice = with_judge(base(model, "1"), "judge1", when)
        if to is not None:
            choice = {**choice, "escalate": {"below": 0.9, "to": to}}
        found[f"{model}/{when}, on to {name}"] = choice
    within = [
        (name, choice) for name, choice in found.items() if name.endswith(("/None", "/always"))
    ]
    for (name, choice), when in product(within, JUDGES):
        found[f"route to {name}, judged {when}"] = with_judge(base("route", "3", choice), "x", when)
    third = {"below": 0.95, "to": with_judge(base("parallel", "3"), "shared", None)}
    for name, choice in within:
        if choice.get("escalate"):
            deeper = {**choice["escalate"]["to"], "escalate": third}
            found[f"{name}, and on"] = {**choice, "escalate": {"below": 0.9, "to": deeper}}
    return found


def say(name: str, question: Question) -> Reading:
    """The same for the same question; any answer, any confidence, silence or an error."""
    shown = [(who, reading.status.value, reading.answer) for who, reading in question.earlier]
    asked = (name, question.task.name, question.item.item_id, len(question.item.text), shown)
    draw = int.from_bytes(blake2b(repr(asked).encode(), digest_size=4).digest(), "big")
    kind, draw = draw % 8, draw // 8
    if kind == 0:
        return ABSTAIN
    if kind == 1:
        raise RuntimeError("down")
    return Reading(Status.OK, "abc"[draw % 3], (0.3, 0.6, 0.75, 0.95)[draw // 3 % 4])


# ---- what the words of a policy mean


@dataclass
class Heard:
    """What was said: by service and question, in the order of asking; ``stands`` are the places
    of the readings that the answer is made of."""

    said: list[tuple[tuple[str, Any], Reading]]
    stands: list[int]

    def finals(self) -> dict[str, Reading]:
        """What each service said in the end: what stands, else its last answer, else anything."""
        places: dict[str, int] = {}
        answered = [n for n, (_, reading) in enumerate(self.said) if reading.status is Status.OK]
        for n in (*range(len(self.said)), *answered, *self.stands):
            places[self.said[n][0][0]] = n
        return {self.said[n][0][0]: self.said[n][1] for n in sorted(places.values())}

    def standing(self) -> dict[str, Reading]:
        return {self.said[n][0][0]: self.said[n][1] for n in sorted(self.stands)}

    def answer(self) -> Any:
        return consensus(list(self.standing().items()), TASK).answer

    def certainty(self) -> float:
        answer = self.answer()
        return (
            0.0 if answer is None else support_of(answer, [*self.finals().items()], TASK).certainty
        )


def meant(choice: Choice, question: Question) -> Heard:
    """The readings of a choice and those of them that stand, by the meaning of its words."""
    if choice.route is not None:
        label = ask(choice.route.service, Question(TASKS["route"], question.item))[1].answer
        heard = meant(choice.route.to.get(str(label), choice.route.otherwise), question)
    else:
        heard = by_model(choice, question)
    if choice.judge is not None:
        answers = {reading.answer for reading in heard.standing().values()}
        if choice.judge.when == "always" or len(answers) > 1:
            key, verdict = ask(choice.judge.service, question, heard.finals())
            heard.said.append((key, verdict))
            if verdict.status is Status.OK:
                heard.stands = [len(heard.said) - 1]
    if choice.escalate is not None and (
        heard.answer() is None or heard.certainty() < choice.escalate.below
    ):
        more = meant(choice.escalate.to, question)
        places = []
        for key, reading in more.said:
            kept = [
                n for n, (known, old) in enumerate(heard.said) if known == key and old == reading
            ]
            if kept and reading.status in (Status.OK, Status.ABSTAINED):
                places.append(kept[0])
            else:
                places.append(len(heard.said))
                heard.said.append((key, reading))
        heard.stands = [places[n] for n in more.stands] or heard.stands
    return heard


def by_model(choice: Choice, question: Question) -> Heard:
    names = choice.services
    if choice.model == "sequential" and not choice.chain:
        heard = Heard([], [])
        for name in names:
            if choice.stop_at is not None and heard.certainty() >= choice.stop_at:
                break
            heard.said.append(ask(name, question))
            heard.stands = answered(heard.said)
        return heard
    if choice.chain:
        heard = Heard([], [])
        for name in names:
            heard.said.append(ask(name, question, heard.finals()))
        return Heard(heard.said, answered(heard.said)[-1:])
    if choice.model == "hybrid":
        before = [ask(name, question) for name in names if name not in choice.after]
        shown = {key[0]: reading for key, reading in before}
        said = [*before, *(ask(name, question, shown) for name in choice.after)]
        return Heard(
            said, answered(said)[-1:] if said[-1][1].status is Status.OK else answered(said)
        )
    if choice.model == "iterative":
        return rounds(choice, question)
    said = [ask(name, question) for name in names]
    return Heard(said, answered(said))


def rounds(choice: Choice, question: Question) -> Heard:
    heard = Heard([], [])
    led = None
    for number in range(3):
        part = excerpt(question.item.text, round(300 * 2.0**number))
        item = Item(question.item.item_id, "", "", part, {})
        said = [ask(name, Question(question.task, item)) for name in choice.services]
        heard.said += said
        last = {heard.said[n][0][0]: n for n in answered(heard.said)}
        heard.stands = sorted(last.values())
        if answered(said) and led is not None and heard.answer() == led:
            break
        led = heard.answer() if answered(said) else led
        if len(part) == len(question.item.text):
            break
    return heard


def answered(said: list[tuple[tuple[str, Any], Reading]]) -> list[int]:
    return [n for n, (_, reading) in enumerate(said) if reading.status is Status.OK]


def ask(
    name: str, question: Question, shown: dict[str, Reading] | None = None
) -> tuple[tuple[str, Any], Reading]:
    earlier = tuple((shown or {}).items())
    asked = Question(question.task, question.item, earlier=earlier)
    key = (name, (len(question.item.text), repr(earlier)))
    try:
        return key, say(name, asked)
    except RuntimeError as error:
        return key, Reading(Status.FAILED, reason=f"RuntimeError: {error}")


# ---- and what is done


SERVICES = ("router", "shared", "x", *(f"{kind}{n}" for kind in ("a", "b", "judge") for n in "123"))


@pytest.fixture(scope="module")
def carried_out(tmp_path_factory):
    choices = {name: Choice.model_validate(one) for name, one in nestings().items()}
    services = [Scripted(name, lambda asked, name=name: say(name, asked)) for name in SERVICES]
    work = BatchWork({("t", name): one for name, one in choices.items()}, TASKS, by_name(*services))
    texts = {f"{n:02d} {name}": name for n in range(ITEMS) for name in choices}
    plans = [
        row(PlanRow, batch="b", item_id=i, content_hash=i, path=i, task="t", option=name,
            model=choices[name].model, kind=TASK.kind, services=choices[name].admissible)
        for i, name in sorted(texts.items())
    ]  # fmt: skip
    cache = AnswerCache(LmdbStore(tmp_path_factory.mktemp("answers")))
    done = process_plans(plans, work, cache, item_of, BatchLimits(64))
    tables = [rows_to_arrow(INTERPRETATIONS[m], rows) for m, rows in done.interpretations.items()]
    readings, roles = group_readings(tables), group_roles(tables)
    resolved = list(resolve_plans(plans, readings, TASKS, roles))
    asked = Counter((s.name, q.item.item_id) for s in services for q in s.asked)
    return choices, plans, done, readings, roles, resolved, asked


def item_of(item_id: str) -> Item:
    return Item(item_id, item_id, f"{item_id}.txt", f"{item_id}\n{TEXT}", {})


def test_log_table_and_meaning_agree_in_every_nesting(carried_out) -> None:
    choices, plans, done, _, roles, resolved, _ = carried_out
    last = {decision.item_id: decision for decision in done.decisions}
    wrong, changed = [], Counter()
    for plan, row_ in zip(plans, resolved, strict=True):
        heard = meant(choices[plan.option], Question(TASK, item_of(plan.item_id)))
        decided = roles[plan.item_id, "t"].decides
        if not (last[plan.item_id].answer == row_.answer == heard.answer()) or (
            decided != set(heard.standing())
        ):
            wrong.append((plan.option, plan.item_id, last[plan.item_id], row_, heard))
        assert {one.service for one in row_.readings if one.decides} == decided
        spoke = any(reading.status is Status.OK for reading in heard.finals().values())
        assert (row_.status is ResolutionStatus.RESOLVED) == spoke
        changed[row_.answer] += 1
    assert not wrong, f"{len(wrong)} of {len(plans)}, first {wrong[0]}"
    assert min(changed["a"], changed["b"], changed["c"], changed[None]) > 10


def test_what_an_escalation_or_a_judge_answered_stands_and_silence_is_said(carried_out) -> None:
    _, _, done, _, _, resolved, _ = carried_out
    answers = {row_.item_id: row_.answer for row_ in resolved}
    words = Counter()
    by_item: dict[str, list[Any]] = {}
    for decision in done.decisions:
        by_item.setdefault(decision.item_id, []).append(decision)
    for item_id, decisions in by_item.items():
        for decision in decisions:
            words["silent judge"] += "it gave no answer" in decision.reason
            words["silent escalation"] += "escalation gave no answer" in decision.reason
        if "escalation changed the answer" in decisions[-1].reason:
            words["changed"] += 1
            assert decisions[-1].reason.endswith(f"-> {answers[item_id]}")
    assert min(words.values()) > 10 and len(words) == 3


def test_every_call_that_was_made_has_its_rows_and_none_is_counted_twice(carried_out) -> None:
    _, _, done, _, _, _, asked = carried_out
    called = Counter((row_.service, row_.item_id) for row_ in done.calls if row_.origin == "called")
    assert called == asked
    keys = Counter((r.item_id, r.task, r.service, r.round) for r in done.calls)
    assert max(keys.values()) == 1
    rows = [one for rows in done.interpretations.values() for one in rows]
    assert Counter((r.item_id, r.task, r.service, r.round) for r in rows) == keys
    finals = Counter((r.item_id, r.service) for r in rows if r.final)
    assert max(finals.values()) == 1


def test_calls_keep_within_their_forecast(carried_out) -> None:
    choices, plans, done, *_ = carried_out
    prices = {name: Price(1.0, 1.0) for name in SERVICES}
    calls = Counter(row_.item_id for row_ in done.calls)
    for plan in plans:
        bounds = forecast(choices[plan.option], prices)
        assert bounds.calls_min <= calls[plan.item_id] <= bounds.calls_max, plan.option


def test_only_readings_found_without_each_other_are_in_dispute(carried_out) -> None:
    _, _, _, readings, roles, resolved, _ = carried_out
    rows = list(disagreements(resolved, readings, TASKS, roles=roles))
    pairs = {(one.item_id, one.service_a, one.service_b) for one in rows}
    assert len(pairs) > 1000
    for item_id, a, b in pairs:
        part = roles[item_id, "t"]
        assert not (part.supersedes(a, b) or part.supersedes(b, a))
    contradicting = {item_id for item_id, *_ in pairs}
    assert all(row_.item_id in contradicting for row_ in resolved if row_.dissenters)
    chains = [row_ for row_ in resolved if row_.item_id.endswith(" chain/None, on to nothing")]
    assert len(chains) == ITEMS
    assert len({one.answer for row_ in chains for one in row_.readings}) > 2
    assert not any(row_.dissenters or row_.item_id in contradicting for row_ in chains)
