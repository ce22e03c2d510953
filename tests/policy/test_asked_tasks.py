"""Which tasks verdicts may be about in a home that has followed several policies."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration_assets.policy.asked_tasks import asked_tasks
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from resources.home import Home

POLICY = """
version: 2
services: {{names: {{implementation: extension_map}}}}
tasks:
  {task}:
    question: {question}
    labels: [a, b]
    default: {{model: sequential, services: [names]}}
"""


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def pinned(home, tmp_path):
    """Keeps a policy of one task, and makes the plans of a batch under it; gives the policy."""

    def pin(task: str, question: str, batch: str | None):
        path = tmp_path / f"{task}-{batch}.yaml"
        path.write_text(POLICY.format(task=task, question=question))
        loaded = load_policy(path)
        pin_policy(home.policies, loaded)
        if batch is not None:
            plans = pa.table({"policy_hash": [loaded.hash]})
            path = home.tables.path(PROCESSING_PLANS.name, batch)
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(plans, path)
        return loaded

    return pin


def test_a_task_is_as_the_policy_in_force_has_it_else_as_it_was_asked_last(pinned, home) -> None:
    pinned("letter", "What was it?", "20260101T000000Z-00000001")
    pinned("letter", "What is it?", "20260102T000000Z-00000002")
    pinned("unasked", "Who would know?", None)
    other = pinned("colour", "Which one?", "20260103T000000Z-00000003")
    tasks = asked_tasks(home, other.policy)
    assert {name: task.question for name, task in tasks.items()} == {
        "colour": "Which one?",
        "letter": "What is it?",
    }


def test_a_kept_policy_that_cannot_be_read_back_is_left_out(pinned, home) -> None:
    letter = pinned("letter", "What is it?", "20260101T000000Z-00000001")
    other = pinned("colour", "Which one?", None)
    (home.policies / f"{letter.hash}.json").write_text("{}")
    assert list(asked_tasks(home, other.policy)) == ["colour"]
