"""Whether a run is alive is known from its process, however that ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from resources.run_locks import is_running, run_lock

RUN = "0f8a4c1e-0000-4000-8000-000000000001"
HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom resources.run_locks import run_lock\n"
    "with run_lock(Path(sys.argv[1]), sys.argv[2]):\n"
    "    print('held', flush=True)\n    time.sleep(60)\n"
)


def test_a_run_is_alive_while_a_process_carries_it_out(tmp_path) -> None:
    assert not is_running(tmp_path, RUN)
    with run_lock(tmp_path, RUN), run_lock(tmp_path, RUN):
        assert is_running(tmp_path, RUN)
    assert not is_running(tmp_path, RUN)


def test_one_of_several_steps_that_ends_leaves_the_run_alive_and_the_last_leaves_nothing(
    tmp_path,
) -> None:
    with run_lock(tmp_path, RUN):
        with run_lock(tmp_path, RUN):
            pass
        assert is_running(tmp_path, RUN)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_is_alive_no_longer(tmp_path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path), RUN]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert is_running(tmp_path, RUN)
        process.kill()
        process.wait()
    assert not is_running(tmp_path, RUN)


@pytest.mark.parametrize("name", ["../x", "", "a/b"])
def test_only_run_ids_name_locks(tmp_path, name) -> None:
    with pytest.raises(ValueError, match="not a run id"):
        is_running(tmp_path, name)
