import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.text.grounding import grounded

words = st.text("abcXYZ\u00e9\u00df0123456789.,:$\u20ac\"'-", min_size=1, max_size=8)
texts = st.lists(words, min_size=1, max_size=30)
spaces = st.sampled_from([" ", "\n", "\t", "  ", "\u00a0", " \r\n "])


def reading(**quotes: str) -> Reading:
    record = RecordAnswer((("total", 1.0),), tuple(quotes.items()))
    return Reading(Status.OK, record, 0.9)


def loose(text: str, **quotes: str) -> tuple[str, ...]:
    answer = grounded(reading(**quotes), text).answer
    assert isinstance(answer, RecordAnswer)
    return answer.ungrounded


@given(texts, st.data())
def test_words_cut_from_a_text_stand_in_it_by_any_case_and_white_space(parts, data) -> None:
    first = data.draw(st.integers(0, len(parts) - 1))
    last = data.draw(st.integers(first + 1, len(parts)))
    cut = parts[first:last]
    if not " ".join(cut).strip("\"' ") or "..." in " ".join(parts):
        return  # signs of quotation and of omission alone quote nothing
    quote = cut[0] + "".join(data.draw(spaces) + word for word in cut[1:])
    change = data.draw(st.sampled_from([str, str.upper, str.lower, str.title]))
    if change(quote).casefold() != quote.casefold():
        change = str  # letters whose other case is several letters
    assert loose(" ".join(parts), total=change(quote)) == ()


@given(texts, st.text("qwv", min_size=4))
def test_words_that_are_not_there_do_not_stand(parts, quote) -> None:
    assert loose(" ".join(parts), total=quote) == ("total",)


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("Total is 1.234,56 EUR", True),
        ("total  IS\n1.234,56 eur", True),
        ("\u201eTotal is 1.234,56 EUR\u201c", True),
        ("Total ... by Friday", True),
        ("Total is [email] Friday", True),
        ("by Friday ... Total", False),
        ("Total is 1.234,57 EUR", False),
        ("...", False),
        (" ... ".join("Total is due by Friday to us now".split() * 3), False),
    ],
)
def test_signs_and_gaps_are_read_as_people_mean_them(quote, stands) -> None:
    text = "The Total is 1.234,56 EUR, due by Friday to us."
    assert (loose(text, total=quote) == ()) is stands


def test_each_quote_is_told_by_its_path_and_the_rest_is_left_alone() -> None:
    told = reading(total="nowhere", **{"lines[0].item": "blue ink"})
    found = grounded(told, "one blue ink")
    assert found.answer == RecordAnswer((("total", 1.0),), told.answer.quotes, ("total",))
    assert grounded(Reading(Status.OK, "label", 0.5), "text") == Reading(Status.OK, "label", 0.5)
    assert grounded(Reading(Status.OK, RecordAnswer((("a", "b"),))), "text").answer.quotes == ()


def test_a_quote_of_many_pieces_is_looked_for_in_one_pass_each() -> None:
    quote = " ... ".join(["a"] * 7 + ["b"])
    assert loose("a " * 3_000, total=quote) == ("total",)
    assert loose("a " * 3_000 + "b", total=quote) == ()


@pytest.mark.parametrize(("left_out", "stands"), [(400, True), (401, False)])
def test_what_is_left_out_of_a_quote_is_not_long(left_out: int, stands: bool) -> None:
    text = "from " + "x" * (left_out - 2) + " to"
    assert (loose(text, total="from...to") == ()) is stands
    # another place where it begins is near enough
    assert loose(f"from {text[5:-2]}from to", total="from...to") == ()
