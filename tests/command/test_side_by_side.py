"""Several processes over one home: nothing is asked twice, nothing is lost, nothing waits for ever.

Real processes, and a real server that counts what it is asked.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from orchestration_assets.command.instance import open_instance
from orchestration_assets.content.intake import unfinished
from orchestration_assets.definitions import build_definitions
from orchestration_assets.settings import Settings
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home
from tests.forked import Captured, command

pytestmark = pytest.mark.slow

ITEMS = 60
PATIENCE_S = 300.0
POLICY = """
version: 2
content:
  batch: {{max_items: 30}}
services:
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    concurrency: 4
    prompt:
      user: "{{{{ task.question }}}} {{{{ content }}}}"
tasks:
  closed:
    question: Was it closed?
    labels: ["yes", "no"]
    default: {{model: sequential, services: [model]}}
"""


def carry_out(home: Path, policy: Path, batch: str, job: str) -> int:
    """A run of the daemon, without the daemon: the same job, in a process of its own."""
    tags = {"orchestration/unless_finished": "true"} if job == "process_batch" else {}
    with open_instance(Home(home)) as instance:
        instance.add_dynamic_partitions("content_batches", [batch])
        found = build_definitions(Settings(home, policy)).resolve_job_def(job)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        done = found.execute_in_process(
            instance=instance,
            partition_key=batch,
            raise_on_error=False,
            tags=tags,
            run_config=quiet,
        )
    made = [e.asset_key.to_user_string() for e in done.get_asset_materialization_events()]
    sys.stdout.write(json.dumps(made))
    return 0 if done.success else 1


class Place:
    """A home, a source, a policy and the server that it names."""

    def __init__(self, root: Path, server: DrillServer, url: str) -> None:
        self.root = root
        self.home, self.source, self.policy = root / "home", root / "source", root / "policy.yaml"
        self.server = server
        self.policy.write_text(POLICY.format(url=url))
        self.source.mkdir()
        for number in range(ITEMS):
            text = f"Note {number} says that the meeting of group {number % 7} was moved again.\n"
            (self.source / f"note{number}.txt").write_text(text)

    @contextmanager
    def command(self, *more: str) -> Iterator[Captured]:
        places = ("--home", self.home, "--policy", self.policy, "--json")
        with ending(command(self.root, "run", self.source, *places, *more)) as child:
            yield child

    @contextmanager
    def job(self, batch: str, job: str = "process_batch") -> Iterator[Captured]:
        with ending(Captured(self.root, carry_out, self.home, self.policy, batch, job)) as child:
            yield child

    def questions(self) -> Counter[str]:
        """How often each question came to the server; what health checks ask is none."""
        named = {key for batch in self.batches() for key in self.log(batch, "answer_key")}
        return Counter(one.key for one in self.server.log if one.key in named)

    def batches(self) -> list[str]:
        return Home(self.home).tables.batches("call_log")

    def log(self, batch: str, column: str) -> list:
        tables = Home(self.home).tables
        if column == "answer_key":
            rows = tables.read("sequential_interpretations", batch, [column])
        else:
            rows = tables.read("call_log", batch, [column])
        return rows[column].to_pylist()

    def origins(self) -> Counter[str]:
        return Counter(one for batch in self.batches() for one in self.log(batch, "origin"))


@pytest.fixture
def place(tmp_path):
    server = DrillServer(FaultScript(seed=1, median_ms=60))
    with serving(server) as url:
        yield Place(tmp_path, server, url)


@contextmanager
def ending(child: Captured) -> Iterator[Captured]:
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def until(holds: Callable[[], bool], *children: Captured) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends, "it did not happen"
        assert all(child.poll() is None for child in children), "a process ended before"
        time.sleep(0.02)


def ended(child: Captured) -> tuple[int, dict, str]:
    out, said = child.communicate(timeout=PATIENCE_S)
    assert child.returncode in (0, 1), said
    return child.returncode, json.loads(out), said


def test_five_commands_at_once_ask_every_question_once(place) -> None:
    with all_of([place.command() for _ in range(5)]) as children:
        found = [ended(child) for child in children]
    assert {code for code, _, _ in found} == {0}
    assert unfinished(Home(place.home)) == []
    assert place.questions() == dict.fromkeys(place.questions(), 1)
    assert len(place.questions()) == ITEMS
    # every call stands in the log, and in the summary of the run that made it
    assert place.origins() == {"called": ITEMS}
    summaries = [summary for _, summary, _ in found]
    assert sum(one["calls"].get("model", 0) for one in summaries) == ITEMS
    assert sorted(batch for one in summaries for batch in one["batches"]) == place.batches()
    for _, summary, said in found:
        assert sorted((*summary["batches"], *summary["elsewhere"])) == place.batches()
        assert all(batch in said for batch in summary["elsewhere"])
        assert summary["failed_batches"] == {}
    assert Path(summaries[0]["index"]).exists()
    assert list((place.home / "claims").iterdir()) == []


@contextmanager
def all_of(contexts) -> Iterator[list]:
    with ExitStack() as stack:
        yield [stack.enter_context(one) for one in contexts]


def test_a_batch_whose_owner_is_killed_is_taken_over_at_once(place) -> None:
    with place.command() as first:
        until(lambda: len(place.server.log) > ITEMS // 4, first)
        with place.command() as second:
            until(lambda: "is being carried out by" in second.said, second)
            assert f"process {first.pid} on " in second.said
            first.kill()
            first.wait()
            in_flight = {one.key for one in place.server.log if not one.finished}
            code, summary, _ = ended(second)
    assert code == 0
    assert unfinished(Home(place.home)) == []
    assert summary["elsewhere"] == [] or len(summary["batches"]) + len(summary["elsewhere"]) == 2
    counts = place.questions()
    assert len(counts) == ITEMS
    again = {key for key, times in counts.items() if times > 1}
    # answered, but not on disk when the kill came: no more than were under way
    assert len(again) <= 2 * 4
    assert max(counts.values()) <= 2
    assert in_flight is not None


def test_the_command_and_two_runs_of_the_job_share_the_work(place) -> None:
    with place.command() as command:
        until(lambda: len(place.server.log) > 2, command)
        (batch, _) = unfinished(Home(place.home))
        with place.job(batch) as first, place.job(batch) as second:
            code, summary, _ = ended(command)
            jobs = [child.communicate(timeout=PATIENCE_S) for child in (first, second)]
    assert (code, first.returncode, second.returncode) == (0, 0, 0), jobs
    assert sorted((*summary["batches"], *summary["elsewhere"])) == place.batches()
    assert place.questions() == dict.fromkeys(place.questions(), 1)
    assert len(place.questions()) == ITEMS
    assert place.origins() == {"called": ITEMS}
    # the runs of the job waited, found the batch finished, and made none of it again
    assert [json.loads(out) for out, _ in jobs] == [[], []]
