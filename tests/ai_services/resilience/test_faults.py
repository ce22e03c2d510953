"""Every fault alone, with every other, and all at once, against a real server."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker, AskResult
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import VECTORS, asked, chat, embeddings

# far beyond what anything takes: other work may keep the machine busy
DEADLINE_S = 60.0
PATIENT = {"connect_s": 30.0, "first_token_s": 30.0, "total_s": 30.0}
# of what only a deadline ends; without it the service would be waited for longer than DEADLINE_S
SOON_S = 2.0
ANSWERED = {FaultKind.LATENCY, FaultKind.SLOW_BODY, FaultKind.CHATTY}
FATAL = {FaultKind.UNAUTHORISED}
KINDS = [kind for kind in FaultKind if kind not in FATAL]


def texts(count: int) -> list[Question]:
    return [asked(f"this is the text with number {n}") for n in range(count)]


async def ask_all(
    asker: Asker, name: str, questions: Sequence[Question], deadline_s: float = DEADLINE_S
) -> tuple[list[AskResult], float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(*(asker.ask(name, one, began + deadline_s) for one in questions))
    return answers, loop.time() - began


def run(
    folder,
    services: dict[str, Any],
    work: Callable[[Asker], Any],
    budget: SpendBudget | None = None,
) -> Any:
    async def drive() -> Any:
        cache = AnswerCache(LmdbStore(folder / "answers"))
        async with Asker(services, cache, budget=budget) as asker:
            return await work(asker)

    return asyncio.run(drive())


def fault(kind: FaultKind, share: float) -> Fault:
    return Fault(kind=kind, share=share, seconds=0.02)


MATRIX = [
    *[(kind,) for kind in KINDS],
    *combinations(KINDS, 2),
    tuple(KINDS),
]


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_or_billed_twice_whatever_fails(tmp_path, part) -> None:
    for number, kinds in enumerate(MATRIX[part::4]):
        script = FaultScript(
            seed=number, faults=tuple(fault(kind, 0.5 / len(kinds)) for kind in kinds)
        )
        primary, second = DrillServer(script), DrillServer()
        budget = SpendBudget(1.0)
        with serving(primary) as url, serving(second) as other:
            services = {
                "primary": ChatService("primary", chat(url, fallbacks=["second"])),
                "second": ChatService("second", chat(other, model="small-2", timeouts=PATIENT)),
            }
            questions = texts(24)
            work = partial(ask_all, name="primary", questions=questions)
            answers, seconds = run(tmp_path / str(number), services, work, budget)
        counted = Counter(one.reading.status for one in answers)
        assert sum(counted.values()) == len(questions)
        # there is a healthy fallback: nobody goes without an answer
        assert set(counted) <= {Status.OK, Status.FALLBACK}, (kinds, counted)
        assert seconds < DEADLINE_S
        for server in (primary, second):
            assert max(Counter(one.key for one in server.billed).values(), default=1) == 1
        paid = sum(
            services["primary"].config.price.of(one.tokens_in, one.tokens_out)
            for server in (primary, second)
            for one in server.billed
        )
        assert sum(one.cost_usd for one in answers) + budget.at_risk_usd >= paid - 1e-9
        assert budget.spent_usd == pytest.approx(sum(one.cost_usd for one in answers))


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_fallback_every_question_still_has_its_reading(tmp_path, kind) -> None:
    server = DrillServer(FaultScript(faults=(fault(kind, 1.0),)))
    with serving(server) as url:
        limits = {"total_s": 0.1} if kind is FaultKind.HANG else PATIENT
        services = {"s": ChatService("s", chat(url, timeouts=limits))}
        ends_s = DEADLINE_S if kind in ANSWERED else SOON_S
        answers, seconds = run(tmp_path, services, lambda a: ask_all(a, "s", texts(30), ends_s))
    assert len(answers) == 30
    assert seconds < DEADLINE_S
    for one in answers:
        assert one.reading.status is Status.OK or one.reading.reason
    if kind in ANSWERED:
        assert {one.reading.status for one in answers} == {Status.OK}
    elif kind is FaultKind.WRONG_SCHEMA:
        assert Status.REJECTED_OUTPUT in {one.reading.status for one in answers}
    else:
        assert Status.OK not in {one.reading.status for one in answers}


def test_a_primary_that_is_dead_is_asked_a_window_and_its_probes(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="error"),)))
    second = DrillServer(FaultScript(median_ms=5))
    with serving(server) as url, serving(second) as other:
        services = {
            "primary": ChatService("primary", chat(url, fallbacks=["second"], concurrency=32)),
            "second": ChatService("second", chat(other, concurrency=32, timeouts=PATIENT)),
        }

        async def work(asker: Asker):
            answers = await ask_all(asker, "primary", texts(200), 60.0)
            return answers[0], asker.callers["primary"].breaker

        answers, breaker = run(tmp_path, services, work)
    assert {one.reading.status for one in answers} == {Status.FALLBACK}
    window = services["primary"].config.breaker.window
    assert len(server.log) <= window + breaker.opened
    assert all("second answers instead of primary" in str(a.reading.reason) for a in answers)


def test_a_service_that_recovers_is_asked_again(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="error", end=14),)))
    with serving(server) as url:
        config = chat(url, breaker={"open_s": 0.02}, timeouts=PATIENT)
        services = {"s": ChatService("s", config)}

        async def work(asker: Asker):
            await ask_all(asker, "s", texts(30))
            questions = [asked(f"later text {n}") for n in range(10)]
            # each probe takes one of the failures that are still scripted
            loop = asyncio.get_running_loop()
            ends = loop.time() + 20.0
            while asker.callers["s"].breaker.state != "closed" and loop.time() < ends:
                await asyncio.sleep(0.05)
                await asker.ask("s", asked("the probe"))
            return await ask_all(asker, "s", questions)

        answers, _ = run(tmp_path, services, work)
    assert {one.reading.status for one in answers} == {Status.OK}


@pytest.mark.parametrize("kind", ["unauthorised", "refused"])
def test_permanent_errors_are_never_asked_again(tmp_path, kind) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind=kind),)))
    with serving(server) as url:
        services = {"s": ChatService("s", chat(url, concurrency=4))}

        async def work(asker: Asker):
            return await ask_all(asker, "s", texts(40)), asker.callers["s"].stopped

        (answers, _), stopped = run(tmp_path, services, work)
    assert max(Counter(one.key for one in server.log).values()) == 1
    if kind == "unauthorised":
        # only what was under way when the first refusal came
        assert len(server.log) <= 4
        assert "s is stopped for this run: HTTP 401" in stopped
        assert len({one.reading.reason for one in answers}) <= 2
    else:
        assert len(server.log) == 40
        assert stopped is None
        assert all("quarantined" in str(one.reading.reason) for one in answers)


def test_retry_after_is_waited_for_by_everybody(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="rate_limit", seconds=0.2, end=1),)))
    with serving(server) as url:
        config = chat(url, concurrency=1, retries={"backoff_s": 0.001, "backoff_max_s": 1.0})
        answers, seconds = run(
            tmp_path, {"s": ChatService("s", config)}, lambda a: ask_all(a, "s", texts(5))
        )
    assert {one.reading.status for one in answers} == {Status.OK}
    assert seconds >= 0.2
    assert len(server.log) == 6
    assert server.log[1].at_s - server.log[0].at_s >= 0.2


def test_a_poison_item_is_found_and_the_others_keep_their_vectors_and_order(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="refused", contains="poison"),)))
    with serving(server) as url:
        config = embeddings(url, batch_size=16, retries={"attempts": 2})
        questions = [
            asked(f"{'poison' if n == 21 else 'plain'} text {n} {'word ' * n}", VECTORS)
            for n in range(40)
        ]
        answers, _ = run(
            tmp_path, {"s": EmbeddingsService("s", config)}, lambda a: ask_all(a, "s", questions)
        )
    bad = [n for n, one in enumerate(answers) if one.reading.status is not Status.OK]
    assert bad == [21]
    assert "quarantined" in str(answers[21].reading.reason)
    # two clean batches; the bad one of 16 is halved four times
    assert len(server.log) == 3 + 2 * 4
    assert [len(one.attempts) for one in answers[:16]] == [1] * 16
    clean = DrillServer()
    with serving(clean) as url:
        again, _ = run(
            tmp_path / "clean",
            {"s": EmbeddingsService("s", embeddings(url))},
            lambda a: ask_all(a, "s", questions),
        )
    assert [a.reading for n, a in enumerate(answers) if n != 21] == [
        a.reading for n, a in enumerate(again) if n != 21
    ]


def test_batches_are_as_few_as_can_be_and_cached_items_are_in_none(tmp_path) -> None:
    server = DrillServer()
    with serving(server) as url:
        services = {"s": EmbeddingsService("s", embeddings(url, batch_size=16))}
        first = [asked(f"text {n}", VECTORS) for n in range(20)]
        run(tmp_path, services, lambda a: ask_all(a, "s", first))
        assert [one.items for one in server.log] == [16, 4]
        more = [asked(f"text {n}", VECTORS) for n in range(70)]
        run(tmp_path, services, lambda a: ask_all(a, "s", more))
    assert sorted(one.items for one in server.log[2:]) == [2, 16, 16, 16]


def test_identical_questions_in_flight_are_asked_once(tmp_path) -> None:
    server = DrillServer(FaultScript(median_ms=30))
    with serving(server) as url:
        question = asked("the same text")
        answers, _ = run(
            tmp_path,
            {"s": ChatService("s", chat(url))},
            lambda a: ask_all(a, "s", [question] * 20),
        )
    assert len(server.log) == 1
    assert len({one.reading for one in answers}) == 1
    assert Counter(one.origin for one in answers) == {"called": 1, "cache": 19}
    assert sum(one.cost_usd > 0 for one in answers) == 1


def test_a_cap_stops_paying_and_what_was_answered_stands(tmp_path) -> None:
    server = DrillServer()
    with serving(server) as url:
        service = ChatService("s", chat(url, concurrency=4, price={"call_usd": 0.01}))
        budget = SpendBudget(0.1)
        answers, _ = run(tmp_path, {"s": service}, lambda a: ask_all(a, "s", texts(30)), budget)
    counted = Counter(one.reading.status for one in answers)
    assert counted == {Status.OK: 10, Status.OVER_BUDGET: 20}
    assert budget.spent_usd == pytest.approx(0.1)
    assert len(server.billed) == 10


def test_an_answer_that_does_not_fit_is_repaired_once_then_quarantined(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="wrong_schema", end=1),)))
    with serving(server) as url:
        services = {"s": ChatService("s", chat(url))}
        (mended,), _ = run(tmp_path, services, lambda a: ask_all(a, "s", texts(1)))
        server.script = FaultScript(faults=(Fault(kind="wrong_schema"),))
        (bad,), _ = run(tmp_path, services, lambda a: ask_all(a, "s", [asked("another text")]))
    assert [one.status for one in mended.attempts] == [Status.REJECTED_OUTPUT, Status.OK]
    assert mended.reading.status is Status.OK
    assert [one.status for one in bad.attempts] == [Status.REJECTED_OUTPUT] * 2
    assert bad.reading.status is Status.REJECTED_OUTPUT
    assert all(one.cost_usd > 0 for one in (*mended.attempts, *bad.attempts))


def test_a_rate_is_kept(tmp_path) -> None:
    server = DrillServer()
    with serving(server) as url:
        config = chat(url, rates={"requests_per_minute": 1200}, timeouts=PATIENT)
        _, seconds = run(
            tmp_path, {"s": ChatService("s", config)}, lambda a: ask_all(a, "s", texts(30))
        )
    # 20 pass at once, ten more at 20 a second
    assert seconds >= 0.45
    assert len(server.log) == 30


def test_a_bulkhead_is_never_exceeded(tmp_path) -> None:
    server = DrillServer(FaultScript(median_ms=10))
    with serving(server) as url:
        service = ChatService("s", chat(url, concurrency=3))
        run(tmp_path, {"s": service}, lambda a: ask_all(a, "s", texts(20)))
    assert server.peak_concurrency == 3


def test_a_deadline_ends_what_hangs_and_what_waits(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="hang"),)))
    with serving(server) as url:
        config = chat(url, concurrency=2, timeouts={"total_s": 2 * DEADLINE_S})
        answers, seconds = run(
            tmp_path, {"s": ChatService("s", config)}, lambda a: ask_all(a, "s", texts(6), SOON_S)
        )
    assert seconds < DEADLINE_S
    assert {one.reading.status for one in answers} == {Status.TIMEOUT}
    assert sum(bool(one.attempts) for one in answers) == 2


def test_waiting_for_a_turn_does_not_count_against_an_item(tmp_path) -> None:
    """Many items wait for few places: the last of them has as much time as the first."""
    server = DrillServer(FaultScript(median_ms=40))
    with serving(server) as url:
        config = chat(url, concurrency=1, timeouts={"total_s": 60.0})

        async def drive():
            cache = AnswerCache(LmdbStore(tmp_path / "answers"))
            service = ChatService("s", config)
            async with Asker({"s": service}, cache, call_limit_s=1.0) as asker:
                quick = await asyncio.gather(*(asker.ask("s", one) for one in texts(40)))
                server.script = FaultScript(faults=(Fault(kind="hang"),))
                began = asyncio.get_running_loop().time()
                stuck = await asker.ask("s", asked("this one hangs"))
                return quick, stuck, asyncio.get_running_loop().time() - began

        quick, stuck, seconds = asyncio.run(drive())
    assert {one.reading.status for one in quick} == {Status.OK}
    assert stuck.reading.status is Status.TIMEOUT
    # by its own limit, long before the service's
    assert 1.0 <= seconds < 60.0


def test_a_failure_is_asked_again_by_the_next_run(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="error"),)))
    with serving(server) as url:
        services = {"s": ChatService("s", chat(url, breaker={"open_s": 0.1, "wait_s": 0.2}))}
        first, _ = run(tmp_path, services, lambda a: ask_all(a, "s", texts(3)))
        server.script = FaultScript()
        second, _ = run(tmp_path, services, lambda a: ask_all(a, "s", texts(3)))
        third, _ = run(tmp_path, services, lambda a: ask_all(a, "s", texts(3)))
    assert {one.reading.status for one in first} == {Status.DEFERRED}
    assert {one.origin for one in second} == {"called"}
    assert {one.origin for one in third} == {"cache"}
    assert [one.reading for one in second] == [one.reading for one in third]
