"""Dates as people write them: read where they can mean one day, refused in words where not."""

import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.local_dates import (
    DateOrder,
    LocalDateError,
    date_readings,
    local_date,
    settled_order,
)

days = st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 31))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24.11.2026", datetime(2026, 11, 24)),
        ("3.4.2026", datetime(2026, 4, 3)),
        ("28.11.26", datetime(2026, 11, 28)),
        ("24/11/2026", datetime(2026, 11, 24)),
        ("11/24/2026", datetime(2026, 11, 24)),
        ("11/28/26", datetime(2026, 11, 28)),
        ("5/5/2026", datetime(2026, 5, 5)),
        ("24-11-2026", datetime(2026, 11, 24)),
        ("2026/11/24", datetime(2026, 11, 24)),
        ("2026-3-4", datetime(2026, 3, 4)),
        ("28 Nov 2026", datetime(2026, 11, 28)),
        ("28-Nov-26", datetime(2026, 11, 28)),
        ("28. Nov. 2026", datetime(2026, 11, 28)),
        ("28th November 2026 9:05 pm", datetime(2026, 11, 28, 21, 5)),
        ("Nov 28, 2026", datetime(2026, 11, 28)),
        ("November 28 2026", datetime(2026, 11, 28)),
        ("Sept 3, 2026", datetime(2026, 9, 3)),
        ("24/11/2026 09:05", datetime(2026, 11, 24, 9, 5)),
        ("24.11.2026, 9.05", datetime(2026, 11, 24, 9, 5)),
        ("11/24/2026 9:05:06 PM", datetime(2026, 11, 24, 21, 5, 6)),
        ("11/24/2026 12:30 a.m.", datetime(2026, 11, 24, 0, 30)),
    ],
)
def test_a_local_date_that_can_be_read_in_one_way_is_read(text, moment) -> None:
    assert local_date(text) == moment


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3/4/2026", "may be 2026-03-04 or 2026-04-03"),
        ("03-04-2026 10:00", "may be 2026-03-04 or 2026-04-03"),
        ("24/11/26", "may be 2024-11-26 or 2026-11-24"),
        ("01/02/03", "may be 2001-02-03 or 2003-01-02 or 2003-02-01"),
        ("46350", "counts days by"),
        ("46350.4375", "counts days by"),
    ],
)
def test_a_local_date_that_may_mean_two_days_is_refused_in_words(text, words) -> None:
    with pytest.raises(LocalDateError, match=words):
        local_date(text)


@pytest.mark.parametrize("text", ["31/4/2026", "40 Nov 2026", "3 Ju 2026", "3 Ma 2026", "13 pm"])
def test_what_no_calendar_holds_is_no_date(text) -> None:
    assert date_readings(text) == {}


def test_another_date_of_the_column_settles_the_order() -> None:
    order = settled_order(["3/4/2026", "28/11/2026", "", "24 Nov 2026"])
    assert order is DateOrder.DAY_FIRST
    assert local_date("3/4/2026", order) == datetime(2026, 4, 3)
    assert local_date("3/4/2026", settled_order(["11/28/2026"])) == datetime(2026, 3, 4)


@pytest.mark.parametrize(
    "column",
    [["3/4/2026"], ["28/11/2026", "11/28/2026"], ["28.11.2026"], ["2026/11/28"], ["28 Nov 2026"]],
)
def test_an_order_that_nothing_or_two_dates_tell_is_not_settled(column) -> None:
    assert settled_order(column) is None


@given(days, st.sampled_from(["%d %b %Y", "%d-%b-%y", "%B %d, %Y", "%d.%m.%Y", "%Y/%m/%d"]))
def test_the_forms_that_name_their_order_are_read_as_they_were_written(moment, form) -> None:
    assert local_date(moment.strftime(form)).date() == moment.date()


@given(st.lists(days, min_size=1, max_size=8), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_a_column_of_one_order_is_never_read_in_another(moments, form) -> None:
    texts = [moment.strftime(form) for moment in moments]
    order = settled_order(texts)
    for text, moment in zip(texts, moments, strict=True):
        with contextlib.suppress(LocalDateError):
            assert local_date(text, order).date() == moment.date()
    if any(moment.day > 12 for moment in moments):
        assert order is not None


@given(
    st.one_of(st.text(max_size=20), st.from_regex(r"\A[0-9./:\- APM]{1,20}\Z")),
    st.sampled_from([None, *DateOrder]),
)
def test_whatever_is_no_date_is_a_value_error(text, order) -> None:
    with contextlib.suppress(ValueError):
        assert local_date(text, order).year >= 1
    settled_order([text])
