"""Copies of a process: each has streams of its own, says what broke, and ends with its input."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os
import sys
import threading
from orchestration_assets.command.forked_process import forked

held = ["loaded before"]

def work():
    if not (line := sys.stdin.readline().strip()):
        return 3
    if line == "break":
        raise ValueError("broken")
    print(line, held[0], os.environ["WHOSE"], os.getsid(0) == os.getpid(), flush=True)
    return 7

def ask(copy, line):
    copy.stdin.write(line + "\\n")
    copy.stdin.flush()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="no copies are made there")


def printed(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=120.0,
    )
    assert not done.stderr
    return done.stdout.splitlines()


@linux
def test_each_copy_has_streams_of_its_own_and_all_that_was_loaded() -> None:
    program = """
with forked(3, work, {"WHOSE": "a copy"}) as (first, second, third):
    ask(second, "break")
    ask(first, "one")
    print(first.stdout.read().strip(), first.wait())
    print(second.wait(60.0), second.stderr.read().splitlines()[-1])
    third.kill()
    print(third.wait())
print("WHOSE" in os.environ)
"""
    assert printed(program) == [
        "one loaded before a copy True 7",
        "1 ValueError: broken",
        "-9",
        "False",
    ]


@linux
def test_copies_that_wait_end_with_the_block_whatever_ends_it() -> None:
    program = """
try:
    with forked(2, work, {}) as copies:
        try:
            copies[0].wait(0.1)
        except TimeoutError:
            pass
        except Exception as error:
            print(type(error).__name__)
        raise ValueError
except ValueError:
    print([copy.returncode for copy in copies])
"""
    assert printed(program) == ["TimeoutExpired", "[3, 3]"]


def test_no_copy_is_made_while_another_thread_may_hold_a_lock() -> None:
    program = """
over = threading.Event()
thread = threading.Thread(target=over.wait)
thread.start()
with forked(2, work, {}) as copies:
    print(len(copies))
over.set()
"""
    assert printed(program) == ["0"]


@linux
def test_a_copy_that_carries_out_batches_computes_on_one_core() -> None:
    """Arrow and the libraries of linear algebra were loaded with as many threads as cores."""
    program = """
from contextlib import nullcontext
import pyarrow as pa
from threadpoolctl import threadpool_info
from orchestration_assets.command import side_by_side

def carry_out_orders(series, workers):
    print(series, pa.cpu_count(), {one["num_threads"] for one in threadpool_info()}, flush=True)
    return 0

pa.set_cpu_count(4)
side_by_side.carry_out_orders = carry_out_orders
with forked(1, lambda: side_by_side._as_copy("here", nullcontext, is_limited=False), {}) as (copy,):
    print(copy.stdout.read().strip())
print(pa.cpu_count())
"""
    assert printed(program) == ["here 1 {1}", "4"]
