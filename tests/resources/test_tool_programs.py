"""Programs whose tools services may call: what they have, what they may use, and their end."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration_assets.schemas.tool_servers import ProgramLimits
from resources.tool_servers.guard import __file__ as guard
from resources.tool_servers.program import program

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
