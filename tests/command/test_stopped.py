"""The command as a process: killed, stopped, and with little allowed to it."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration_assets.policy.load import load_policy
from resources.ai_services.drill.server import DrillServer
from resources.running import STOPPED_TAG

# what a run leaves behind, in its order: it is killed as soon as it is there
MOMENTS = (
    "batches/*.parquet",
    "cache/content/data.mdb",
    "tables/content_manifest/*.parquet",
    "tables/content_profiles/*.parquet",
    "tables/content_vectors/*.parquet",
    "tables/processing_plans/*.parquet",
    "cache/answers/data.mdb",
    "asked",
    "tables/sequential_interpretations/*.parquet",
    "tables/resolutions/*.parquet",
    "tables/disagreements/*.parquet",
    "tables/review_queue/*.parquet",
    "tables/item_states/*.parquet",
    "tables/disagreement_report/*.parquet",
    "tables/service_scorecards.parquet",
    "tables/content_ledger.parquet",
)


def start(source: Path, home: Path, policy: Path | None = None, **options):
    more = [] if policy is None else ["--policy", str(policy)]
    program = [sys.executable, "-m", "orchestration_assets", "run", str(source)]
    return subprocess.Popen(
        [*program, "--home", str(home), *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_go_on_and_is_no_failure(corpus, home, number) -> None:
    import dagster as dg

    for n in range(200):
        (corpus / f"note{n}.md").write_text(f"# Note {n}\n\nThis is the note with number {n}.\n")
    with start(corpus, home) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("profiling"):
                break
        child.send_signal(number)
        said = child.stderr.read()
        assert child.wait() == 128 + number
    assert "orchestrate: stopped; run the same command to go on" in said
    assert "Traceback" not in said
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.CANCELED
        assert STOPPED_TAG in run.tags


def test_too_few_open_files_are_said_before_anything_breaks(corpus, home) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

    with start(corpus, home, preexec_fn=few) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait() == 2
    assert said.count("\n") == 1
    assert "ulimit -n 1024" in said


def test_a_full_disk_is_said_with_the_remedy(corpus, home) -> None:
    """A limit on the size of files refuses writes as a full disk does."""

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))

    with start(corpus, home, preexec_fn=small) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait() == 2
    assert "Traceback" not in said
    assert "File too large; allow larger files" in said
    assert str(home) in said


def _there(home: Path, moment: str, before: set[Path], asked: int, server: DrillServer) -> bool:
    if moment == "asked":
        return len(server.log) > asked
    return bool(set(home.glob(moment)) - before)


@pytest.fixture
def asking(tmp_path):
    """A function from the address of a server to a policy that asks it."""

    def policy(url: str) -> Path:
        plain = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
        chat = {"kind": "chat", "base_url": url, "model": "m", "concurrency": 4}
        plain["services"] = {"first": chat, "second": {**chat, "model": "n"}}
        plain["tasks"] = {
            "tone": {
                "kind": "label",
                "labels": ["good", "bad"],
                "question": "Is it good?",
                "rules": [],
                "default": {"model": "sequential", "services": ["first", "second"]},
            }
        }
        path = tmp_path / "asking.yaml"
        path.write_text(yaml.safe_dump(plain))
        return path

    return policy
