"""Where records stand in conversations, as their columns say it, in every format."""

import io
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.message_places import held_content, message_place, named_by
from orchestration_assets.schemas.conversations import MessagePlace
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError
from tests.content.test_record_files import csv, jsonl, parquet, read

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
COLUMNS = {"thread": "conv", "position": "at", "speaker": "who"}


def lines(*records: dict) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


def places(found):
    return [one.message for one in found]


@given(st.datetimes(timezones=st.timezones()) | st.datetimes())
def test_a_time_of_any_zone_is_the_same_moment_and_without_one_utc(when) -> None:
    declared = jsonl(**COLUMNS).declared
    moment = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    for value in (when, when.isoformat()):
        place = message_place({"conv": "a", "at": value}, declared)
        assert place == MessagePlace("a", pytest.approx(moment, abs=1e-5), None)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_a_number_is_a_position_as_it_is_also_in_text(number) -> None:
    declared = jsonl(**COLUMNS).declared
    for value in (number, repr(number), f" {number!r} "):
        place = message_place({"conv": 7, "at": value}, declared)
        assert place == MessagePlace("7", float(number), None)


def test_records_of_every_format_have_the_same_places() -> None:
    told = [("a", NOON, "Ana"), ("a", NOON + timedelta(seconds=1), None), (None, None, "Ben")]
    expected = [
        MessagePlace("a", NOON.timestamp(), "Ana"),
        MessagePlace("a", NOON.timestamp() + 1, None),
        None,
    ]
    of_lines = lines(
        *({"text": "x", "conv": c, "at": w and w.isoformat(), "who": n} for c, w, n in told)
    )
    assert places(read(of_lines, jsonl(**COLUMNS))) == expected
    rows = "".join(f"x,{c or ''},{w.isoformat() if w else ''},{n or ''}\n" for c, w, n in told)
    assert places(read(f"text,conv,at,who\n{rows}".encode(), csv(**COLUMNS))) == expected
    columns = zip(*told, strict=True)
    table = pa.table({"text": ["x"] * 3, **dict(zip(("conv", "at", "who"), columns, strict=True))})
    sink = io.BytesIO()
    pq.write_table(table.set_column(2, "at", table["at"].cast(pa.timestamp("ns", "UTC"))), sink)
    assert places(read(sink.getvalue(), parquet(**COLUMNS))) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("later", "neither a number nor a date and time ('later')"),
        (True, "neither"),
        ([1], "neither"),
        ("12:30", "neither"),
        (float("inf"), "neither"),
        ("9" * 400, "neither"),
        (None, "is missing"),
        (" ", "is missing"),
    ],
)
def test_what_is_no_position_rejects_the_record_with_its_number_and_column(value, words) -> None:
    first = {"text": "x", "conv": "a", "at": 1}
    good, bad = read(lines(first, {**first, "at": value}), jsonl(**COLUMNS))
    assert good.message == MessagePlace("a", 1.0, None)
    assert bad.message is None
    reason, message = bad.problem
    assert reason is RejectReason.MALFORMED
    assert message.startswith("record 2: 'at' ")
    assert words in message
    assert "give a number, or a date and time" in message


def test_a_thread_has_a_name_that_can_be_kept() -> None:
    first = {"text": "x", "at": 1}
    found = read(
        lines(*({**first, "conv": name} for name in ["", {"a": 1}, "x" * 1001, 4, "\u202e;rm"])),
        jsonl(**COLUMNS),
    )
    assert [one.problem and one.problem[1].partition(":")[2][:30] for one in found] == [
        None,
        " 'conv' is no name but dict: g",
        " 'conv' has 1001 characters, t",
        None,
        None,
    ]
    assert [one.message and one.message.thread for one in found] == [
        None, None, None, "4", "\u202e;rm",
    ]  # fmt: skip


def test_a_file_with_a_header_must_have_the_columns_of_its_conversations() -> None:
    with pytest.raises(ContentError, match="no column 'conv'"):
        read(b"text,at,who\nx,1,a\n", csv(**COLUMNS))


def test_equal_texts_of_a_conversation_are_different_messages() -> None:
    one = MessagePlace("a", 1.0, "Ana")
    later = MessagePlace("a", 2.0, "Ana")
    by_another = MessagePlace("a", 1.0, "Ben")
    assert len({named_by("h", place) for place in (None, one, later)}) == 3
    assert named_by("h", one) == named_by("h", by_another)
    assert len({held_content("h", "i", place) for place in (None, one, later, by_another)}) == 4
    assert held_content("h", "i", one) != held_content("h", "j", one)
    assert held_content("h", "i", None) == named_by("h", None) == "h"


def test_dates_and_offsets_are_moments() -> None:
    declared = jsonl(**COLUMNS).declared
    zone = timezone(timedelta(hours=2))
    for value, moment in (
        (date(2026, 5, 1), datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T14:00:00+02:00", NOON),
        (NOON.astimezone(zone), NOON),
        ("2026-05-01T12:00:00.000000000Z", NOON),
    ):
        place = message_place({"conv": "a", "at": value}, declared)
        assert place is not None
        assert place.position == moment.timestamp()
