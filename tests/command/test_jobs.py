"""`orchestrate run --jobs N`: batches side by side yield what they yield one after the other.

Real processes, and a real server that counts what it is asked.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from orchestration_assets.command import side_by_side
from orchestration_assets.command.batch_process import IN_PROCESS
from orchestration_assets.command.display import open_display
from orchestration_assets.command.job_count import LEAST_ENTRIES, MEMORY_OF_ONE, job_count
from orchestration_assets.command.progress_bar import BarProgress
from orchestration_assets.command.run_work import RunPlan, read_plan, with_dask
from orchestration_assets.content.deferred import DeferredBatch
from orchestration_assets.content.intake import take_in, unfinished
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.tables import PARTED_TABLES, TABLES
from orchestration_assets.settings import Settings
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home
from resources.in_process_work import InProcessWork
from resources.series import LAG, Series, read_series
from tests.command.test_side_by_side import Place, ended, until

slow = pytest.mark.slow
POLICY = """
version: 2
content:
  batch: {{max_items: 10}}
features: {{neighbours: 3, near_duplicate_at: 0.6}}
services:
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    concurrency: 4
    price: {{input_usd: 1.0, output_usd: 2.0}}
    max_output_tokens: 16
    context: {{neighbour_tokens: 64}}
    prompt:
      user: "{{{{ task.question }}}} {{{{ content }}}} {neighbours}"
  langid: {{type: embedded, implementation: langid}}
  stopwords: {{type: embedded, implementation: stopwords}}
tasks:
  closed:
    question: Was it closed?
    labels: ["yes", "no"]
    default: {{model: sequential, services: [model]}}
  natural_language:
    question: In which language is it?
    default: {{model: parallel, services: [langid, stopwords]}}
"""
SHOWS_NEIGHBOURS = "{% for one in neighbours %}{{ one.answer }}{% endfor %}"


@contextmanager
def served(root: Path, *, neighbours: str = "", median_ms: float = 60.0) -> Iterator[Place]:
    server = DrillServer(FaultScript(seed=1, median_ms=median_ms))
    with serving(server) as url:
        place = Place(root, server, url)
        shutil.rmtree(place.source)
        place.source.mkdir()
        for number in range(40):
            # copies and near-copies, in one batch and over several
            which = number % 30
            text = f"Note {which} says that the meeting of group {which % 4} was moved. "
            text += "It was long, and about the doors of the old hall. " * 3
            text += "And late. " * (which % 3)
            (place.source / f"note{number:02}.txt").write_text(text)
        place.policy.write_text(POLICY.format(url=url, neighbours=neighbours))
        yield place


def take_in_only(place: Place) -> None:
    """Batches are recorded, and none is carried out."""
    policy = load_policy(place.policy).policy
    take_in(Home(place.home), str(place.source), policy.content, datetime.now(UTC))


def stable_tables(home: Path) -> dict[tuple[str, str], list]:
    store = Home(home).tables
    return {
        (name, batch): store.read(name, batch, table.stable_columns).to_pylist()
        for name, table in TABLES.items()
        for batch in (() if name in PARTED_TABLES else store.batches(name))
    }


@slow
@pytest.mark.parametrize("neighbours", ["", SHOWS_NEIGHBOURS])
def test_tables_are_the_same_for_every_number_of_processes(tmp_path, neighbours) -> None:
    with served(tmp_path, neighbours=neighbours) as place:
        take_in_only(place)
        alone = tmp_path / "alone"
        shutil.copytree(place.home, alone)
        with place.command("--jobs", "3") as child:
            code, summary, said = ended(child)
        assert code == 0, said
        beside = Counter(one.key for one in place.server.log if "health" not in one.key)
        place.home, together = alone, place.home
        with place.command("--jobs", "1") as child:
            assert ended(child)[0] == 0
    tables = stable_tables(together)
    assert len(summary["batches"]) == 4
    assert {batch for _, batch in tables} == set(summary["batches"])
    expected = stable_tables(alone)
    assert tables.keys() == expected.keys()
    for key, rows in tables.items():
        assert rows == expected[key], key
    # what is compared does relate batches to each other
    vectors = [
        row for (name, _), rows in tables.items() if name == "content_vectors" for row in rows
    ]
    assert any(near["batch"] != row["batch"] for row in vectors for near in row["neighbours"])
    outcomes = {
        row["outcome"]
        for (name, _), rows in tables.items()
        if name == "content_manifest"
        for row in rows
    }
    assert {"accepted", "duplicate"} <= outcomes
    assert max(beside.values()) == 1
    assert "batch " in said
    assert all(f"batch {batch}: " in said for batch in summary["batches"])


@slow
def test_a_process_that_is_killed_has_its_batch_taken_up_again(tmp_path) -> None:
    with served(tmp_path, median_ms=150.0) as place, place.command("--jobs", "2") as child:
        until(lambda: len(place.server.log) > 6, child)
        victim = workers(child.pid)[0]
        victim.send_signal(signal.SIGKILL)
        code, summary, said = ended(child)
        counts = place.questions()
    assert code == 0, said
    assert f"its process {victim.pid} was killed (SIGKILL); the batch is taken up again" in said
    assert len(summary["batches"]) == 4
    assert unfinished(Home(place.home)) == []
    again = [key for key, times in counts.items() if times > 1]
    # what the killed batch had under way, or answered while a slow disk still confirmed others
    assert len(again) <= 10
    assert max(counts.values()) <= 2


@slow
def test_a_stopped_run_ends_all_its_processes_and_says_so_in_one_line(tmp_path) -> None:
    with served(tmp_path, median_ms=400.0) as place:
        for number in (signal.SIGTERM, signal.SIGINT):
            seen = len(place.server.log)
            with place.command("--jobs", "2") as child:
                until(lambda seen=seen: len(place.server.log) > seen + 6, child)
                beside = workers(child.pid)
                child.send_signal(number)
                _, said = child.communicate(timeout=120.0)
            assert child.returncode == 128 + number
            assert psutil.wait_procs(beside, timeout=60.0)[1] == []
            own = [line for line in said.splitlines() if line.startswith("orchestrate:")]
            assert own == ["orchestrate: stopped; run the same command to go on"]
            assert "Traceback" not in said
        with place.command("--jobs", "2") as last:
            assert ended(last)[0] == 0
        assert len(place.questions()) == 30
        finished = Counter(one.key for one in place.server.log if one.finished)
        asked = place.questions()
        assert sum(times - 1 for key, times in asked.items() if finished[key] > 1) <= 16


@slow
def test_processes_end_with_the_command_that_started_them(tmp_path) -> None:
    with served(tmp_path, median_ms=400.0) as place, place.command("--jobs", "2") as child:
        until(lambda: len(place.server.log) > 6, child)
        beside = workers(child.pid)
        child.kill()
        child.wait()
        _, alive = psutil.wait_procs(beside, timeout=60.0)
        assert alive == []


@slow
def test_a_budget_is_kept_by_all_processes_together(tmp_path) -> None:
    with served(tmp_path) as place:
        with place.command("--jobs", "3", "--budget-usd", "0.0008") as child:
            code, summary, said = ended(child)
        assert code in (0, 1), said
        paid = sum(Home(place.home).spending.rows(["usd"])["usd"].to_pylist())
    assert 0.0 < paid <= 0.0008
    assert summary["statuses"]["over_budget"] > 0


@slow
def test_what_ends_a_run_in_one_process_ends_it_in_one_line(tmp_path) -> None:
    with served(tmp_path) as place:
        take_in_only(place)
        (Home(place.home).tables.path("content_manifest").parent).write_text("no folder")
        with place.command("--jobs", "2") as child:
            _, said = child.communicate(timeout=300.0)
    assert child.returncode in (1, 2)
    assert "Traceback" not in said


def workers(pid: int) -> list[psutil.Process]:
    """Copies of the command, and what was begun anew in the place of one."""
    command = psutil.Process(pid)
    words = command.cmdline()
    return [
        one
        for one in command.children(recursive=True)
        if one.cmdline() == words or any("batch_process" in part for part in one.cmdline())
    ]


@pytest.mark.parametrize(
    ("entries", "cores", "memory", "jobs"),
    [
        ([], 8, 64 * MEMORY_OF_ONE, 1),
        ([10_000], 8, 64 * MEMORY_OF_ONE, 1),
        ([10_000, LEAST_ENTRIES - 1], 8, 64 * MEMORY_OF_ONE, 1),
        ([10_000, LEAST_ENTRIES], 8, 64 * MEMORY_OF_ONE, 2),
        ([10_000] * 20, 8, 64 * MEMORY_OF_ONE, 8),
        ([10_000] * 20, 8, 3 * MEMORY_OF_ONE, 3),
        ([10_000] * 20, 8, 0, 1),
        ([10_000] * 20, 1, 64 * MEMORY_OF_ONE, 1),
    ],
)
def test_as_many_processes_as_pay(entries, cores, memory, jobs) -> None:
    assert job_count(entries, cores, memory) == jobs


def test_a_plan_is_the_same_for_every_process(tmp_path) -> None:
    settings = Settings(tmp_path / "home", tmp_path / "p.yaml", ("a", "b"), "threads", 5)
    deferred = {"b-1": DeferredBatch("b-1", 3, "hash")}
    before = {"b-1": (5, 6), "b-2": None}
    sizes = {"b-2": 4, "b-1": 9}
    plan = RunPlan(settings, True, 0.5, sizes, before, deferred, ("b-1",), str(tmp_path))
    plan.store()
    found = read_plan(str(tmp_path))
    assert found == plan
    assert list(found.sizes) == ["b-2", "b-1"]


def test_a_batch_sees_those_before_it_and_statistics_of_those_well_before(tmp_path) -> None:
    names = [f"b{n:02}" for n in range(LAG + 3)]
    series = Series(tuple(names), tmp_path, side_by_side=True)
    series.store()
    assert read_series(str(tmp_path)) == series
    series.note(names[0], "calls")
    series.note_ended(names[1])
    last = names[LAG + 1]
    earlier_runs = ["a1", "a2"]
    seen = series.settled(last, "calls", [*earlier_runs, *names])
    assert seen == [*earlier_runs, names[0], names[1], last]
    assert series.not_later(names[2], [*earlier_runs, *names]) == [*earlier_runs, *names[:3]]
    series.await_earlier(names[1], "calls")
    # a batch of no series sees everything, and waits for nothing
    assert series.settled("x", "calls", names) == names
    series.await_earlier("x", "calls")


def test_statistics_are_the_same_where_batches_come_one_after_the_other(tmp_path) -> None:
    names = tuple(f"b{n:02}" for n in range(LAG + 3))
    alone, beside = Series(names), Series(names, tmp_path, side_by_side=True)
    for name in names:
        beside.note(name, "calls")
    for name in names:
        assert alone.settled(name, "calls", names) == beside.settled(name, "calls", names)
    alone.await_earlier(names[-1], "calls")


def test_a_batch_waits_until_those_before_it_have_stored_their_table(tmp_path) -> None:
    series = Series(("b0", "b1", "b2"), tmp_path, side_by_side=True)
    series.store()
    program = (
        "import sys; from resources.series import read_series; "
        f"read_series({str(tmp_path)!r}).await_earlier('b2', 'vectors'); print('done')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ},
    ) as child:
        series.note("b0", "vectors")
        series.note("b2", "vectors")
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(2.0)
        series.note_ended("b1")
        assert child.communicate(timeout=60.0)[0] == "done\n"


def test_each_batch_has_one_bar_that_goes_from_stage_to_stage() -> None:
    display = BarProgress()
    for batch, name, total in (("b1", "reading", 3), ("b2", "reading", 5), ("b1", "vectors", 4)):
        display.of(batch).stage(name, total)
        display.of(batch).advance(2)
    shown = [(one.description, one.completed, one.total) for one in display._bars.tasks]
    assert shown == [("b1 vectors", 2, 4), ("b2 reading", 2, 5)]


@pytest.mark.parametrize(
    ("cores", "dask", "shared"),
    [
        (2, "processes", False),
        (3, "processes", False),
        (4, "threads", False),
        pytest.param(4, "processes", True, marks=slow),
    ],
)
def test_cpu_work_stays_in_the_processes_or_goes_to_one_cluster(
    tmp_path, monkeypatch, cores, dask, shared
) -> None:
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: cores)
    settings = Settings(tmp_path, dask=dask)
    plan = RunPlan(settings, False, None, {}, {}, {}, (), str(tmp_path))
    with side_by_side._cpu_work(plan, 2) as placed:
        assert placed.settings.dask.startswith("tcp://127.0.0.1:" if shared else IN_PROCESS)
    # copies have forks for their share of the cores
    with side_by_side._cpu_work(plan, 2, is_forked=True) as placed:
        assert placed.settings.dask == IN_PROCESS
    elsewhere = with_dask(plan, "tcp://10.0.0.5:8786")
    with side_by_side._cpu_work(elsewhere, 2) as placed:
        assert placed == elsewhere


class _Recorded:
    """A process that is never started: notes what it is given, and was killed when it ends."""

    def __init__(self, series: str, reports: object) -> None:
        self.batch: str | None = None
        self.given: list[tuple[str, bool]] = []
        self.child = SimpleNamespace(pid=7)

    def give(self, batch: str, due: list[str], *, waits: bool) -> None:
        self.batch = batch
        self.given.append((batch, waits))

    def dismiss(self) -> None: ...

    def join(self, seconds: float | None = None) -> int:
        return -signal.SIGKILL


def test_a_batch_that_is_taken_up_again_is_waited_for_and_counts_as_done(
    tmp_path, monkeypatch
) -> None:
    """In a store the claim of a process that was killed holds for a while."""
    monkeypatch.setattr(side_by_side, "BatchProcess", _Recorded)
    Series(("a", "b"), tmp_path, side_by_side=True).store()
    plan = RunPlan(Settings(tmp_path), False, None, {"a": 1, "b": 1}, {}, {}, (), str(tmp_path))
    pool = side_by_side.Pool(plan, open_display())
    pool.start(2)
    first, second = pool._processes
    assert (first.given, second.given) == ([("a", False)], [("b", False)])
    pool._take(first, {"kind": "gone"})
    _, third = pool._processes
    assert third.given == [("a", True)]
    # it died when all was done but said
    pool._take(third, {"kind": "elsewhere", "batch": "a"})
    pool._take(second, {"kind": "elsewhere", "batch": "b"})
    assert (pool._carried.done, pool._carried.elsewhere) == (["a"], ["b"])


def test_cpu_work_in_the_process_is_done_in_order() -> None:
    done = list(InProcessWork().map_chunks(str, [3, 1, 2]))
    assert done == [(3, "3"), (1, "1"), (2, "2")]
    assert InProcessWork().memory_bytes() > 0
