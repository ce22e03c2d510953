"""Rows that become columns while they come in."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.records import UnstorableError, rows_to_arrow
from orchestration_assets.schemas.row_list import RowList
from orchestration_assets.schemas.tables import CALL_LOG, CallRow
from tests.rows import row


def _call(number: int) -> CallRow:
    return row(CallRow, item_id=f"i{number % 7}", task="t", attempt=number)


@given(st.lists(st.sampled_from(["append", "pack", "extend", "to_arrow"]), max_size=12))
def test_rows_are_the_same_whenever_they_become_columns(steps: Sequence[str]) -> None:
    plain: list[CallRow] = []
    rows = RowList(CALL_LOG)
    for step in steps:
        more = [_call(len(plain) + n) for n in range(3)]
        if step == "append":
            rows.append(more[0])
            plain += more[:1]
        elif step == "extend":
            others = RowList(CALL_LOG)
            others += more[:2]
            others.pack()
            others.append(more[2])
            rows += others
            plain += more
        elif step == "pack":
            rows.pack()
        else:
            rows.to_arrow()
    assert (len(rows), list(rows)) == (len(plain), plain)
    assert list(rows.of_columns("item_id", "attempt")) == [(r.item_id, r.attempt) for r in plain]
    assert sorted(r.attempt for r in rows.about({"i1", "i3"})) == [
        r.attempt for r in plain if r.item_id in {"i1", "i3"}
    ]
    places = [r.attempt % 3 for r in plain]
    expected = [r for place in range(3) for r in plain if r.attempt % 3 == place]
    assert list(rows.ordered(places)) == expected
    assert rows.to_arrow().equals(rows_to_arrow(CALL_LOG, plain))


def test_a_row_that_no_table_can_hold_is_replaced_whenever_it_is_stored() -> None:
    def instead(call: CallRow, error: UnstorableError) -> CallRow:
        return replace(call, tokens_in=None, reason=error.column)

    rows = RowList(CALL_LOG, instead)
    rows.append(replace(_call(0), tokens_in=2**70))
    rows += rows.ordered([0])
    rows.pack()
    assert [(call.tokens_in, call.reason) for call in rows] == [(None, "tokens_in")] * 2
