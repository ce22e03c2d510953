"""The breaker against everything that may happen to it, in any order."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestration_assets.schemas.services import BreakerConfig
from resources.ai_services.resilience.breaker import (
    LEAST_QUESTIONS,
    Breaker,
    BreakerState,
    NotAdmitted,
    Outcome,
    Ticket,
)

CONFIG = BreakerConfig(window=8, failure_rate=0.5, min_attempts=4, open_s=10.0)


class AnyTraffic(RuleBasedStateMachine):
    """Attempts begin and end as they like; the clock goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(CONFIG)
        self.now = 0.0
        self.under_way: list[tuple[Ticket, BreakerState]] = []

    @rule()
    def begin(self) -> None:
        verdict = self.breaker.admit(self.now)
        if isinstance(verdict, Ticket):
            self.under_way.append((verdict, self.breaker.state))
        elif verdict is NotAdmitted.WAIT:
            # whoever waits is woken by an attempt that is under way
            assert self.under_way

    @precondition(lambda self: self.under_way)
    @rule(
        which=st.integers(0), outcome=st.sampled_from(Outcome), question=st.sampled_from("abcdefg")
    )
    def end(self, which: int, outcome: Outcome, question: str) -> None:
        ticket, _ = self.under_way.pop(which % len(self.under_way))
        self.breaker.record(ticket, self.now, outcome, question)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0))
    def give_up(self, which: int) -> None:
        ticket, _ = self.under_way.pop(which % len(self.under_way))
        self.breaker.abandon(ticket)

    @rule(seconds=st.floats(0.0, 30.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def one_probe_at_most(self) -> None:
        current = [
            ticket
            for ticket, begun in self.under_way
            if begun is BreakerState.HALF_OPEN and ticket.era == self.breaker._era
        ]
        assert len(current) == (self.breaker.state is BreakerState.HALF_OPEN)


AnyTraffic.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestAnyTraffic = AnyTraffic.TestCase


def through(breaker: Breaker, outcomes: list[bool], now: float = 0.0) -> None:
    for number, ok in enumerate(outcomes):
        ticket = breaker.admit(now)
        assert isinstance(ticket, Ticket)
        breaker.record(ticket, now, Outcome.ANSWERED if ok else Outcome.FAILED, str(number))


def test_alternating_failures_open_it() -> None:
    breaker = Breaker(CONFIG)
    through(breaker, [True, False, True, False])
    assert breaker.state is BreakerState.OPEN


def test_rare_failures_never_open_it_however_many_calls_there_are() -> None:
    breaker = Breaker(CONFIG)
    through(breaker, [n % 4 != 3 for n in range(2000)])
    assert breaker.state is BreakerState.CLOSED


def test_a_service_that_is_down_from_the_start_is_asked_once_a_window() -> None:
    """However many want it at once: the first failures are not yet known when the others ask."""
    breaker = Breaker(CONFIG)
    verdicts = [breaker.admit(0.0) for _ in range(200)]
    assert sum(isinstance(one, Ticket) for one in verdicts) == CONFIG.window
    assert NotAdmitted.WAIT in verdicts


def test_once_it_is_known_to_work_any_number_passes_at_once() -> None:
    breaker = Breaker(CONFIG)
    through(breaker, [True])
    assert all(isinstance(breaker.admit(0.0), Ticket) for _ in range(200))


def test_probes_come_rarer_while_they_fail_and_one_success_closes_it() -> None:
    breaker = Breaker(CONFIG)
    through(breaker, [False] * 4)
    times = []
    now = 0.0
    while len(times) < 4:
        now += 1.0
        ticket = breaker.admit(now)
        if isinstance(ticket, Ticket):
            assert breaker.admit(now) is NotAdmitted.REFUSE
            breaker.record(ticket, now, Outcome.FAILED)
            times.append(now)
    assert times == [10.0, 30.0, 70.0, 110.0]
    now = breaker.probe_at
    through(breaker, [True], now)
    assert breaker.state is BreakerState.CLOSED


def test_what_began_before_it_opened_tells_nothing_about_the_probe() -> None:
    breaker = Breaker(CONFIG)
    through(breaker, [True])
    old = breaker.admit(0.0)
    through(breaker, [False] * 3)
    probe = breaker.admit(10.0)
    assert isinstance(old, Ticket)
    assert isinstance(probe, Ticket)
    breaker.record(old, 10.0, Outcome.ANSWERED)
    assert breaker.state is BreakerState.HALF_OPEN


@given(st.lists(st.sampled_from(["bad", "good"]), max_size=60))
def test_one_item_never_opens_it_however_often_its_answer_is_malformed(attempts) -> None:
    """It is repaired and retried between the answers to other items."""
    breaker = Breaker(CONFIG)
    for number, kind in enumerate(attempts):
        ticket = breaker.admit(0.0)
        assert isinstance(ticket, Ticket)
        if kind == "bad":
            breaker.record(ticket, 0.0, Outcome.MALFORMED, "the same")
        else:
            breaker.record(ticket, 0.0, Outcome.ANSWERED, str(number))
    assert breaker.state is BreakerState.CLOSED


def malformed(breaker: Breaker, questions: int) -> None:
    for number in range(questions):
        ticket = breaker.admit(0.0)
        if isinstance(ticket, Ticket):
            breaker.record(ticket, 0.0, Outcome.MALFORMED, f"malformed {number}")


def test_it_opens_when_most_of_the_latest_questions_got_malformed_answers() -> None:
    breaker = Breaker(CONFIG)
    malformed(breaker, LEAST_QUESTIONS - 1)
    assert breaker.state is BreakerState.CLOSED
    malformed(breaker, 40)
    assert breaker.state is BreakerState.OPEN


def test_a_malformed_answer_of_a_probe_shows_that_the_service_is_back() -> None:
    breaker = Breaker(CONFIG)
    through(breaker, [False] * 4)
    probe = breaker.admit(breaker.probe_at)
    assert isinstance(probe, Ticket)
    breaker.record(probe, breaker.probe_at, Outcome.MALFORMED, "a")
    assert breaker.state is BreakerState.CLOSED


@given(st.lists(st.booleans(), max_size=60))
def test_the_share_of_failures_is_one_while_it_is_not_closed(outcomes) -> None:
    breaker = Breaker(CONFIG)
    for ok in outcomes:
        ticket = breaker.admit(0.0)
        if isinstance(ticket, Ticket):
            breaker.record(ticket, 0.0, Outcome.ANSWERED if ok else Outcome.FAILED, "a")
    assert 0.0 <= breaker.failed_share <= 1.0
    # all attempts are of one question: nothing is left to compare with
    assert breaker.failed_share_beside("a") == 1.0
    if breaker.state is not BreakerState.CLOSED:
        assert breaker.failed_share == breaker.failed_share_beside("b") == 1.0
