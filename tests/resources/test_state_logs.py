"""One contract for three stores of states: files, Redis and PostgreSQL, with real servers.

Real processes look and write at once, and what they did is checked to be linearizable.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.errors import OrchestrationError, StoreAwayError
from resources.home import Home
from resources.state_logs.log import StateLog
from resources.state_logs.opening import STATE_VARIABLE, StateServerError, state_log
from resources.state_logs.postgres_log import PostgresServer
from resources.state_logs.redis_log import RedisServer
from resources.table_store import LOCAL_FILES, LocalFiles
from resources.versioned_state import StateConflictError, VersionedState
from tests.resources.feature_cache.conftest import redis_server
from tests.resources.linearizability import Event, Kind, contradictions
from tests.resources.test_versioned_state import NOTE
from tests.servers import postgres_server

ROOT = Path(__file__).parents[2]
STORES = ("files", "redis", "postgres")

Address = Callable[[str], str]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """The address of each store; its server is begun when first asked for."""
    known: dict[str, str] = {"files": ""}
    with ExitStack() as servers:

        def of(store: str) -> str:
            if store == "redis" and store not in known:
                folder = tmp_path_factory.mktemp("redis")
                url, _ = servers.enter_context(redis_server(folder, "--appendonly", "yes"))
                known[store] = url
            if store == "postgres" and store not in known:
                known[store] = servers.enter_context(postgres_server()).url
            return known[store]

        yield of


def _at(url: str) -> dict[str, str]:
    return {STATE_VARIABLE: url} if url else {}


def _log(home: Path, url: str, name: str = "s") -> StateLog:
    return state_log(home / "state", name, LOCAL_FILES, _at(url))


@pytest.mark.parametrize("store", STORES)
def test_every_store_keeps_the_contract(address: Address, tmp_path: Path, store: str) -> None:
    url = address(store)
    one, other = (VersionedState("s", _log(tmp_path, url)) for _ in range(2))
    assert one.current() is None
    one.put({"n": 0}, 0, NOTE)
    one.put({"n": 1}, 1, NOTE)

    with pytest.raises(StateConflictError, match="by eva") as told:
        other.put({"n": 9}, 0, NOTE)

    assert [version.value["n"] for version in told.value.since] == [0, 1]
    assert other.rollback(1, 2, NOTE).value == {"n": 0}
    assert [version.number for version in one.history()] == [1, 2, 3]
    # a gap cannot be made, and a write that is tried again is the same write
    log = _log(tmp_path, url, "raw")
    assert log.append(1, b"a") is True
    assert log.append(1, b"b") is False
    assert store == "files" or (log.append(1, b"a"), log.append(3, b"c")) == (True, False)
    assert (log.last(0), log.read(1), log.read(2)) == (1, b"a", None)
    # another home of the same server has nothing of it
    assert _log(tmp_path / "other", url).last(0) == 0


@pytest.mark.parametrize("store", STORES)
def test_what_is_removed_is_in_no_version_and_the_history_holds(
    address: Address, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = VersionedState("s", _log(tmp_path, address(store)))
    for number in range(4):
        state.put({"kept": number, "gone": "lantern"} if number < 3 else {"kept": 3}, number, NOTE)
    kinds = type(state._log)
    replace, left = kinds.replace, [2]

    def stopped(log: StateLog, number: int, data: bytes) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        replace(log, number, data)

    monkeypatch.setattr(kinds, "replace", stopped)

    def without(value: Mapping[str, object]) -> dict[str, object]:
        return {name: one for name, one in value.items() if name != "gone"}

    # stopped in between, the same call goes on
    with pytest.raises(KeyboardInterrupt):
        state.remove(without)
    monkeypatch.setattr(kinds, "replace", replace)
    assert state.remove(without) == 2
    assert state.remove(without) == 0
    assert [(one.number, one.value) for one in state.history()] == [
        (n + 1, {"kept": n}) for n in range(4)
    ]
    log = _log(tmp_path, address(store))
    assert all(b"lantern" not in (log.read(n) or b"") for n in range(1, 5))
    assert state.put({"kept": 4}, 4, NOTE).number == 5


WRITER = """
import random, sys, time
from datetime import UTC, datetime
from pathlib import Path
from resources.home import Home
from resources.versioned_state import ChangeNote, StateConflictError

who, times = sys.argv[2], int(sys.argv[3])
state, chance = Home(Path(sys.argv[1])).state("register"), random.Random(who)
state.current()
print("ready", flush=True)
sys.stdin.readline()
made, done, seen = 0, [], 0
while made < times:
    begun = time.monotonic_ns()
    if chance.random() < 0.4:
        now = state.current()
        kind, number = "saw", now.number if now else 0
        seen = number
    else:
        try:
            seen = state.put({"by": who}, seen, ChangeNote(who, datetime.now(UTC))).number
            kind, number, made = "made", seen, made + 1
        except StateConflictError as error:
            kind, number, seen = "refused", seen, error.since[-1].number
    done.append((kind, number, begun, time.monotonic_ns()))
for one in done:
    print(*one)
"""


def _done(home: Path, url: str, processes: int, times: int) -> list[Event]:
    """What so many processes did that made so many versions each, all let go at once."""
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home), f"w{n}", str(times)],
            cwd=ROOT,
            env={**os.environ, **_at(url)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(processes)
    ]
    try:
        for one in begun:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in begun:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        said = [one.communicate(timeout=120)[0] for one in begun]
    finally:
        for one in begun:
            one.kill()
            one.wait()
    return [
        Event(Kind(kind), *map(int, numbers))
        for kind, *numbers in (line.split() for lines in said for line in lines.splitlines())
    ]


@pytest.mark.parametrize("store", STORES)
def test_what_processes_did_can_be_told_in_one_order(
    address: Address, tmp_path: Path, store: str
) -> None:
    done = _done(tmp_path, address(store), processes=3, times=40)
    assert contradictions(done) == []
    assert sum(one.kind is Kind.MADE for one in done) == 120
    assert {one.kind for one in done} == {*Kind}


moments = st.tuples(st.integers(0, 30), st.integers(1, 8))


@given(st.lists(moments, min_size=1, max_size=8), st.data())
def test_the_checker_accepts_true_histories_and_no_stale_look(
    spans: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Events that take effect at one moment within their time are linearizable; a look that saw
    the version before one that was made by then is not."""
    points = sorted({begun * 10 + length for begun, length in spans})
    made = [
        Event(Kind.MADE, n, point - data.draw(st.integers(0, 9)), point + data.draw(st.just(3)))
        for n, point in enumerate(points, 1)
    ]
    when = data.draw(st.integers(points[0], points[-1] + 40))
    saw = sum(point <= when for point in points)
    looks = [Event(Kind.SAW, saw, when - 2, when + 2)]
    assert contradictions([*made, *looks]) == []
    late = max(one.ended for one in made) + 1
    stale = Event(Kind.SAW, len(made) - 1, late, late + 1)
    assert contradictions([*made, stale])
    assert contradictions([*made, Event(Kind.REFUSED, len(made), late, late + 1)])
    assert contradictions([*made, made[-1]])


@pytest.mark.parametrize("store", ["redis", "postgres"])
def test_a_home_takes_its_states_along_and_does_not_go_on_without(
    address: Address, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    home, url = Home(tmp_path / "home"), address(store)
    for number in range(3):
        home.state("s").put({"n": number}, number, NOTE)
    monkeypatch.setenv(STATE_VARIABLE, url)

    assert [one.value["n"] for one in home.state("s").history()] == [0, 1, 2]
    home.state("s").put({"n": 3}, 3, NOTE)

    monkeypatch.delenv(STATE_VARIABLE)
    with pytest.raises(StateServerError, match=f"set {STATE_VARIABLE} to its address"):
        home.state("s")
    other = address("postgres" if store == "redis" else "redis")
    monkeypatch.setenv(STATE_VARIABLE, other)
    with pytest.raises(StateServerError, match=r"see .*kept_in\.json"):
        home.state("s")
    monkeypatch.setenv(STATE_VARIABLE, "mysql://root:secret-word@host/x")
    with pytest.raises(StateServerError, match=r"redis://.* or .*postgresql://") as refused:
        home.state("s")
    assert "secret-word" not in str(refused.value)


def test_a_server_that_lost_its_data_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from resources.home import Home\n"
    look = [sys.executable, "-c", f"{script}print(Home(Path(sys.argv[1])).state('s').current())"]

    def looked(url: str) -> str:
        environment = {**os.environ, **_at(url)}
        command = [*look, str(tmp_path)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    with redis_server(tmp_path) as (url, _):
        VersionedState("s", _log(tmp_path, url)).put({}, 0, NOTE)
        assert "StateVersion(number=1" in looked(url)
        assert "keeps no append-only file" in looked(url)
    with redis_server(tmp_path) as (url, _):
        assert "does not know this home" in looked(url)


def test_a_server_that_would_evict_states_is_refused(tmp_path: Path) -> None:
    options = ("--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru")
    with (
        redis_server(tmp_path, *options) as (url, _),
        pytest.raises(StoreAwayError, match="noeviction or volatile-lru"),
    ):
        _log(tmp_path, url)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "url", ["postgresql://u:pass#word@host/x", "redis://u:pass/word@host/0", "redis://u:pass@[h/0"]
)
def test_an_address_that_cannot_be_read_shows_nothing_of_its_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(StateServerError, match="as %XX") as refused:
        _log(tmp_path, url)
    assert "pass" not in str(refused.value).replace("password", "")


def test_states_that_only_the_store_of_a_home_has_are_moved_too(
    address: Address, tmp_path: Path
) -> None:
    """Another machine has a home of the same store, and none of its states on the disk yet."""
    elsewhere = tmp_path / "elsewhere"
    VersionedState("s", _log(elsewhere, "")).put({"n": 1}, 0, NOTE)

    class Fetching(LocalFiles):
        def fetch(self, path: Path) -> bool:
            there = elsewhere / path.relative_to(tmp_path / "here")
            if there.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(there.read_bytes())
            return there.exists()

    folder = tmp_path / "here" / "state"
    log = state_log(folder, "s", Fetching(), _at(address("redis")))
    current = VersionedState("s", log).current()
    assert current is not None
    assert current.value == {"n": 1}


AWAY: Mapping[str, str] = {
    "redis": "redis://user:secret-word@127.0.0.1:1/0",
    "postgres": "postgresql+psycopg2://user:secret-word@127.0.0.1:1/x",
}


@pytest.mark.parametrize("store", AWAY)
def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path, store: str) -> None:
    server = RedisServer(AWAY[store]) if store == "redis" else PostgresServer(AWAY[store])
    with pytest.raises(OrchestrationError, match=r"at 127\.0\.0\.1:1/.*run the same command") as e:
        server.log("home", "s").last(0)
    assert not re.search("secret-word|\n", str(e.value))
