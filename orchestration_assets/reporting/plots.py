"""The page's figures as small SVG pictures, for metadata that takes markdown but no page.

Equal figures give equal bytes, and nothing is imported for it: a library of plots took a third of
the time of a small batch.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from markupsafe import escape

from orchestration_assets.reporting import formatting
from orchestration_assets.reporting.counts import Histogram, share
from orchestration_assets.reporting.figures import BatchFigures
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.tables import ReportRow

_INK, _SOFT, _BAR, _ACCENT = "#1e2023", "#5a5f66", "#868c95", "#a8380d"
_PAPER: Final = "#fbfaf7"
_MARGIN: Final = 12
_TITLE: Final = 34
_ROWS: Final = 12
_ROW: Final = 22
_NAMES: Final = 316
_BARS: Final = 250
_VALUES: Final = 62
_PANELS: Final = 9
_COLUMNS: Final = 3
_PANEL_WIDTH: Final = 220
_PANEL_HEIGHT: Final = 112
_PLOT_TOP: Final = 26
_PLOT_BOTTOM: Final = _PANEL_HEIGHT - 18
_BATCHES: Final = 60
# in letters of the small size, by what fits beside a bar and above a panel
_NAME_LETTERS: Final = 52
_PANEL_LETTERS: Final = 24


def agreement(figures: BatchFigures) -> str:
    """How often each pair of services is in dispute, task by task."""
    pairs = [
        (f"{task.task}: {pair.a} / {pair.b}", pair.overall.disagreed_share)
        for task in figures.tasks
        for pair in task.agreement
        if pair.overall.compared
    ]
    pairs.sort(key=lambda pair: (-pair[1], pair[0]))
    title = "Share of items on which two services are in dispute"
    return _bars([(name, part, formatting.percent(part)) for name, part in pairs], title, _ACCENT)


def distances(figures: BatchFigures) -> str:
    """How far readings lie apart, for each task whose answers can lie near each other."""
    return _histograms(
        [
            (task.task, task.spread)
            for task in figures.tasks
            if task.spread is not None and task.kind is not AnswerKind.LABEL
        ],
        "Mean distance between the readings of an item",
    )


def error_risk(figures: BatchFigures) -> str:
    """The error risk of the labels that stand."""
    return _histograms(
        [(task.task, task.error_risk) for task in figures.tasks if task.error_risk is not None],
        "Error risk of the labels that stand",
    )


def choices(figures: BatchFigures) -> str:
    """How many questions of each task each processing model was chosen for."""
    counted: dict[str, int] = {}
    for choice in figures.choices:
        name = f"{choice.task}: {choice.model}"
        counted[name] = counted.get(name, 0) + choice.pairs
    return _bars(
        [(name, count, formatting.number(count)) for name, count in counted.items()],
        "Questions by task and processing model",
    )


def services(figures: BatchFigures) -> str:
    """The time that the calls of each service took."""
    return _bars(
        [
            (service.service, service.total_ms, formatting.duration(service.total_ms))
            for service in figures.spending
        ],
        "Time of calls by service",
    )


def trend(rows: Sequence[ReportRow]) -> str:
    """The latest batches, oldest first: items, disputes, failures, calls and cost."""
    ordered = sorted(rows, key=lambda row: row.batch)[-_BATCHES:]
    disputed = [share(row.disputed, row.plans) for row in ordered]
    drawn: tuple[tuple[str, list[float]], ...] = (
        ("Items accepted", [float(row.accepted) for row in ordered]),
        ("Failed", [float(row.failed) for row in ordered]),
        ("Calls", [float(row.calls) for row in ordered]),
        ("Paid in USD", [row.paid_usd for row in ordered]),
    )
    panels = ["".join(_line(title, values, _BAR, formatting.number)) for title, values in drawn]
    panels.insert(1, "".join(_line("Disputed questions", disputed, _ACCENT, formatting.percent)))
    return _grid(panels if ordered else [], "The latest batches")


def batch_pictures(figures: BatchFigures) -> dict[str, str]:
    """Every picture of a batch as markdown, by name."""
    return {
        "agreement": as_markdown(agreement(figures), "Who is in dispute with whom"),
        "distances": as_markdown(distances(figures), "How far readings lie apart"),
        "error_risk": as_markdown(error_risk(figures), "Error risk of the labels that stand"),
        "choices": as_markdown(choices(figures), "Questions by processing model"),
        "services": as_markdown(services(figures), "Time of calls by service"),
    }


def as_markdown(svg: str, alt: str) -> str:
    """The picture as markdown that needs no other file."""
    plain = "".join(letter for letter in alt if letter not in "[]()\n")
    return f"![{plain}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def _bars(rows: Sequence[tuple[str, float, str]], title: str, color: str = _BAR) -> str:
    """A bar for each name and value, with the value as it is written."""
    shown = rows[:_ROWS]
    most = max((value for _, value, _ in shown), default=0.0) or 1.0
    drawn: list[str] = []
    for place, (name, value, written) in enumerate(shown):
        top = _TITLE + _ROW * place
        middle, width = top + _ROW / 2 + 4, _BARS * value / most
        cut = formatting.cut(name, _NAME_LETTERS)
        drawn.append(_text(_MARGIN + _NAMES, middle, cut, _SOFT, 11, "end"))
        drawn.append(_rectangle(_MARGIN + _NAMES + 8, top + 4, width, _ROW - 8, color))
        drawn.append(_text(_MARGIN + _NAMES + 14 + width, middle, written, _INK, 11))
    more = f" (first {len(shown)} of {len(rows)})" if len(rows) > len(shown) else ""
    return _picture(
        2 * _MARGIN + _NAMES + 8 + _BARS + _VALUES,
        _TITLE + _ROW * len(shown) + _MARGIN,
        title + more if shown else f"{title}: none",
        drawn,
    )


def _histograms(values: Sequence[tuple[str, Histogram]], title: str) -> str:
    return _grid(["".join(_histogram(name, drawn)) for name, drawn in values[:_PANELS]], title)


def _histogram(name: str, drawn: Histogram) -> Iterator[str]:
    """A panel: bins over their range, the marked part of each in front."""
    yield from _panel(f"{formatting.cut(name, _PANEL_LETTERS)}, median {drawn.median:.2g}")
    most, width = max(drawn.counts, default=0) or 1, _PANEL_WIDTH / max(1, len(drawn.counts))
    for counts, color in ((drawn.counts, _BAR), (drawn.marked, _ACCENT)):
        for place, count in enumerate(counts):
            if count:
                height = max(1.0, (_PLOT_BOTTOM - _PLOT_TOP) * count / most)
                top = _PLOT_BOTTOM - height
                yield _rectangle(width * place, top, width - 0.6, height, color)
    yield _text(0, _PANEL_HEIGHT - 5, f"{drawn.edges[0]:.3g}", _SOFT, 10)
    yield _text(_PANEL_WIDTH, _PANEL_HEIGHT - 5, f"{drawn.edges[-1]:.3g}", _SOFT, 10, "end")


def _line(
    title: str, values: Sequence[float], color: str, written: Callable[[float], str]
) -> Iterator[str]:
    """A panel: one value after the other, over zero."""
    yield from _panel(title)
    most = max(values, default=0.0) or 1.0
    step, height = _PANEL_WIDTH / max(1, len(values) - 1), _PLOT_BOTTOM - _PLOT_TOP
    points = [(step * n, _PLOT_BOTTOM - height * value / most) for n, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.6"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8" fill="{color}"/>'
    for value in values[-1:]:
        said = f"latest {written(value)}, most {written(max(values))}"
        yield _text(0, _PANEL_HEIGHT - 5, said, _SOFT, 10)


def _panel(title: str) -> Iterator[str]:
    yield _text(0, 14, title, _INK, 11)
    yield _rectangle(0, _PLOT_BOTTOM, _PANEL_WIDTH, 0.8, _BAR)


def _grid(panels: Sequence[str], title: str) -> str:
    """Panels side by side under one title."""
    columns = min(_COLUMNS, max(1, len(panels)))
    rows = -(-len(panels) // columns)
    step_x, step_y = _PANEL_WIDTH + 2 * _MARGIN, _PANEL_HEIGHT + _MARGIN
    placed = (
        f'<g transform="translate({_MARGIN + step_x * (place % columns)} '
        f'{_TITLE + step_y * (place // columns)})">{panel}</g>'
        for place, panel in enumerate(panels)
    )
    return _picture(
        max(step_x * columns, 2 * _PANEL_WIDTH),
        _TITLE + step_y * rows + _MARGIN // 2,
        title if panels else f"{title}: none",
        placed,
    )


def _picture(width: float, height: float, title: str, drawn: Iterable[str]) -> str:
    # metadata is shown on light and on dark: the picture brings its own paper
    paper = _rectangle(0, 0, width, height, _PAPER)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="system-ui, sans-serif">'
        f"{paper}{_text(_MARGIN, 21, title, _INK, 12)}{''.join(drawn)}</svg>"
    )


def _rectangle(x: float, y: float, width: float, height: float, color: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{color}"/>'


def _text(x: float, y: float, text: str, color: str, size: int, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{color}">{escape(formatting.visible(text))}</text>'
