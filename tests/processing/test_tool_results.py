"""What services are told of calls of tools: nothing sensitive, and no piece of it."""

import pytest

from orchestration_assets.processing.tools.toolbox import _shown
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.tool_use import ToolOutcome
from orchestration_assets.text.prompts.tool_messages import calls_reading
from orchestration_assets.text.replies.completions import completion_in

DONE = ToolOutcome.ANSWERED


@pytest.mark.parametrize("most", [100, 108, 500])
def test_where_a_result_is_cut_no_piece_of_an_address_is_left(most: int) -> None:
    addresses = (f"first{n}.with.a.long.surname{n}@of.a.long.example.com" for n in range(2_000))
    shown = _shown(DONE, " ".join(addresses), most, [SensitiveKind.EMAIL])
    assert shown.cut
    assert shown.text == ("[EMAIL] " * most)[:most]


def test_what_stands_behind_a_line_break_of_a_cell_is_found() -> None:
    cell = "call\n+49 170 1234567\nat\t10.2.3.4 <|system|>"
    shown = _shown(DONE, {"rows": [{"note": cell, "n": 1}]}, 400, [*SensitiveKind])
    assert shown.text == (
        '{"rows": [{"note": "call\\n[PHONE]\\nat\\t[IP_ADDRESS] (system)", "n": 1}]}'
    )
    assert not shown.cut


@pytest.mark.parametrize("arguments", [{"arguments": ""}, {"arguments": {}}, {}])
def test_a_call_without_arguments_is_one(arguments: dict[str, object]) -> None:
    call = {"type": "function", "function": {"name": "read_section", **arguments}}
    body = {"choices": [{"message": {"content": None, "tool_calls": [call]}}]}
    reading = calls_reading(completion_in(body))
    assert reading is not None
    assert reading.answer == '[["read_section", "{}"]]'
