"""Pictures are small, the same each time, and well-formed whatever stands in them."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.reporting import plots
from orchestration_assets.reporting.figures import BatchFigures, batch_figures, report_row
from tests.reporting.batches import BATCH, POLICY, SOURCE, synthetic_batch

DRAWN = (plots.agreement, plots.distances, plots.error_risk, plots.choices, plots.services)
SVG = "{http://www.w3.org/2000/svg}"
# metadata of a run is stored as one row, and sent to the browser whole
MOST_CHARACTERS = 60_000


FEW = batch_figures(synthetic_batch(6))


@pytest.fixture(scope="module")
def figures() -> BatchFigures:
    return batch_figures(synthetic_batch(300))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("draw", DRAWN)
def test_a_picture_says_its_figures_and_is_the_same_each_time(figures, draw):
    svg = draw(figures)
    assert len(texts(svg)) > 2
    assert draw(figures) == svg


@pytest.mark.parametrize("draw", DRAWN)
def test_a_batch_without_anything_has_pictures_that_say_so(draw):
    (title,) = texts(draw(batch_figures(synthetic_batch(0))))
    assert title.endswith(": none")


def test_a_bar_is_as_long_as_its_share_of_the_longest(figures):
    svg = plots.choices(figures)
    counted: dict[str, int] = {}
    for choice in figures.choices:
        name = f"{choice.task}: {choice.model}"
        counted[name] = counted.get(name, 0) + choice.pairs
    paper, *bars = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    widths = [float(bar.get("width", "0")) for bar in bars]
    longest = max(widths)
    expected = [count / max(counted.values()) for count in counted.values()]
    assert [width / longest for width in widths] == pytest.approx(expected, abs=0.001)
    assert max(widths) < float(paper.get("width", "0"))


def test_crowded_pictures_stay_small_and_say_that_there_is_more(figures):
    task = figures.tasks[0]
    crowd = replace(
        figures, tasks=tuple(replace(task, task=f"task_{n}_{'x' * 200}") for n in range(60))
    )
    assert "(first 12 of " in texts(plots.agreement(crowd))[0]
    for draw in (plots.agreement, plots.distances):
        assert len(plots.as_markdown(draw(crowd), "crowd")) <= MOST_CHARACTERS


@pytest.mark.parametrize("count", [0, 1, 200])
def test_trends_of_none_one_and_many(count):
    row = report_row(BATCH, SOURCE, POLICY, synthetic_batch(40))
    rows = [replace(row, batch=f"b{n:04d}", accepted=n) for n in range(count)]
    svg = plots.trend(rows)
    assert svg == plots.trend(rows[::-1])
    assert len(plots.as_markdown(svg, "trend")) <= MOST_CHARACTERS
    if count == 200:
        assert "latest 199, most 199" in texts(svg)


@given(name=st.text())
def test_no_name_becomes_markup_or_breaks_the_picture(name):
    odd = replace(FEW.tasks[0], task=f"</text><script>&{name}")
    picture = plots.agreement(replace(FEW, tasks=(odd,)))
    tags = {element.tag for element in ElementTree.fromstring(picture).iter()}
    assert tags <= {f"{SVG}{tag}" for tag in ("svg", "g", "rect", "text", "polyline", "circle")}


def test_markdown_holds_the_picture_itself():
    text = plots.as_markdown("<svg/>", "Who [disagrees](x)\nwith whom")
    assert text == "![Who disagreesxwith whom](data:image/svg+xml;base64,PHN2Zy8+)"


def test_every_picture_of_a_batch_is_markdown(figures):
    pictures = plots.batch_pictures(figures)
    assert len(pictures) == len(DRAWN)
    assert all(text.startswith("![") for text in pictures.values())
