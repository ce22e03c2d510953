"""The documents and services that the benchmark of records is measured on."""

from datetime import date

import pytest

from benchmarks._document_layouts import LAYOUTS
from benchmarks._document_services import SKILLS, reading
from benchmarks._documents import FIELDS, TASK, document, documents
from benchmarks._record_scores import judged, marks
from orchestration_assets.evidence.records.cells import cells_of
from orchestration_assets.evidence.records.consensus import settle
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.record_answers import RecordAnswer, leaves
from orchestration_assets.schemas.storable_readings import kept_reading
from orchestration_assets.text.prose import is_html

TOLD = documents(200, seed=4)


def test_the_same_seed_gives_the_same_documents_and_another_one_others() -> None:
    assert documents(20, seed=4) == TOLD[:20]
    assert document(7, seed=5).text != TOLD[7].text
    assert {one.layout for one in TOLD} == set(LAYOUTS)
    assert {one.language for one in TOLD} == {"de", "en", "fr"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_true_of_a_document_stands_in_it(layout) -> None:
    for told in (one for one in TOLD if one.layout == layout):
        assert is_html(told.text) is (layout == "html")
        text = told.text.replace("&amp;", "&").replace("&#x27;", "'")
        for path, value in leaves(told.truth):
            if path in ("kind", "currency", "paid") or not isinstance(value, str):
                continue
            if path in ("date", "due_date"):
                day = date.fromisoformat(value)
                assert str(day.year) in text, path
                assert str(day.day) in text, path
            else:
                assert value in text, path


def test_what_misleads_is_not_what_is_true() -> None:
    for told in TOLD:
        for field in ("number", "date", "due_date", "supplier", "total", "vat"):
            assert told.truth.get(field) not in told.beside.get(field, ()), field


def test_services_are_told_apart_by_their_skill_and_always_say_the_same() -> None:
    right: dict[str, float] = {}
    for name in SKILLS:
        marked = []
        for told in TOLD:
            said = reading(name, told, seed=4)
            assert said == reading(name, told, seed=4)
            assert kept_reading(said, AnswerKind.RECORD) == said
            assert isinstance(said.answer, RecordAnswer)
            marked += [is_right for _, is_right in marks(said.answer, told.truth, FIELDS)]
        right[name] = sum(marked) / len(marked)
    assert right["large"] > right["medium"] > right["small"] > 0.5


def test_the_truth_is_all_right_and_so_is_what_services_say_that_read_it() -> None:
    for told in TOLD[:40]:
        assert all(is_right for _, is_right in marks(told.truth, told.truth, TASK.fields))
        cells = cells_of(dict.fromkeys("abc", told.truth), TASK.fields)
        settled = settle(cells, dict.fromkeys("abc", 0.9))
        assert all(one.right for one in judged(settled, told.truth, TASK.fields))
