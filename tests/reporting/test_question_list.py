"""The list of questions holds what the tables hold, in order, within its size, and as text only."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.reporting.figures import batch_figures, report_row
from orchestration_assets.reporting.intake import families_of
from orchestration_assets.reporting.page import MOST_BYTES, render_batch
from orchestration_assets.reporting.question_list import listed_answer, question_list
from orchestration_assets.reporting.question_rows import (
    QuestionRow,
    SaidAnswer,
    Standing,
    folded,
    question_rows,
)
from orchestration_assets.reporting.text_differences import TextPiece
from orchestration_assets.schemas.enums import AnswerKind
from tests.explorer.attacks import ATTACKS
from tests.reporting.batches import BATCH, POLICY, SOURCE, synthetic_batch


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return synthetic_batch(150)


@pytest.fixture(scope="module")
def rows(tables: dict[str, pa.Table]) -> list[QuestionRow]:
    final = tables["interpretations"].filter(tables["interpretations"]["final"])
    families = families_of(tables["content_profiles"])
    return list(question_rows({**tables, "interpretations": final}, families))


def test_every_question_is_a_row_and_the_most_pressing_come_first(
    tables: dict[str, pa.Table], rows: list[QuestionRow]
) -> None:
    resolved = {(one["path"], one["task"]): one for one in tables["resolutions"].to_pylist()}
    assert {(one.path, one.task) for one in rows} == resolved.keys()
    assert len(rows) == len(resolved)
    order = list(Standing)
    assert [order.index(one.standing) for one in rows] == sorted(
        order.index(one.standing) for one in rows
    )
    disputed = [one for one in rows if one.standing is Standing.DISPUTED]
    assert len(disputed) == report_row(BATCH, SOURCE, POLICY, tables).disputed
    assert [-one.severity for one in disputed] == sorted(-one.severity for one in disputed)
    pairs = [one for one in tables["disagreements"].to_pylist() if one["consequence"] != "none"]
    assert sum(len(one.disputes) for one in rows) == len(pairs)
    assert sum(len(one.differences) for one in rows) == tables["disagreements"].num_rows - len(
        pairs
    )
    readings: dict[tuple[str, str], set[str]] = {}
    paths = {one["item_id"]: one["path"] for one in tables["resolutions"].to_pylist()}
    for one in tables["interpretations"].to_pylist():
        if one["final"]:
            readings.setdefault((paths[one["item_id"]], one["task"]), set()).add(one["service"])
    for row in rows:
        services = [service for said in row.said for service in said.services]
        assert len(services) == len({*services})
        assert {*services} == readings.get((row.path, row.task), set())
        standing = {name for said in row.said if said.stands for name in said.services}
        assert standing <= {*resolved[row.path, row.task]["supporters"]}
        assert row.error_risk == resolved[row.path, row.task]["error_risk"]


def _reading(service: str, answer: str | None, **more: Any) -> dict[str, Any]:
    given = {"service": service, "status": "ok", "answer": answer, "answer_set": None}
    return {**given, "reason": None, **more}


def test_equal_readings_are_one_and_what_no_other_says_is_marked() -> None:
    said = folded(
        AnswerKind.TEXT,
        [
            _reading("x", "the tax rises in May"),
            _reading("y", None, status="timeout", reason="30 s"),
            _reading("z", "the tax falls in May"),
            _reading("w", "the tax rises in May"),
        ],
        supporters=["x", "w"],
        dissenters=["z"],
    )
    assert [one.services for one in said] == [("x", "w"), ("z",), ("y",)]
    assert [one.text for one in said][2] == "timeout: 30 s"
    assert [[piece.text for piece in one.pieces if piece.unique] for one in said] == [
        *(["rises"], ["falls"], [])
    ]
    assert [(one.stands, one.dissents, one.answered) for one in said] == [
        *((True, False, True), (False, True, True), (False, False, False))
    ]
    vectors = folded(
        AnswerKind.VECTOR, [_reading("x", "vector of 3"), _reading("y", "vector of 3")], [], []
    )
    assert len(vectors) == 2


def _decoded(data: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The list as the script reads it."""
    held = json.loads(data)
    found = []
    for folder, name, task, family, standing, severity, risk, kinds, said, *pairs in held["rows"]:
        answers = [
            (flags, [held["services"][one] for one in services],
             held["texts"][told] if isinstance(told, int) else told)
            for flags, services, told in said
        ]  # fmt: skip
        found.append(
            {
                "path": held["folders"][folder] + name,
                "task": held["tasks"][task],
                "family": held["families"][family],
                "standing": held["standings"][standing],
                "severity": severity,
                "risk": risk,
                "kinds": [held["kinds"][one] for one in kinds],
                "said": answers,
                "disputes": [tuple(held["pairs"][one]) for one in pairs[0]],
                "differences": [tuple(held["pairs"][one]) for one in pairs[1]],
            }
        )
    return held, found


def test_the_data_is_read_back_as_the_rows(rows: list[QuestionRow]) -> None:
    listed = question_list(rows, len(rows))
    assert listed.left_out == 0
    held, found = _decoded(str(listed.data))
    assert held["total"] == len(rows)
    for row, one in zip(rows, found, strict=True):
        assert (one["path"], one["task"], one["family"]) == (row.path, row.task, row.family)
        assert (one["standing"], one["kinds"]) == (row.standing, [*row.kinds])
        assert one["severity"] == round(100 * row.severity)
        assert one["risk"] == (-1 if row.error_risk is None else round(1000 * row.error_risk))
        assert (one["disputes"], one["differences"]) == ([*row.disputes], [*row.differences])
        for (flags, services, told), said in zip(one["said"], row.said, strict=True):
            assert services == [*said.services]
            assert flags == said.stands + 2 * said.dissents + 4 * (not said.answered)
            text = told if isinstance(told, str) else "".join(told)
            assert text == listed_answer(said.text)


def test_what_does_not_fit_is_left_out_from_the_end(rows: list[QuestionRow]) -> None:
    whole = _decoded(str(question_list(rows, len(rows)).data))[1]
    for most in (0, 3_000, 20_000):
        some = question_list(rows, len(rows), most_bytes=most)
        assert some.left_out == len(rows) - len(some.rows)
        assert sum(len(row.encode()) + 1 for row in some.rows) <= most
        held = _decoded(str(some.data))[1]
        assert held == whole[: len(held)]
        assert [*some.shown] == rows[: len(some.shown)]
    assert 0 < len(question_list(rows, len(rows), most_bytes=3_000).rows) < len(rows)


TEXTS = st.one_of(st.text(max_size=400), st.sampled_from(ATTACKS))


@given(TEXTS, TEXTS, TEXTS)
def test_whatever_a_text_holds_it_stays_a_text(path: str, answer: str, piece: str) -> None:
    marked = SaidAnswer(("y",), (TextPiece(piece, True), TextPiece(answer, False)), True)
    plain = SaidAnswer(("x",), (TextPiece(answer, False),), True, stands=True)
    row = QuestionRow(
        *(path, "t", "prose", Standing.DISPUTED, 0.5, None),
        kinds=("other_label",),
        said=(plain, marked),
        disputes=(("x", "y"),),
        differences=(),
    )
    data = str(question_list([row], 1).data)
    assert not {*"<>&'\n\r\t\u2028\u2029\u202e\x00"} & {*data}
    assert data.encode("utf-8")
    _, (one,) = _decoded(data)
    assert one["said"][0][2] == listed_answer(answer)
    pieces = one["said"][1][2]
    if piece:
        assert isinstance(pieces, list) and pieces[0] == ""
        assert pieces[1] == listed_answer(piece)


def test_a_page_that_would_be_too_large_holds_fewer_questions(
    tables: dict[str, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    row, figures = report_row(BATCH, SOURCE, POLICY, tables), batch_figures(tables)
    whole = render_batch(row, figures)
    limit = len(whole.encode()) - 20_000
    monkeypatch.setattr("orchestration_assets.reporting.page.MOST_BYTES", limit)
    smaller = render_batch(row, figures)
    assert limit - 20_000 < len(smaller.encode()) <= limit
    assert "most pressing of" in smaller and "orchestrate explain PATH" in smaller
    assert "most pressing of" not in whole
    assert replace(figures, listed=figures.listed.shortened(0)).listed.left_out


def test_the_page_of_a_large_batch_stays_under_a_megabyte(
    tables: dict[str, pa.Table], rows: list[QuestionRow]
) -> None:
    row, figures = report_row(BATCH, SOURCE, POLICY, tables), batch_figures(tables)
    many = [replace(one, path=f"{number}/{one.path}") for number in range(30) for one in rows]
    listed = question_list(many, 40_000)
    page = render_batch(row, replace(figures, listed=listed))
    assert len(page.encode()) <= MOST_BYTES == 1_000_000
    held, found = _decoded(page.partition('id="questions-data">')[2].partition("</script>")[0])
    assert held["total"] == 40_000
    assert len(found) > 2_000
