"""The five layouts of a generated document."""

import html
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Final

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a document says, before it has a layout. ``sent``: when it went off, as a mail."""

    title: str
    sender: str
    recipient: str
    recipient_label: str
    sent: date
    pairs: Pairs
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: Pairs
    remarks: tuple[str, ...]
    greeting: str
    closing: str


def rendered(sheet: Sheet, layout: str, chance: random.Random) -> str:
    """The text of the document in a layout of :data:`LAYOUTS`."""
    return _LAYOUTS[layout](sheet, chance)


def _plain(sheet: Sheet, chance: random.Random) -> str:
    colon = chance.choice((": ", ":  ", " : "))
    lines = [sheet.sender, "", sheet.title.upper(), ""]
    lines += [f"{sheet.recipient_label}{colon}{sheet.recipient}"]
    lines += [f"{label}{colon}{value}" for label, value in sheet.pairs]
    if sheet.rows:
        lines += ["", *(f"- {item}, {count} x, {amount}" for item, count, amount in sheet.rows)]
    lines += ["", *(f"{label}{colon}{value}" for label, value in sheet.sums)]
    lines += ["", *sheet.remarks, "", sheet.closing]
    return "\n".join(lines) + "\n"


def _markdown(sheet: Sheet, chance: random.Random) -> str:
    mark = chance.choice(("**", "__"))
    lines = [f"# {sheet.title}", "", f"{mark}{sheet.sender}{mark}", ""]
    lines += ["|  |  |", "|---|---|", f"| {sheet.recipient_label} | {sheet.recipient} |"]
    lines += [f"| {label} | {value} |" for label, value in sheet.pairs]
    if sheet.rows:
        lines += ["", f"| {' | '.join(sheet.header)} |", "|---|---:|---:|"]
        lines += [f"| {' | '.join(row)} |" for row in sheet.rows]
    lines += ["", *(f"- {label}: {mark}{value}{mark}" for label, value in sheet.sums)]
    lines += ["", *sheet.remarks, "", sheet.closing]
    return "\n".join(lines) + "\n"


def _html(sheet: Sheet, chance: random.Random) -> str:
    def row(cells: Sequence[str], tag: str = "td") -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    parts = [
        "<!DOCTYPE html>",
        f"<html><head><title>{html.escape(sheet.title)}</title></head><body>",
        f"<p><b>{html.escape(sheet.sender)}</b></p><h1>{html.escape(sheet.title)}</h1><dl>",
    ]
    for label, value in ((sheet.recipient_label, sheet.recipient), *sheet.pairs):
        parts.append(f"<dt>{html.escape(label)}</dt><dd>{html.escape(value)}</dd>")
    parts.append("</dl>")
    if sheet.rows:
        parts += ["<table>", row(sheet.header, "th"), *map(row, sheet.rows), "</table>"]
    if sheet.sums:
        parts += ["<table>", *map(row, sheet.sums), "</table>"]
    parts += [f"<p>{html.escape(remark)}</p>" for remark in sheet.remarks]
    closing = html.escape(sheet.closing).replace("\n", "<br>")
    return "\n".join([*parts, f"<p>{closing}</p></body></html>"]) + "\n"


def _mail(sheet: Sheet, chance: random.Random) -> str:
    def address(name: str, box: str) -> str:
        host = "".join(letter for letter in name.split(maxsplit=1)[0].lower() if letter.isascii())
        return f"{name} <{box}@{host}.example>"

    moment = datetime.combine(sheet.sent, time(chance.randrange(7, 19), 30), UTC)
    lines = [
        f"From: {address(sheet.sender, 'office')}",
        f"To: {address(sheet.recipient, 'accounts')}",
        f"Subject: {sheet.title}",
        f"Date: {format_datetime(moment)}",
        "",
        sheet.greeting,
        "",
        *(f"{label}: {value}" for label, value in sheet.pairs),
    ]
    if sheet.rows:
        lines += ["", *(f"* {count} x {item}: {amount}" for item, count, amount in sheet.rows)]
    lines += ["", *(f"{label}: {value}" for label, value in sheet.sums)]
    lines += ["", *sheet.remarks, "", sheet.closing, sheet.sender]
    return "\n".join(lines) + "\n"


def _columns(sheet: Sheet, chance: random.Random) -> str:
    """Two columns of label and value side by side, and a table whose columns are aligned."""
    wide = chance.choice((64, 72, 80))
    lines = [sheet.sender.ljust(wide - len(sheet.title)) + sheet.title, ""]
    pairs = [(sheet.recipient_label, sheet.recipient), *sheet.pairs]
    half = (len(pairs) + 1) // 2
    room = max(len(label) for label, _ in pairs) + 2
    texts = [f"{label.ljust(room)}{value}" for label, value in pairs]
    gap = max(map(len, texts[:half])) + 4
    for number in range(half):
        right = texts[half + number] if half + number < len(texts) else ""
        lines.append((texts[number].ljust(gap) + right).rstrip())
    table = [sheet.header, *sheet.rows] if sheet.rows else []
    if table:
        widths = [max(len(row[column]) for row in table) for column in range(3)]
        lines.append("")
        lines += [
            f"{a.ljust(widths[0])}  {b.rjust(widths[1])}  {c.rjust(widths[2])}" for a, b, c in table
        ]
    lines += ["", *(f"{label.rjust(30)}  {value.rjust(18)}" for label, value in sheet.sums)]
    lines += ["", *sheet.remarks, "", sheet.closing]
    return "\n".join(lines) + "\n"


_LAYOUTS: Final[Mapping[str, Callable[[Sheet, random.Random], str]]] = {
    "plain": _plain,
    "markdown": _markdown,
    "html": _html,
    "mail": _mail,
    "columns": _columns,
}
LAYOUTS: Final = tuple(_LAYOUTS)
