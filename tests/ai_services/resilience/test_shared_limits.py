"""Limits of a service that several processes keep together: real ones, a server that counts."""

import asyncio
import errno
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience import shared_limits
from resources.ai_services.resilience.breaker import BreakerState, NotAdmitted, Outcome, Ticket
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.limit_file import LimitFile
from resources.ai_services.resilience.rates import RateAccount, request_bucket, token_bucket
from resources.ai_services.resilience.shared_breaker import SharedBreaker
from resources.ai_services.resilience.shared_limits import SharedLimits, machine_folder
from resources.ai_services.resilience.shares import shares
from resources.ai_services.resilience.spend_budget import SpendBudget
from tests.ai_services.http.samples import asked, chat

ANSWER = b"""{"choices":[{"index":0,"finish_reason":"stop",
"message":{"role":"assistant","content":"{\\"answer\\": \\"red\\"}"}}],
"usage":{"prompt_tokens":10,"completion_tokens":2}}"""


@given(st.integers(0, 200), st.lists(st.integers(1, 200), max_size=9), st.integers(0, 8))
def test_places_are_shared_out_evenly_and_never_twice(places, wants, first) -> None:
    given_out = shares(places, wants, first)
    assert sum(given_out) == (places if wants else 0)
    fair = places // len(wants) if wants else 0
    for want, got in zip(wants, given_out, strict=True):
        assert got >= min(want, fair)
        # who gets less than they want has others beside them that have about as much at most
        if got < want:
            assert all(other <= max(got + 1, 1) for other in given_out)


def sent(bucket: RateAccount, gaps: Sequence[float], amount: float) -> list[float]:
    """When attempts that come after these gaps are let through, each as soon as it may be."""
    now, level, at, moments = 0.0, 0.0, 0.0, []
    for gap in gaps:
        now += gap
        while (wait := bucket.wait_s(bucket.level(level, at, now), amount)) > 0.0:
            now += wait
        level, at = bucket.level(level, at, now) + amount, now
        moments.append(now)
    return moments


GAPS = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 90.0)), min_size=1, max_size=300)


@given(st.floats(1.0, 400.0), GAPS)
def test_no_minute_has_more_requests_than_the_policy_allows(per_minute, gaps) -> None:
    moments = sent(request_bucket(per_minute), gaps, 1.0)
    for start in moments:
        within = sum(start <= one < start + 60.0 - 1e-6 for one in moments)
        assert within <= per_minute


@given(st.floats(1.0, 1e6), GAPS)
def test_no_minute_has_more_tokens_than_the_policy_allows(per_minute, gaps) -> None:
    bucket = token_bucket(per_minute)
    moments = sent(bucket, gaps, bucket.size / 3.0)
    for start in moments:
        within = sum(start <= one < start + 60.0 - 1e-6 for one in moments)
        assert within * bucket.size / 3.0 <= per_minute * (1.0 + 1e-6)


class _Server(ThreadingHTTPServer):
    """Answers after ``seconds``; knows what is under way, and when requests came, by process."""

    daemon_threads = True

    def __init__(self, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seconds = seconds
        self.broken = False
        self.lock = threading.Lock()
        self.under_way: list[str] = []
        self.most = 0
        self.gone: set[str] = set()
        self.came: list[tuple[float, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        who = body.split("process ")[1].split(" ")[0]
        server = self.server
        with server.lock:
            server.under_way.append(who)
            # what a killed process asked is no longer waited for by anybody
            server.most = max(server.most, sum(one not in server.gone for one in server.under_way))
            server.came.append((time.monotonic(), who))
            broken = server.broken
        time.sleep(server.seconds)
        with server.lock:
            server.under_way.remove(who)
        self.send_response(503 if broken else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(seconds: float) -> Iterator[_Server]:
    server = _Server(seconds)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def ask(url: str, folder: str, count: int, changes: dict) -> None:
    """What each process does: so many questions at once."""
    timeouts = {"connect_s": 20.0, "first_token_s": 60.0, "total_s": 60.0}
    config = chat(url, **{"timeouts": timeouts, "stream": False, **changes})

    async def everything() -> None:
        caller = Caller(ChatService("s", config), SpendBudget(), shared=Path(folder))
        caller.open()
        try:
            later = asyncio.get_running_loop().time() + 300.0
            questions = [asked(f"process {os.getpid()} asks {n}") for n in range(count)]
            outcomes = await asyncio.gather(
                *(
                    caller.call([one], [f"{os.getpid()}-{n}"], later)
                    for n, one in enumerate(questions)
                )
            )
        finally:
            await caller.aclose()
        sys.stdout.write(" ".join(str(one.reading.status) for (one,) in outcomes))

    asyncio.run(everything())


@contextmanager
def asking(
    url: str, folder: Path, count: int, **changes: object
) -> Iterator["subprocess.Popen[str]"]:
    program = (
        "from tests.ai_services.resilience.test_shared_limits import ask; "
        f"ask({url!r}, {str(folder)!r}, {count}, {changes!r})"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def answers(child: "subprocess.Popen[str]") -> list[str]:
    said, _ = child.communicate(timeout=300.0)
    assert child.returncode == 0
    return said.split()


def test_processes_together_never_ask_more_at_once_and_use_all_places(tmp_path) -> None:
    with served(0.05) as server, ExitStack() as stack:
        children = [
            stack.enter_context(asking(server.url, tmp_path, 60, concurrency=5)) for _ in range(3)
        ]
        said = [answers(child) for child in children]
    assert said == [["ok"] * 60] * 3
    assert server.most == 5
    assert not list((machine_folder(tmp_path) / "s.members").iterdir())


def test_fewer_places_than_processes_go_round(tmp_path) -> None:
    with served(0.02) as server, ExitStack() as stack:
        children = [
            stack.enter_context(asking(server.url, tmp_path, 12, concurrency=1)) for _ in range(3)
        ]
        said = [answers(child) for child in children]
    assert said == [["ok"] * 12] * 3
    assert server.most == 1


def test_what_a_killed_process_held_is_used_by_others(tmp_path) -> None:
    with served(0.2) as server, ExitStack() as stack:
        first = stack.enter_context(asking(server.url, tmp_path, 500, concurrency=4))
        while len(server.came) < 8:
            assert first.poll() is None
            time.sleep(0.01)
        # it stands still with all places in its hands
        os.kill(first.pid, signal.SIGSTOP)
        second = stack.enter_context(asking(server.url, tmp_path, 20, concurrency=4))
        time.sleep(0.1)
        with server.lock:
            server.gone.add(str(first.pid))
        os.kill(first.pid, signal.SIGKILL)
        assert answers(second) == ["ok"] * 20
    assert server.most == 4
    assert sum(who == str(second.pid) for _, who in server.came) == 20


def test_processes_together_keep_to_one_rate(tmp_path) -> None:
    per_minute = 240.0
    with served(0.0) as server, ExitStack() as stack:
        children = [
            stack.enter_context(
                asking(
                    server.url,
                    tmp_path,
                    8,
                    concurrency=8,
                    rates={"requests_per_minute": per_minute},
                )
            )
            for _ in range(3)
        ]
        assert [answers(child) for child in children] == [["ok"] * 8] * 3
    moments = sorted(moment for moment, _ in server.came)
    bucket = request_bucket(per_minute)
    # whatever was sent after the burst came at the rate: the server sees it late, never early
    least = (len(moments) - bucket.size) / bucket.per_s
    assert moments[-1] - moments[0] >= least - 0.5


def test_a_rate_is_kept_by_processes_one_after_the_other(tmp_path) -> None:
    clock = [100.0]
    config = chat("http://127.0.0.1:1/v1", rates={"requests_per_minute": 120.0})
    wanted = [("requests", request_bucket(120.0), 1.0)]
    first = SharedLimits(tmp_path, "s", config, lambda: clock[0])
    assert [first.take(wanted), first.take(wanted)] == [0.0, 0.0]
    first.close()
    second = SharedLimits(tmp_path, "s", config, lambda: clock[0])
    wait = second.take(wanted)
    assert wait > 0.0
    clock[0] += wait
    assert second.take(wanted) == 0.0
    second.pause(130.0)
    second.close()


def beside(folder: Path, count: int, clock: list[float], **breaker: object):
    """So many processes' views of one service, in this process."""
    config = chat("http://127.0.0.1:1/v1", concurrency=4, breaker=breaker)
    limits = [SharedLimits(folder, "s", config, lambda: clock[0]) for _ in range(count)]
    breakers = [SharedBreaker(config.breaker, one.changing) for one in limits]
    for one, own in zip(limits, breakers, strict=True):
        one.refresh(0, 0, own)
    return limits, breakers


def test_a_circuit_that_one_process_opens_is_open_for_all_and_one_probes(tmp_path) -> None:
    clock = [10.0]
    limits, breakers = beside(tmp_path, 3, clock, window=8, min_attempts=4, open_s=5.0)
    for turn in range(4):
        one = breakers[turn % 3]
        ticket = one.admit(clock[0])
        assert isinstance(ticket, Ticket)
        one.record(ticket, clock[0], Outcome.FAILED)
    # four failures of three processes: none of them saw enough alone
    for one, own in zip(limits, breakers, strict=True):
        one.refresh(0, 0, own)
    assert [one.state for one in breakers] == [BreakerState.OPEN] * 3
    clock[0] += 5.0
    probe = breakers[1].admit(clock[0])
    assert isinstance(probe, Ticket)
    assert [breakers[n].admit(clock[0]) for n in (0, 2)] == [NotAdmitted.REFUSE] * 2
    breakers[1].record(probe, clock[0], Outcome.ANSWERED)
    limits[2].refresh(0, 0, breakers[2])
    assert breakers[2].state is BreakerState.CLOSED
    for one in limits:
        one.close()


def test_another_process_probes_when_the_one_that_does_is_gone(tmp_path) -> None:
    clock = [10.0]
    limits, breakers = beside(tmp_path, 2, clock, window=2, min_attempts=2, open_s=5.0)
    for _ in range(2):
        ticket = breakers[0].admit(clock[0])
        assert isinstance(ticket, Ticket)
        breakers[0].record(ticket, clock[0], Outcome.FAILED)
    clock[0] += 5.0
    assert isinstance(breakers[0].admit(clock[0]), Ticket)
    assert breakers[1].admit(clock[0]) is NotAdmitted.REFUSE
    # as when its process dies: the kernel gives back its lock, and nothing else is said
    os.close(limits[0]._descriptor)
    assert isinstance(breakers[1].admit(clock[0]), Ticket)
    limits[1].close()


def test_a_service_that_never_answered_is_asked_so_often_by_all_together(tmp_path) -> None:
    clock = [10.0]
    limits, breakers = beside(tmp_path, 2, clock, window=6, min_attempts=6, open_s=5.0)
    admitted = [one.admit(clock[0]) for one in breakers for _ in range(6)]
    assert sum(isinstance(one, Ticket) for one in admitted) == 6
    assert admitted[6:] == [NotAdmitted.WAIT] * 6
    for one in limits:
        one.close()


def test_what_was_known_of_a_service_ends_with_the_last_that_asks_it(tmp_path) -> None:
    clock = [10.0]
    (limits,), (breaker,) = beside(tmp_path, 1, clock, window=2, min_attempts=2, open_s=500.0)
    for _ in range(2):
        ticket = breaker.admit(clock[0])
        assert isinstance(ticket, Ticket)
        breaker.record(ticket, clock[0], Outcome.FAILED)
    limits.close()
    (later,), (fresh,) = beside(tmp_path, 1, clock, window=2, min_attempts=2, open_s=500.0)
    assert fresh.state is BreakerState.CLOSED
    later.close()


@pytest.mark.parametrize("damage", [b"", b"x", b"00000000 {}", b"\xff" * 90])
def test_a_damaged_file_of_limits_is_begun_anew(tmp_path, damage) -> None:
    folder = machine_folder(tmp_path)
    folder.mkdir()
    (folder / "s.state").write_bytes(damage)
    limits, breakers = beside(tmp_path, 2, [1.0])
    limits[0].refresh(0, 9, breakers[0])
    assert sum(one.places for one in limits) <= 4
    assert not math.isnan(limits[0].paused_until)
    for one in limits:
        one.close()
    file = LimitFile(folder, "s")
    with file.changing() as state:
        assert state["members"] == {}
    file.close()


@pytest.mark.parametrize("places", [1, 4])
def test_who_comes_later_is_served_while_another_has_more_to_ask_than_places(
    tmp_path, places
) -> None:
    with served(0.05) as server, ExitStack() as stack:
        first = stack.enter_context(asking(server.url, tmp_path, 4_000, concurrency=places))
        while len(server.came) < 2 * places:
            assert first.poll() is None
            time.sleep(0.01)
        second = stack.enter_context(asking(server.url, tmp_path, 10, concurrency=places))
        assert answers(second) == ["ok"] * 10
        assert first.poll() is None
    assert server.most == places


@pytest.mark.parametrize("failures", [3, 4])
def test_a_circuit_that_a_success_opens_is_open_for_all(tmp_path, failures) -> None:
    clock = [10.0]
    limits, breakers = beside(
        tmp_path, 2, clock, window=8, min_attempts=6, failure_rate=0.5, open_s=5.0
    )
    first = breakers[0]
    outcomes = [Outcome.FAILED] * failures + [Outcome.ANSWERED] * (6 - failures)
    tickets = [first.admit(clock[0]) for _ in outcomes]
    for ticket, outcome in zip(tickets, outcomes, strict=True):
        assert isinstance(ticket, Ticket)
        first.record(ticket, clock[0], outcome)
    assert first.state is BreakerState.OPEN
    for one, own in zip(limits, breakers, strict=True):
        one.refresh(0, 0, own)
        assert own.state is BreakerState.OPEN
    for one in limits:
        one.close()


def test_another_machine_on_the_same_home_takes_no_limit_from_this_one(
    tmp_path, monkeypatch
) -> None:
    limits, breakers = beside(tmp_path, 2, [1.0])
    for one, own in zip(limits, breakers, strict=True):
        one.refresh(0, 9, own)
    wanted = [("requests", RateAccount(1.0, 0.01), 1.0)]
    assert limits[0].take(wanted) == 0.0
    with monkeypatch.context() as there:
        there.setattr(shared_limits, "machine", lambda: "there")
        others, _ = beside(tmp_path, 1, [9.0])
    for one, own in zip(limits, breakers, strict=True):
        one.refresh(0, 9, own)
    limits[0].refresh(0, 9, breakers[0])
    assert [one.places for one in limits] == [2, 2]
    assert limits[1].take(wanted) > 0.0
    for one in (*limits, *others):
        one.close()


def test_limits_need_no_more_room_on_the_disk_while_they_are_used(tmp_path) -> None:
    limits, _ = beside(tmp_path, 1, [1.0], window=1_000)
    path = machine_folder(tmp_path) / "s.state"
    size = path.stat().st_size
    more, breakers = beside(tmp_path, 5, [1.0], window=1_000)
    for _ in range(1_000):
        ticket = breakers[0].admit(1.0)
        assert isinstance(ticket, Ticket)
        breakers[0].record(ticket, 1.0, Outcome.ANSWERED)
    more[0].refresh(0, 0, breakers[0])
    assert path.stat().st_size == size
    for one in (*limits, *more):
        one.close()


def test_limits_that_cannot_be_written_for_a_while_are_kept_again_afterwards(
    tmp_path, monkeypatch
) -> None:
    refresh, refused = SharedLimits.refresh, []

    def refuse(self: SharedLimits, *needs: object) -> None:
        if 1 <= len(refused) < 4:
            refused.append(needs)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        refresh(self, *needs)

    monkeypatch.setattr(SharedLimits, "refresh", refuse)

    async def first_refused() -> int:
        config = chat("http://127.0.0.1:1/v1", concurrency=4)
        caller = Caller(ChatService("s", config), SpendBudget(), shared=tmp_path)
        caller.open()
        refused.append(())
        assert caller._limits is not None
        caller._limits.places = 0
        await asyncio.wait_for(caller.place_there(), 60.0)
        await caller.aclose()
        return len(refused)

    assert asyncio.run(first_refused()) == 4
