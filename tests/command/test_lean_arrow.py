"""Arrow does without pandas until a frame is wanted, and takes frames and series then."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import Finished

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "dagster", "sklearn", "scipy", "distributed", "rich")
POLICY = """
version: 2
services:
  stopwords: {implementation: stopwords}
  langid: {implementation: langid}
tasks:
  natural_language:
    question: In which language is the prose written?
    kind: label
    default: {model: parallel, services: [stopwords, langid]}
"""
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


def test_a_batch_is_carried_out_to_its_page_where_there_is_no_pandas(tmp_path: Path) -> None:
    source, home, policy = (tmp_path / name for name in ("source", "home", "policy.yaml"))
    source.mkdir()
    policy.write_text(POLICY, "utf-8")
    for name in ("one.txt", "two.md"):
        (source / name).write_text(f"What {name} says is short, and of no weight.", "utf-8")
    program = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'pandas':\n"
        "            raise ModuleNotFoundError(name=name)\n"
        # copies of the process have it too
        "sys.meta_path.insert(0, Without())\n"
        "from orchestration_assets.__main__ import main\n"
        f"given = ['--home', {str(home)!r}, '--policy', {str(policy)!r}]\n"
        f"print(main(['run', {str(source)!r}, *given]))\n"
    )
    assert _printed(program)[-1] == "0"
    assert len(list((home / "reports").glob("*-review.html"))) == 1


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
