"""The page's figures as small pictures, for metadata that takes markdown but no page.

Pictures are drawn without pyplot, which keeps state between runs, and carry no date: equal
figures give equal bytes.
"""

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from orchestration_assets.reporting import formatting
from orchestration_assets.reporting.counts import Histogram, share
from orchestration_assets.reporting.figures import BatchFigures
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.tables import ReportRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# as base64, the form in which metadata holds it
MAX_CHARACTERS: Final = 60_000
_RESOLUTIONS: Final = (110, 80, 55, 40)
_INK, _SOFT, _BAR, _ACCENT = "#1e2023", "#5a5f66", "#868c95", "#a8380d"
_PAPER: Final = "#fbfaf7"
_PANELS: Final = 9
_ROWS: Final = 12
_BATCHES: Final = 60
_NAME: Final = 28


def agreement_png(figures: BatchFigures) -> bytes:
    """How often each pair of services is in dispute, task by task."""
    pairs = [
        (f"{pair.a} / {pair.b}", task.task, pair.overall)
        for task in figures.tasks
        for pair in task.agreement
        if pair.overall.compared
    ]
    pairs.sort(key=lambda one: (-one[2].disagreed_share, one[1], one[0]))
    return _bars(
        [(f"{task}: {names}", one.disagreed_share) for names, task, one in pairs],
        "Share of items on which two services are in dispute",
        percent=True,
        color=_ACCENT,
    )


def distances_png(figures: BatchFigures) -> bytes:
    """How far readings lie apart, for each task whose answers can lie near each other."""
    return _histograms(
        [
            (task.task, task.spread)
            for task in figures.tasks
            if task.spread is not None and task.kind is not AnswerKind.LABEL
        ],
        "Mean distance between the readings of an item",
    )


def risk_png(figures: BatchFigures) -> bytes:
    """The error risk of the labels that stand."""
    return _histograms(
        [(task.task, task.error_risk) for task in figures.tasks if task.error_risk is not None],
        "Error risk of the labels that stand",
    )


def choices_png(figures: BatchFigures) -> bytes:
    """How many questions of each task each processing model was chosen for."""
    counted: dict[str, int] = {}
    for one in figures.choices:
        name = f"{one.task}: {one.model}"
        counted[name] = counted.get(name, 0) + one.pairs
    return _bars(list(counted.items()), "Questions by task and processing model")


def services_png(figures: BatchFigures) -> bytes:
    """The time that the calls of each service took."""
    return _bars(
        [(one.service, one.total_ms / 1000) for one in figures.spending],
        "Seconds of calls by service",
    )


def trend_png(rows: Sequence[ReportRow]) -> bytes:
    """The latest batches, oldest first: items, disputes, failures, calls and cost."""
    ordered = sorted(rows, key=lambda row: row.batch)[-_BATCHES:]
    disputed = [100 * share(row.disputed, row.plans) for row in ordered]
    drawn: tuple[tuple[str, list[float], str], ...] = (
        ("Items accepted", [float(row.accepted) for row in ordered], _BAR),
        ("Disputed questions, %", disputed, _ACCENT),
        ("Failed", [float(row.failed) for row in ordered], _BAR),
        ("Calls", [float(row.calls) for row in ordered], _BAR),
        ("Paid in USD", [row.paid_usd for row in ordered], _BAR),
    )
    figure, panels = _panels(len(drawn) if ordered else 0, "The latest batches")
    for panel, (title, values, color) in zip(panels, drawn, strict=False):
        panel.plot(range(len(values)), values, color=color, linewidth=1.6, marker=".", markersize=4)
        panel.set_ylim(bottom=0, top=max(values) * 1.1 or 1)
        panel.set_xticks([])
        _dress(panel, title)
    return _png(figure)


def batch_pictures(figures: BatchFigures) -> dict[str, str]:
    """Every picture of a batch as markdown, by name."""
    return {
        "agreement": as_markdown(agreement_png(figures), "Who is in dispute with whom"),
        "distances": as_markdown(distances_png(figures), "How far readings lie apart"),
        "error_risk": as_markdown(risk_png(figures), "Error risk of the labels that stand"),
        "choices": as_markdown(choices_png(figures), "Questions by processing model"),
        "services": as_markdown(services_png(figures), "Seconds of calls by service"),
    }


def as_markdown(png: bytes, alt: str) -> str:
    """The picture as markdown that needs no other file."""
    plain = "".join(letter for letter in alt if letter not in "[]()\n")
    return f"![{plain}](data:image/png;base64,{base64.b64encode(png).decode()})"


def _bars(
    values: Sequence[tuple[str, float]], title: str, *, percent: bool = False, color: str = _BAR
) -> bytes:
    shown = values[:_ROWS]
    figure = _figure(6.4, 0.9 + 0.27 * max(1, len(shown)))
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, [value for _, value in shown], color=color, height=0.62)
    axes.set_yticks(places, [_name(name, 2 * _NAME) for name, _ in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, max((value for _, value in shown), default=0.0) * 1.16 or 1.0)
    for place, (_, value) in enumerate(shown):
        written = (
            f"{value:.0%}" if percent else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
        )
        axes.annotate(
            written, (value, place), (4, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_xticks([])
    more = f" (first {len(shown)} of {len(values)})" if len(values) > len(shown) else ""
    _dress(axes, title + more if shown else f"{title}: none")
    return _png(figure)


def _histograms(values: Sequence[tuple[str, Histogram]], title: str) -> bytes:
    shown = values[:_PANELS]
    figure, panels = _panels(len(shown), title)
    for panel, (name, drawn) in zip(panels, shown, strict=False):
        widths = [right - left for left, right in zip(drawn.edges, drawn.edges[1:], strict=False)]
        for counts, color in ((drawn.counts, _BAR), (drawn.marked, _ACCENT)):
            panel.bar(drawn.edges[:-1], counts, widths, align="edge", color=color)
        panel.set_yticks([])
        _dress(panel, f"{_name(name, _NAME)}, median {drawn.median:.2g}")
    return _png(figure)


def _panels(count: int, title: str) -> "tuple[Figure, list[Axes]]":
    """A grid of up to three columns under one title; the places that stay empty are bare."""
    columns = min(3, max(1, count))
    rows = max(1, -(-count // columns))
    figure = _figure(2.6 * columns + 0.4, 1.55 * rows + 0.55)
    grid: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel in grid[count:]:
        panel.set_axis_off()
    figure.suptitle(
        title if count else f"{title}: none", fontsize=10, color=_INK, x=0.01, ha="left"
    )
    return figure, grid[:count]


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    # metadata is shown on light and on dark: the picture brings its own paper
    return Figure(figsize=(width, height), facecolor=_PAPER, layout="constrained")


def _dress(axes: "Axes", title: str) -> None:
    axes.set_facecolor(_PAPER)
    axes.set_title(title, fontsize=9, color=_INK, loc="left")
    axes.tick_params(labelsize=8, colors=_SOFT, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_BAR)


def _name(name: str, limit: int) -> str:
    """A name as it is: a dollar sign would start a formula."""
    return formatting.cut(name, limit).replace("$", r"\$")


def _png(figure: "Figure") -> bytes:
    """The picture, in the finest resolution that metadata has room for."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    picture = b""
    for resolution in _RESOLUTIONS:
        buffer = BytesIO()
        # the version of the library would make equal figures differ
        canvas.print_figure(buffer, format="png", dpi=resolution, metadata={"Software": None})
        picture = buffer.getvalue()
        if len(picture) * 4 / 3 <= MAX_CHARACTERS:
            break
    return picture
