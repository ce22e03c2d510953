"""The command with workers of its own: the same tables, and where they were computed is told."""

import json
from pathlib import Path

import pytest

from orchestration_assets.command.local_workers import MEMORY_OF_ONE, worker_count
from resources.home import Home
from resources.machine import usable_cores
from tests.command.test_jobs import stable_tables
from tests.forked import command

POLICY = """
version: 2
execution: {tiers: {dask_from_items: 4, chunk_items: 2}}
services:
  langid: {implementation: langid}
  magika: {implementation: magika}
tasks:
  natural_language:
    question: In which language is the prose written?
    kind: label
    default: {model: sequential, services: [langid]}
  content_type:
    question: What is it?
    kind: label
    default: {model: parallel, services: [magika]}
"""


@pytest.mark.parametrize(
    ("cores", "memory", "count"),
    [(2, 1 << 40, 2), (64, 5 * MEMORY_OF_ONE, 5), (4, MEMORY_OF_ONE - 1, 1)],
)
def test_a_worker_for_each_core_that_there_is_memory_for(cores, memory, count) -> None:
    assert worker_count(cores, memory) == count


@pytest.mark.slow
@pytest.mark.skipif(usable_cores() < 2, reason="one core: there is nobody to share work with")
def test_tables_are_the_same_with_workers_and_without(tmp_path) -> None:
    source, policy = tmp_path / "source", tmp_path / "policy.yaml"
    source.mkdir()
    policy.write_text(POLICY, "utf-8")
    for n in range(9):
        text = f"# Note {n}\n\nThe meeting number {n} was moved to another day. " * (n + 1)
        (source / f"{n}.md").write_text(text, "utf-8")
        (source / f"{n}.py").write_text(f"def number() -> int:\n    return {n}\n" * (n + 1))
    found = {where: _tables(tmp_path, where) for where in ("processes", "threads")}
    (forks, tier), (here, tier_here) = found["processes"], found["threads"]
    assert (tier, tier_here) == ("forks", "in_process")
    assert forks == here


def _tables(folder: Path, where: str) -> tuple[dict[str, str], str]:
    """Rows of each table, without the name of the batch, and the tier of its profiles."""
    home = folder / where
    run = ("run", folder / "source", "--home", home, "--policy", folder / "policy.yaml", "--json")
    child = command(folder, *run, environment={"ORCHESTRATION_DASK": where})
    out, said = child.communicate(timeout=600.0)
    assert child.returncode == 0, said
    (batch,) = json.loads(out)["batches"]
    rows = {
        name: json.dumps(table, default=str).replace(batch, "BATCH")
        for (name, _), table in stable_tables(home).items()
    }
    return rows, _tier(home)


def _tier(home: Path) -> str:
    import dagster as dg

    from orchestration_assets.command.instance import open_instance

    with open_instance(Home(home)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("content_profiles"))
        assert event is not None
        assert event.asset_materialization is not None
        tier = event.asset_materialization.metadata["tier"].value
    return str(tier)
