"""The texts that the other services bear out least."""

import pyarrow as pa

from orchestration_assets.reporting.text_differences import mark_places, mark_unsupported
from orchestration_assets.reporting.texts import TextFigures, text_figures
from orchestration_assets.schemas.tables import DISAGREEMENTS

Said = dict[str, dict[str, str]]

SHIP = "The ship sails at dawn from Hull."
SINKS = "The ship sinks at dawn off Hull."


def figures(said: Said, saw: dict[str, list[str]] | None = None) -> TextFigures:
    rows = [
        {"item_id": item, "service": service, "answer": text, "saw": (saw or {}).get(service, [])}
        for item, by_service in said.items()
        for service, text in by_service.items()
    ]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("item_id", "service", "answer")),
            ("saw", pa.list_(pa.string())),
        ]
    )
    resolved = pa.table({"item_id": list(said), "path": [f"{item}.txt" for item in said]})
    services = tuple(sorted({one["service"] for one in rows}))
    readings = pa.Table.from_pylist(rows, schema)
    return text_figures(services, readings, resolved, DISAGREEMENTS.schema.empty_table())


def alone(said: Said, saw: dict[str, list[str]] | None = None) -> list[tuple[str, str]]:
    return [(one.path, one.service) for one in figures(said, saw).alone.shown]


def test_the_text_that_stands_alone_is_shown_with_what_it_says_alone() -> None:
    said = {"one": {"c": SHIP, "b": SINKS, "a": SHIP}}
    (one,) = figures(said).alone.shown
    assert (one.item_id, one.path, one.service) == ("one", "one.txt", "b")
    assert [piece.text for piece in one.pieces if piece.unique] == ["sinks", "off"]
    assert "".join(piece.text for piece in one.pieces) == SINKS
    assert 0.0 < one.support < 1.0


def test_items_run_from_the_most_surprising_text_on() -> None:
    long = f"{SHIP} And then it comes home."
    said = {
        "short": {"a": SHIP, "b": SHIP, "c": SINKS},
        "long": {"a": long, "b": long, "c": f"{SINKS} Nobody was ever to see it again."},
    }
    assert alone(said) == [("long.txt", "c"), ("short.txt", "c")]


def test_two_texts_or_equal_ones_are_no_case() -> None:
    found = figures({"two": {"a": SHIP, "b": SINKS}, "same": dict.fromkeys("abc", SHIP)})
    assert (found.alone.shown, found.alone.total) == ((), 0)


def test_a_service_that_was_shown_an_answer_does_not_bear_it_out() -> None:
    said = {"one": {"a": SHIP, "b": SINKS, "c": SHIP, "judge": SINKS}}
    assert alone(said, {"judge": ["a", "b", "c"]}) == [("one.txt", "b")]
    two = {"one": {"a": SHIP, "b": SINKS, "judge": SINKS}}
    assert alone(two, {"judge": ["a", "b"]}) == []


def test_the_order_of_readings_changes_nothing() -> None:
    said = {
        "one": {"a": SHIP, "b": SINKS, "c": "A ship sails."},
        "two": {"a": "x", "b": "y", "c": "z"},
    }
    turned = {item: dict(reversed(by.items())) for item, by in reversed(said.items())}
    assert alone(said) == alone(turned)


def test_beside_several_others_the_place_counts_and_beside_one_the_word() -> None:
    def marked(text: str, *others: str) -> list[str]:
        return [piece.text for piece in mark_unsupported(text, others) if piece.unique]

    assert marked(SINKS, SHIP) == ["sinks", "off"]
    assert marked("dawn sails", "sails at dawn") == []
    # each word is written by another, but by none of them in that place
    assert marked("paid not at all", "all is paid", "it is not paid at noon") == ["paid not at all"]
    assert marked("lost", "", "") == ["lost"]


def test_places_beyond_what_is_shown_are_cut() -> None:
    pieces = mark_places("word " * 100, [(0, 4), (5, 9), (230, 300)])
    assert len("".join(piece.text for piece in pieces)) == 240
    assert [len(piece.text) for piece in pieces if piece.unique] == [4, 4, 10]
