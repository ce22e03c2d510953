"""Programs whose tools services may call: what they have, what they may use, and their end."""

import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from orchestration_assets.schemas.tool_servers import ProgramLimits, ToolServer
from resources.tool_servers import guard as guarding
from resources.tool_servers.guard import __file__ as guard
from resources.tool_servers.program import program
from resources.tool_servers.session import ToolServerError, ToolSession

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what the guard does is Linux's")
LIMITS = ProgramLimits(cpu_s=50, memory_mb=200, file_mb=1, open_files=40, processes=30)
# it leaves a process behind that has a session of its own and a parent that is gone
DAEMON = """
import json, os, resource, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
first = os.fork()
if not first:
    os.setsid()
    left = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    open(sys.argv[1] + ".daemon", "w").write(str(left.pid))
    os._exit(0)
os.waitpid(first, 0)
names = ("CPU", "DATA", "FSIZE", "NOFILE", "CORE", "NPROC")
facts = {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names}
facts |= {"folder": os.getcwd(), "empty": not os.listdir("."), "variables": dict(os.environ)}
facts |= {"open": [int(one) for one in os.listdir("/proc/self/fd")], "pid": os.getpid()}
open(sys.argv[1] + ".new", "w").write(json.dumps(facts))
os.rename(sys.argv[1] + ".new", sys.argv[1])
open("left", "w").write("behind")
try:
    held = bytearray(300 << 20)
except MemoryError:
    open(sys.argv[1] + ".memory", "w").write("none")
"""
WAITS = "sys.stdin.read()"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def command(facts: Path, last: str = WAITS) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", DAEMON + last, str(facts)]


def test_a_program_has_what_it_was_given_and_leaves_nothing_behind(tmp_path) -> None:
    pytest.importorskip("mcp")
    facts = tmp_path / "facts"
    with (tmp_path / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)

        async def run() -> None:
            async with program(command(facts), {"GIVEN": "1"}, LIMITS):
                while not (tmp_path / "facts.memory").exists():
                    await asyncio.sleep(0.01)

        asyncio.run(run())
    told = json.loads(facts.read_text())
    assert (told["CPU"], told["DATA"]) == ([50, 50], [200 << 20, 200 << 20])
    assert (told["FSIZE"], told["NOFILE"], told["CORE"]) == ([1 << 20] * 2, [40, 40], [0, 0])
    assert told["NPROC"][0] > 30 or told["NPROC"][0] == resource.getrlimit(resource.RLIMIT_NPROC)[1]
    assert told["empty"]
    assert not Path(told["folder"]).exists()
    assert told["variables"].keys() - {"LC_CTYPE"} == {"GIVEN"}
    # its streams, and the folder that it looked into
    assert sorted(told["open"])[:3] == [0, 1, 2]
    assert len(told["open"]) == 4
    daemon = int((tmp_path / "facts.daemon").read_text())
    assert not is_alive(told["pid"])
    assert not is_alive(daemon)


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_nothing_outlives_who_started_it_or_the_program_itself(tmp_path, how) -> None:
    facts, folder = tmp_path / "facts", tmp_path / "own"
    folder.mkdir()
    run = command(facts, WAITS if how == "killed" else "sys.exit(7)")
    told = [str(folder), "1", "RLIMIT_NOFILE=40", *run]
    starts = (
        "import os, subprocess, sys; sys.exit(subprocess.run([sys.executable, '-I', '-S', "
        "sys.argv[1], str(os.getpid()), *sys.argv[2:]], stdin=subprocess.PIPE).returncode)"
    )
    if how == "killed":
        starts = starts.replace("sys.exit(", "(").replace("subprocess.run", "subprocess.Popen")
        starts = starts.replace(".returncode", ".wait()")
    owner = subprocess.Popen([sys.executable, "-c", starts, str(guard), *told])
    wait_for(facts.exists)
    pids = [json.loads(facts.read_text())["pid"], int((tmp_path / "facts.daemon").read_text())]
    if how == "killed":
        owner.send_signal(signal.SIGKILL)
    assert owner.wait(60) == (-signal.SIGKILL if how == "killed" else 7)
    wait_for(lambda: not any(map(is_alive, pids)) and not folder.exists())


def test_a_program_runs_in_the_folder_that_the_policy_names(tmp_path, monkeypatch) -> None:
    pytest.importorskip("mcp")
    (tmp_path / "place").mkdir()
    monkeypatch.chdir(tmp_path)
    facts = tmp_path / "facts"

    async def run() -> None:
        async with program(command(facts), {}, ProgramLimits(), "place"):
            while not (tmp_path / "place" / "left").exists():
                await asyncio.sleep(0.01)

    asyncio.run(run())
    assert json.loads(facts.read_text())["folder"] == str(tmp_path / "place")
    assert (tmp_path / "place").is_dir()


def test_a_program_ignores_no_signal_that_only_python_ignores(tmp_path) -> None:
    pytest.importorskip("mcp")
    told = tmp_path / "told"
    words = f"grep -E 'Sig(Blk|Ign)' /proc/self/status > {told}.new; mv {told}.new {told}; cat"

    async def run() -> None:
        async with program(["sh", "-c", words], {"PATH": os.environ["PATH"]}, ProgramLimits()):
            while not told.exists():
                await asyncio.sleep(0.01)

    asyncio.run(run())
    # a pipe that nobody reads ends those that write to it; what a shell set up stays
    ignored = {one for one in signal.valid_signals() if signal.getsignal(one) == signal.SIG_IGN}
    left = sum(1 << one - 1 for one in ignored - {signal.SIGPIPE, signal.SIGXFSZ})
    blocked, told_ignored = (int(one.split()[1], 16) for one in told.read_text().splitlines())
    assert (blocked, told_ignored) == (0, left)


@pytest.mark.parametrize("hidden", [0, 1, 37, 5_000])
def test_threads_of_the_user_that_cannot_be_seen_are_counted(monkeypatch, hidden) -> None:
    counted = 20 + hidden
    monkeypatch.setattr(guarding, "_tasks_seen", lambda: 20)
    monkeypatch.setattr(guarding, "_may_begin_another", lambda limit, most: limit > counted)
    assert counted <= guarding._tasks_of_user(resource.RLIM_INFINITY) < 2 * counted


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        (None, "ended before it answered; it runs in an empty folder: name server.py by its whole"),
        ("elsewhere", "ended before it answered; it runs in the folder elsewhere"),
        ("nowhere", "there is no folder nowhere: make it"),
        (".", None),
    ],
)
def test_a_server_that_is_a_file_beside_the_policy_says_how_it_is_found(
    tmp_path, monkeypatch, folder, why
) -> None:
    pytest.importorskip("mcp")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(Path(__file__).parents[1] / "processing" / "tool_server.py", "server.py")
    server = ToolServer(command=(sys.executable, "server.py"), folder=folder)

    async def run() -> None:
        session = ToolSession(server)
        await session.open()
        await session.aclose()

    with nullcontext() if why is None else pytest.raises(ToolServerError, match=why):
        asyncio.run(run())
