import subprocess
import sys

import pytest

_SCRIPT = """
import pyarrow as pa
from resources.memory import give_back_memory

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

give_back_memory()
before = held()
tables = [pa.array(range(n, n + 500_000)) for n in range(40)]
words = [str(number) for number in range(1_000_000)]
peak = held()
del tables, words
give_back_memory()
print(before, peak, held())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True
    )
    before, peak, after = map(float, done.stdout.split())
    assert peak - before > 150
    assert after - before < (peak - before) / 3
