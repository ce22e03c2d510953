"""Arrow does without pandas until a frame is wanted, and takes frames and series then."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import Finished

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "dagster", "sklearn", "scipy", "distributed", "rich")
LOADED = f"print([name for name in {HEAVY!r} if name in sys.modules])\n"


def _printed(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.splitlines()


def test_lists_are_converted_without_pandas_and_frames_with_it() -> None:
    program = (
        "import sys\n"
        "from orchestration_assets.command.lean_arrow import convert_without_pandas\n"
        "convert_without_pandas()\n"
        "import pyarrow as pa, pyarrow.compute as pc\n"
        "table = pa.table({'number': [1.0, None], 'word': ['a', 'b']})\n"
        "print(pc.equal(table['word'], 'a').to_pylist())\n"
        "print('pandas' in sys.modules)\n"
        "frame = table.to_pandas()\n"
        "import pandas as pd\n"
        "print(pa.array(frame['number']).to_pylist())\n"
        "print(pa.table(frame).to_pylist() == table.to_pylist())\n"
        "convert_without_pandas()\n"
        "print(pa.array(pd.Series([float('nan'), 2.0])).to_pylist())\n"
    )
    assert _printed(program) == ["[True, False]", "False", "[1.0, None]", "True", "[None, 2.0]"]


def test_a_batch_loads_no_pandas_before_its_page_is_drawn() -> None:
    program = (
        "import sys\n"
        "from orchestration_assets.command.lean_arrow import convert_without_pandas\n"
        "convert_without_pandas()\n"
        "import orchestration_assets.definitions, orchestration_assets.command.side_by_side\n"
        "print('pandas' in sys.modules)\n"
    )
    assert _printed(program) == ["False"]


def test_commands_that_read_and_runs_that_find_nothing_load_no_heavy_library(
    finished: Finished,
) -> None:
    for arguments in (["explain", "notes.txt"], ["run", str(finished.source)]):
        program = (
            "import sys\n"
            "from orchestration_assets.__main__ import main\n"
            f"assert main({arguments!r} + ['--home', {str(finished.home)!r}]) == 0\n" + LOADED
        )
        assert _printed(program)[-1] == "[]", arguments
