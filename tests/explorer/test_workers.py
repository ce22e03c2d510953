"""Several processes serve one home: no verdict is lost, and none of them stays behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from orchestration_assets.explorer.desk_marks import HELD_SECONDS, MOST_HELD, DeskMarks
from orchestration_assets.explorer.verdict_log import VerdictLog
from tests.conftest import Finished
from tests.explorer.serving import Visitor


def test_marks_are_shared_between_desks_and_pass_with_time(tmp_path: Path) -> None:
    now = [1000.0]
    one, other = (DeskMarks(tmp_path / "desk.sqlite", lambda: now[0]) for _ in range(2))
    one.hold("Ada", ("h", "task"))
    one.skip("Ada", "q")
    assert other.elsewhere("Bob") == {("h", "task"): {"Ada"}}
    assert other.elsewhere("Ada") == {}
    assert (other.passed_over("Ada"), other.passed_over("Bob")) == ({"q"}, set())
    other.hold("Ada", ("i", "task"))
    assert one.elsewhere("Bob") == {("i", "task"): {"Ada"}}
    now[0] += HELD_SECONDS
    assert one.elsewhere("Bob") == {}
    now[0] = 5.0
    assert one.elsewhere("Bob") == {}
    for number in range(MOST_HELD + 3):
        now[0] += 0.001
        one.hold(f"person {number}", ("j", "task"))
    assert len(other.elsewhere("Bob")["j", "task"]) == MOST_HELD


def test_no_question_is_put_before_two_people_at_once(tmp_path: Path) -> None:
    desks = [DeskMarks(tmp_path / "desk.sqlite", time.monotonic) for _ in range(4)]
    wanted = [((f"h{number}", "task"), 1 + (number == 0)) for number in range(20)]
    people = [f"person {number}" for number in range(21)]
    with ThreadPoolExecutor(8) as pool:
        got = list(
            pool.map(lambda one: desks[one % 4].claim(people[one], wanted), range(len(people)))
        )
    assert Counter(got) == Counter([0, *range(20)])
    assert desks[0].claim("one more", wanted) is None
    desks[1].release(people[got.index(7)], wanted[7][0])
    assert desks[2].claim("one more", wanted) == 7


@contextmanager
def _served(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "orchestration_assets", "serve", "--home", str(home)),
            *("--port", "0", "--workers", "2"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+/", process.stdout.readline())
        assert found is not None
        yield process, found[0].rstrip("/")
    finally:
        process.terminate()
        process.wait()


def _workers(process: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(one) for one in children if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()
    ]


def _asked(client: httpx.Client, path: str) -> httpx.Response:
    """The page, as soon as a worker that lives answers."""
    for _ in range(600):
        try:
            return client.get(path, follow_redirects=True)
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("no worker answers")


@pytest.mark.slow
def test_verdicts_of_several_people_through_several_workers(copied: Finished) -> None:
    with _served(copied.home) as (process, address), httpx.Client(base_url=address) as client:
        assert _asked(client, "/").status_code == 200
        while "still being indexed" in _asked(client, "/").text:
            time.sleep(0.2)
        first = _workers(process)
        assert len(first) == 2

        def judge(who: str) -> list[str]:
            given = []
            # many connections, so that both workers answer each person
            for number in range(6):
                with httpx.Client(base_url=address, timeout=60, cookies=cookies[who]) as own:
                    visitor = Visitor(own)
                    page = visitor.get("/review")
                    at = page.url.path
                    if re.fullmatch("/review/[0-9a-f]{16}", at) is None:
                        break
                    visitor.post(at, {"choice": "none", "note": f"{who} {number}"})
                    given.append(at)
            return given

        people = ("Ada", "Bob", "Cleo")
        cookies = {}
        for who in people:
            with httpx.Client(base_url=address, timeout=60) as own:
                Visitor(own).named(who)
                cookies[who] = dict(own.cookies)
        with ThreadPoolExecutor(3) as pool:
            given = dict(zip(people, pool.map(judge, people), strict=True))
        said = Counter(
            (one.who, one.note) for one in VerdictLog(copied.home / "verdicts").waiting()
        )
        assert set(said.values()) == {1}
        assert sum(said.values()) == sum(map(len, given.values())) > 6
        for who, questions in given.items():
            assert len(questions) == len(set(questions)), who
        asked = Counter(one for questions in given.values() for one in questions)
        assert max(asked.values()) <= 2

        os.kill(first[0], signal.SIGKILL)
        while len(set(_workers(process)) - set(first[:1])) < 2:
            assert process.poll() is None
            time.sleep(0.1)
        assert _asked(client, "/items").status_code == 200
        last = _workers(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert not [one for one in last if Path(f"/proc/{one}").exists()]
