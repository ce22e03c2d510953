"""The event that a log is about: its first line of the worst level."""

import re
from typing import Final

_MAX_LINES: Final = 400
_MIN_LINES: Final = 4
_JUDGED_LINES: Final = 40
_LOG_SHARE: Final = 0.5
_LEVEL = r"(?:trace|debug|info|notice|warn(?:ing)?|error|err|fatal|critical|crit|alert|emerg|panic)"
_LOG_LINE = re.compile(
    rf"\s*(?:\[[^\]\[!()\n]{{1,40}}\](?![(\[:])|\d{{4}}-\d\d-\d\d[T ]\d\d:|\d\d:\d\d:\d\d\b"
    rf"|[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d"
    rf"|[\w./-]+\[\d+\]:|{_LEVEL}\b[:\]|\s])",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    rf"\A(?:\s|\[[^\]\[!()\n]{{1,40}}\](?![(\[:])"
    rf"|\d{{4}}-\d\d-\d\d[T ]?|\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z"
    rf"|[+-]\d\d:?\d\d)?"
    rf"|[A-Z][a-z]{{2}} [ \d]\d (?=\d\d:)|[\w./-]+\[\d+\]:|{_LEVEL}\b[:\]|\s]?|[-:|]\s)+",
    re.IGNORECASE,
)
_WORST_FIRST: Final = (
    re.compile(r"\b(?:fatal|critical|crit|emerg|panic)\b", re.IGNORECASE),
    re.compile(
        r"\b(?:error|err|fail(?:ed|ure|s)?|exception|aborted|denied|refused)\b", re.IGNORECASE
    ),
    re.compile(r"\bwarn(?:ing)?\b", re.IGNORECASE),
)
# The level that a line states before its message.
_STATED: Final = re.compile(
    r"\A.{0,60}?(?:\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\b"
    r"|\b(?:lvl|level|severity)=\"?(\w+)|\[(trace|debug|info|notice|warn(?:ing)?|error|fatal)\])"
)
_NO_FAULT = re.compile(r"\b(?:0|no) (?:errors?|fail(?:ed|ures?))\b", re.IGNORECASE)
_LEADERS = re.compile(r"\s*\.{3,}\s*")
_BARE_RESULT = re.compile(r"\b(?:failed|failure|error)\W*\Z", re.IGNORECASE)


def is_log(text: str) -> bool:
    """Whether at least half of the lines begin with a time, a level or a counter in brackets."""
    lines = _lines_of(text)[:_JUDGED_LINES]
    marked = sum(_LOG_LINE.match(line) is not None for line in lines)
    return len(lines) >= _MIN_LINES and marked >= _LOG_SHARE * len(lines)


def is_transcript(text: str) -> bool:
    """Whether the lines of a log are what somebody said: a third of them ends like sentences."""
    lines = _lines_of(text)
    return 3 * sum(line.rstrip().endswith((".", "?", "!")) for line in lines) >= len(lines)


def event_of(log: str) -> str | None:
    """The message of the first line of the worst level, with the detail that is indented below
    when it says no more than that something failed; None when nothing went wrong."""
    lines = _lines_of(log)
    levels = [_STATED.match(line) for line in lines]
    stated = 2 * sum(level is not None for level in levels) >= len(lines)
    for worst in _WORST_FIRST:
        for number, line in enumerate(lines):
            level = levels[number]
            judged = (level[level.lastindex or 0] if level else "") if stated else line
            if worst.search(judged) and not _NO_FAULT.search(line):
                message = _LEADERS.sub(" ", _PREFIX.sub("", line)).strip()
                detail = lines[number + 1] if number + 1 < len(lines) else ""
                if _BARE_RESULT.search(message) and detail.startswith(("  ", "\t")):
                    message = f"{message}: {detail.strip()}"
                return message
    return None


def _lines_of(text: str) -> list[str]:
    return [line for line in text.split("\n", _MAX_LINES)[:_MAX_LINES] if line.strip()]
