"""The dialogues that memory is measured on: what their questions need was really said."""

import pytest

from benchmarks._dialogue_forms import LOOKED_AT
from benchmarks._dialogue_forms_blind import BLIND
from benchmarks._dialogue_forms_held_out import HELD_OUT
from benchmarks._dialogue_reader import read
from benchmarks._dialogue_words import Forms
from benchmarks._dialogues import dialogue


@pytest.mark.parametrize("forms", [LOOKED_AT, HELD_OUT, BLIND])
def test_who_is_shown_all_knows_all_and_who_is_shown_the_old_is_outdated(forms: Forms) -> None:
    talk = dialogue(3, forms)
    assert talk == dialogue(3, forms)
    lines = [f"[{one.number}] {one.speaker}: {one.text}" for one in talk.messages]
    assert {one.kind for one in talk.questions} >= {"one", "two", "updated"}
    for question in talk.questions:
        for need in question.needs:
            assert read("\n".join(lines[: question.after]), need) == (True, False, True)
            before = need.said[-1].number - 1
            found = read("\n".join(lines[:before]), need)
            assert not found.known
            assert found.outdated == (len(need.said) > 1)
