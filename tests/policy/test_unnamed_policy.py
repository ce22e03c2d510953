"""What a home is told whose batches were planned under a policy that is not active."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.policy.unnamed_policy import packaged_note, policy_of_plans
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from resources.home import Home
from resources.versioned_state import ChangeNote

POLICY = """
version: 2
services: {names: {implementation: extension_map}}
tasks:
  letter:
    question: What is it?
    labels: [a, b]
    default: {model: sequential, services: [names]}
"""


def planned(home: Home, batch: str, loaded: LoadedPolicy) -> pa.Table:
    pin_policy(home.policies, loaded)
    plans = pa.table({"policy_hash": [loaded.hash]})
    path = home.tables.path(PROCESSING_PLANS.name, batch)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(plans, path)
    return plans


def test_the_remedy_names_the_file_as_long_as_there_is_one(tmp_path) -> None:
    home, file = Home(tmp_path / "home"), tmp_path / "mine.yaml"
    assert packaged_note(home) is None
    packaged = load_policy()
    plans = planned(home, "20260101T000000Z-00000001", packaged)
    assert packaged_note(home) is None
    assert policy_of_plans(home, packaged, plans) is packaged
    file.write_text(POLICY)
    mine = load_policy(file)
    plans = planned(home, "20260102T000000Z-00000002", mine)
    note = packaged_note(home)
    assert note and f"`orchestrate policy activate {file} --home {home.folder}`" in note
    assert f"--policy {file}" in note and "20260102T000000Z-00000002" in note
    file.unlink()
    note = packaged_note(home)
    assert note and f"`orchestrate policy activate {mine.hash} --home {home.folder}`" in note
    stood_in = policy_of_plans(home, packaged, plans)
    assert list(stood_in.policy.tasks) == ["letter"]


def test_a_policy_that_somebody_chose_stands(tmp_path) -> None:
    home, file = Home(tmp_path / "home"), tmp_path / "mine.yaml"
    file.write_text(POLICY)
    mine = load_policy(file)
    plans = planned(home, "20260102T000000Z-00000002", mine)
    registry = PolicyRegistry(home)
    registry.activate(load_policy(), 0, ChangeNote("ann", datetime(2026, 1, 3, tzinfo=UTC), ""))
    chosen = registry.load("active")
    assert policy_of_plans(home, chosen, plans) is chosen
    assert policy_of_plans(home, mine, plans) is mine
