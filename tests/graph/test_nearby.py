"""Nearest earlier items as context of disputes, through the graph: the past, never the future."""

import json

import pytest

POLICY = """
version: 2
content:
  records:
    - {files: "*.jsonl", text: body, id: id}
services:
  by_words:
    implementation: word_labels
    parameters: {labels: {invoice: [invoice, amount], complaint: [broken, refund]}}
  by_examples:
    implementation: example_labels
    parameters:
      examples:
        invoice: [please pay the invoice for the kettle within thirty days]
        complaint: [the kettle arrived broken and nobody answers]
tasks:
  letter:
    question: What does the writer want?
    labels: [invoice, complaint]
    default: {model: parallel, services: [by_words, by_examples]}
"""
# the words say invoice, the examples say complaint
DISPUTED = "the invoice of the invoice amount: the kettle arrived and nobody answers, number {}"
AGREED = "the kettle arrived broken and nobody answers, refund number {}"


@pytest.fixture
def project(project):
    project.write_policy(POLICY)
    return project


def process(project, folder, *bodies: str) -> str:
    folder.mkdir()
    rows = [json.dumps({"id": str(n), "body": body}) for n, body in enumerate(bodies)]
    (folder / "a.jsonl").write_text("\n".join(rows) + "\n")
    (batch,) = project.take_in(folder)
    project.succeeds("process_batch", batch)
    return batch


def rows_of(project, batch):
    return project.tables.read("disagreements", batch).to_pylist()


def test_a_dispute_knows_the_past_and_never_the_future(project, tmp_path) -> None:
    first = process(project, tmp_path / "one", DISPUTED.format("four"), AGREED.format("five"))
    (row,) = rows_of(project, first)
    assert (row["near_items"], row["nearby"]) == (None, None)
    alone = project.tables.path("disagreements", first).read_bytes()

    second = process(project, tmp_path / "two", DISPUTED.format("eleven"))
    (row,) = rows_of(project, second)
    assert (row["near_items"], row["near_agreed"]) == (2, 0.5)
    assert row["nearby"].startswith("of the 2 nearest earlier items that both answered they agree")
    page = (project.home / "reports" / f"{second}.html").read_text()
    assert row["nearby"].split(";")[0] in page

    kept = project.tables.path("disagreements", second).read_bytes()
    process(project, tmp_path / "three", DISPUTED.format("twelve"))
    for batch, before in ((first, alone), (second, kept)):
        project.succeeds("reprocess", batch)
        assert project.tables.path("disagreements", batch).read_bytes() == before


def test_what_is_not_looked_up_is_in_the_metadata_and_the_row(project, tmp_path) -> None:
    first = process(project, tmp_path / "one", DISPUTED.format("four"), AGREED.format("five"))
    project.policy.write_text(POLICY + "disagreement: {nearby_batches: 0}\n")
    second = process(project, tmp_path / "two", DISPUTED.format("eleven"))
    (row,) = rows_of(project, second)
    why = "beyond nearby_batches (0)"
    assert (row["near_items"], row["nearby"]) == (None, f"2 not looked up: {why}")
    result = project.execute("reprocess", second)
    (event,) = (
        event
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.to_user_string() == "disagreements"
    )
    assert event.materialization.metadata[f"earlier batch {first} not read"].value == why
