"""Pictures are small, and the same each time."""

import base64
from dataclasses import replace

import pytest

from orchestration_assets.reporting import plots
from orchestration_assets.reporting.figures import BatchFigures, batch_figures, report_row
from tests.reporting.batches import BATCH, POLICY, SOURCE, synthetic_batch

DRAWN = (
    plots.agreement_png,
    plots.distances_png,
    plots.risk_png,
    plots.choices_png,
    plots.services_png,
)


@pytest.fixture(scope="module")
def figures() -> BatchFigures:
    return batch_figures(synthetic_batch(300))


@pytest.mark.parametrize("draw", DRAWN)
def test_a_picture_is_small_and_the_same_each_time(figures, draw):
    png = draw(figures)
    assert png.startswith(b"\x89PNG")
    assert len(base64.b64encode(png)) <= plots.MAX_CHARACTERS
    assert draw(figures) == png


@pytest.mark.parametrize("draw", DRAWN)
def test_a_batch_without_anything_has_pictures_too(draw):
    assert draw(batch_figures(synthetic_batch(0))).startswith(b"\x89PNG")


def test_crowded_pictures_stay_small(figures):
    task = figures.tasks[0]
    crowd = replace(
        figures, tasks=tuple(replace(task, task=f"task_{n}_{'x' * 200}") for n in range(60))
    )
    for draw in (plots.agreement_png, plots.distances_png):
        assert len(base64.b64encode(draw(crowd))) <= plots.MAX_CHARACTERS


@pytest.mark.parametrize("count", [0, 1, 200])
def test_trends_of_none_one_and_many(count):
    row = report_row(BATCH, SOURCE, POLICY, synthetic_batch(40))
    rows = [replace(row, batch=f"b{n:04d}", accepted=n) for n in range(count)]
    png = plots.trend_png(rows)
    assert png == plots.trend_png(rows[::-1])
    assert len(base64.b64encode(png)) <= plots.MAX_CHARACTERS


def test_names_with_formulas_and_markup_are_drawn_as_they_are(figures):
    odd = replace(figures.tasks[0], task="$\\frac{1}$ [x](y) \ud800")
    assert plots.distances_png(replace(figures, tasks=(odd,))).startswith(b"\x89PNG")


def test_markdown_holds_the_picture_itself():
    text = plots.as_markdown(b"\x89PNG", "Who [disagrees](x)\nwith whom")
    assert text == "![Who disagreesxwith whom](data:image/png;base64,iVBORw==)"


def test_every_picture_of_a_batch_is_markdown(figures):
    pictures = plots.batch_pictures(figures)
    assert len(pictures) == len(DRAWN)
    assert all(text.startswith("![") for text in pictures.values())
