"""What training reads of the stored tables."""

import pytest

from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.outcomes import OUTCOMES, OutcomeRow
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import PROCESSING_PLANS, PlanRow
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.selection.training_corpus import (
    all_frontier_rows,
    read_training_corpus,
    train_tasks,
)
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services
from resources.home import Home
from tests.rows import row
from tests.selection.test_content_inputs import RecordingStore, stored_vectors, vectors

SERVICES = ("one", "two")


def policy() -> Policy:
    task = {
        "question": "?",
        "kind": "text",
        "learned": {"services": list(SERVICES)},
        "default": {"model": "parallel", "services": list(SERVICES)},
    }
    services = {name: {"implementation": "grammar"} for name in SERVICES}
    tasks = {"t": task, "u": task}
    return Policy.model_validate({"version": 2, "services": services, "tasks": tasks})


@pytest.fixture
def store(tmp_path) -> RecordingStore:
    """Two tasks with outcomes about some contents of one batch, of two batches with vectors."""
    batches = {
        "b1": vectors(("a", "red fox"), ("b", "blue sea"), ("c", "old tree")),
        "b2": vectors(("d", "deep well")),
    }
    store = stored_vectors(tmp_path / "tables", batches)
    services = build_services(policy().services)
    tasks = build_tasks(policy())
    rows = [
        row(
            OutcomeRow,
            batch="b1",
            item_id=content,
            content_hash=content,
            task=task,
            kind=AnswerKind.TEXT,
            service=name,
            service_version=service_identity(services[name], tasks[task]),
            answer="x",
            weight=1.0,
        )
        for task, contents in (("t", "ab"), ("u", "bc"))
        for content in contents
        for name in SERVICES
    ]
    store.write(OUTCOMES, rows_to_arrow(OUTCOMES, rows))
    plans = [
        row(PlanRow, batch="b1", item_id=content, content_hash=content, task=task, option="default")
        for task in "tu"
        for content in "abc"
    ]
    store.write(PROCESSING_PLANS, rows_to_arrow(PROCESSING_PLANS, plans), "b1")
    return store


@pytest.mark.parametrize("learns", [True, False])
def test_contents_are_read_once_for_all_tasks(store, tmp_path, learns) -> None:
    home = Home(tmp_path / "home")
    services = build_services(policy().services)
    corpus = read_training_corpus(store, home.spending)
    if learns:
        trained = train_tasks(policy(), services, corpus, home.models)
        assert [one.task for one in trained] == ["t", "u"]
    else:
        assert list(all_frontier_rows(policy(), services, corpus)) == []
    reads = [
        (batch, columns) for table, batch, columns in store.reads if table == CONTENT_VECTORS.name
    ]
    assert len(reads) == len(set(reads)) > 0
    assert [batch for batch, columns in reads if columns is None or "vector" in columns] == ["b1"]
