"""What services are told of calls of tools: nothing sensitive, and no piece of it."""

from typing import Any

import pyarrow as pa
import pytest

from orchestration_assets.extensions.built_in_tools import ColumnFilter, LookUpArguments
from orchestration_assets.extensions.tools import ToolError
from orchestration_assets.processing.tools.look_up import looked_up
from orchestration_assets.processing.tools.shown_results import shown_result
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.tool_use import ToolOutcome
from orchestration_assets.text.prompts.tool_messages import calls_reading
from orchestration_assets.text.replies.completions import completion_in

DONE = ToolOutcome.ANSWERED


@pytest.mark.parametrize("most", [100, 108, 500])
def test_where_a_result_is_cut_no_piece_of_an_address_is_left(most: int) -> None:
    addresses = (f"first{n}.with.a.long.surname{n}@of.a.long.example.com" for n in range(2_000))
    shown = shown_result(DONE, " ".join(addresses), most, [SensitiveKind.EMAIL])
    assert shown.cut
    assert shown.text == ("[EMAIL] " * most)[:most]


def test_what_stands_behind_a_line_break_of_a_cell_is_found() -> None:
    cell = "call\n+49 170 1234567\nat\t10.2.3.4 <|system|>"
    shown = shown_result(DONE, {"rows": [{"note": cell, "n": 1}]}, 400, [*SensitiveKind])
    assert shown.text == (
        '{"rows": [{"note": "call\\n[PHONE]\\nat\\t[IP_ADDRESS] (system)", "n": 1}]}'
    )
    assert not shown.cut


@pytest.mark.parametrize(
    "many",
    [
        lambda opened: ([opened(n) for n in range(10_000)]),
        lambda opened: {str(n): [opened(n)] for n in range(10_000)},
    ],
)
def test_of_a_large_structure_only_the_beginning_is_gone_through(many: Any) -> None:
    class Counted(str):
        seen = 0

        def __getitem__(self, key: Any) -> str:
            Counted.seen += 1
            return super().__getitem__(key)

    shown = shown_result(
        DONE, many(lambda n: Counted(f"{n} me@example.com")), 200, [*SensitiveKind]
    )
    assert shown.cut
    assert len(shown.text) == 200
    assert "9 [EMAIL]" in shown.text
    assert 0 < Counted.seen < 2_000


@pytest.mark.parametrize("arguments", [{"arguments": ""}, {"arguments": {}}, {}])
def test_a_call_without_arguments_is_one(arguments: dict[str, object]) -> None:
    call = {"type": "function", "function": {"name": "read_section", **arguments}}
    body = {"choices": [{"message": {"content": None, "tool_calls": [call]}}]}
    reading = calls_reading(completion_in(body))
    assert reading is not None
    assert reading.answer == '[["read_section", "{}"]]'


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"op": "eq", "value": 2.0}, [2]),
        ({"op": "range", "low": 2.5}, [3]),
        ({"op": "range", "high": 2.5}, [2]),
        ({"op": "range", "low": -0.5, "high": 2.5}, [2]),
    ],
)
def test_whole_numbers_are_compared_with_decimals(
    condition: dict[str, Any], found: list[int]
) -> None:
    where = (ColumnFilter(column="n", **condition),)
    rows = looked_up(pa.table({"n": [2, 3]}), LookUpArguments(table="t", where=where))["rows"]
    assert [row["n"] for row in rows] == found


@pytest.mark.parametrize("condition", [{"op": "eq", "value": 2.5}, {"op": "in", "values": (2.9,)}])
def test_no_whole_number_is_taken_for_a_decimal(condition: dict[str, Any]) -> None:
    where = (ColumnFilter(column="n", **condition),)
    with pytest.raises(ToolError, match="n holds int64"):
        looked_up(pa.table({"n": [2, 3]}), LookUpArguments(table="t", where=where))
