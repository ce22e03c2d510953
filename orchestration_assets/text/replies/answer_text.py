"""Finds the answer in a model's text: after its reasoning, without quotes or code fences."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

_MAX_CHARS: Final = 200_000
"""An answer is searched in so many characters at the end of a text."""
_MAX_OBJECTS: Final = 1000
_MAX_FRAMES: Final = 8
_MAX_FORM_CHARS: Final = 10_000
_MAX_LINE_CHARS: Final = 300
_FRAME: Final = (
    r"(?:\[/?[A-Z_]{1,20}\]|\s|```[\w+-]{0,20}|~~~[\w+-]{0,20}|[`*_\"'\[\](),.;!]|<[^<>\n]{1,60}>)"
)
_FRAMES: Final = re.compile(rf"{_FRAME}*+")
_LEAD: Final = re.compile(rf"(?:[^\n]{{0,200}}[:.!?\uff1a\u3002])?{_FRAME}*+")
_CORRECTION: Final = re.compile(
    r"[\s,.;:-]*(?:(?:oh|ah|no|wait|sorry|actually|correction|rather|better|instead)\b[\s,.;:!-]*){1,4}",
    re.I,
)
_MAX_DEPTH: Final = 3
"""How often JSON may be nested in a string of JSON."""

NO_JSON: Final = object()
"""Stands for: the text holds no JSON value."""
_decoder = json.JSONDecoder(strict=False)

_WORD: Final = (
    r"[\w:.-]{0,24}(?:think|thought|reason|reflect|scratch|analysis|monologue|draft)[\w:.-]{0,24}"
)
_DRAFT_MARK: Final = re.compile(
    rf"<(?P<tag>/?){_WORD}(?:\s[^<>]{{0,200}})?>"
    r"|\[(?P<square>/?)THINK\]"
    rf"|[◁](?P<triangle>/?){_WORD}[▷]"
    r"|<\|(?P<token>begin_of_thought|end_of_thought|START_THINKING|END_THINKING)\|>",
    re.IGNORECASE,
)
_CHANNEL: Final = re.compile(r"<\|channel\|>\s{0,4}(\w{1,20})[^<]{0,100}<\|message\|>")
_LAST_TOKEN: Final = re.compile(r"(?:<\|[\w ]{1,40}\|>|</s>|<eos>|<end_of_turn>)$")
_MAX_TOKEN_CHARS: Final = 50


class _Span(NamedTuple):
    begin: int
    end: int
    value: Mapping[str, Any]


class AnswerText(NamedTuple):
    """The answer of a model's text.

    ``value`` is its JSON value: the whole text's, or that of its last object with an answer;
    NO_JSON without one. ``text`` is the text without reasoning.
    """

    value: Any
    text: str


def final_answer(text: str, *, nested: bool = True) -> AnswerText:
    """The final answer of a model's text.

    ``nested``: whether an ``answer`` within an ``answer`` is a wrapper; else it is a part of it.
    """
    whole = text.strip().removeprefix("\ufeff")
    if (value := _json(whole)) is not NO_JSON:
        return AnswerText(_unwrapped(value, nested), whole)
    whole = whole[-_MAX_CHARS:]
    objects = list(_objects(whole))
    parts = _outside_drafts(whole, objects)
    rest = _without_last_tokens("".join(whole[begin:end] for begin, end in parts))
    if (value := _json(rest)) is not NO_JSON:
        return AnswerText(_unwrapped(value, nested), rest)
    for number in range(len(objects) - 1, -1, -1):
        candidate = objects[number]
        part = next(((b, e) for b, e in parts if b <= candidate.begin and candidate.end <= e), None)
        value = _unwrapped(candidate.value, nested) if part else NO_JSON
        if part and isinstance(value, dict) and "answer" in value:
            begin = max(part[0], objects[number - 1].end if number else 0)
            end = min(
                part[1], objects[number + 1].begin if candidate is not objects[-1] else part[1]
            )
            between = whole[begin : candidate.begin]
            corrects = (
                number > 0 and begin > part[0] and _CORRECTION.fullmatch(between[:_MAX_LINE_CHARS])
            )
            stands_alone = _stands_alone("" if corrects else between, whole[candidate.end : end])
            # an earlier object may be one that the text takes back
            return AnswerText(value if stands_alone else NO_JSON, rest)
    return AnswerText(NO_JSON, rest)


def _stands_alone(before: str, after: str) -> bool:
    """Whether an object between these texts is not part of a sentence: its lines hold only frames
    and, before it, a lead that ends in a colon, or complete sentences."""
    line = before[-_MAX_LINE_CHARS:].rpartition("\n")[2]
    rest = after[:_MAX_LINE_CHARS].partition("\n")[0]
    return bool(_LEAD.fullmatch(line) and _FRAMES.fullmatch(rest))


def _without_last_tokens(text: str) -> str:
    """The text without the end tokens of a chat template."""
    text = text.strip()
    for _ in range(_MAX_FRAMES):
        match = _LAST_TOKEN.search(text[-_MAX_TOKEN_CHARS:])
        if match is None:
            break
        text = text[: len(text) - len(match[0])].rstrip()
    return text


def _json(text: str) -> Any:
    """The value, when the whole text is JSON, in a code fence or not."""
    if (value := _decoded(text)) is not NO_JSON:
        return value
    for form in _unfenced(text):
        if (value := _decoded(form)) is not NO_JSON:
            return value
    return NO_JSON


def _decoded(text: str) -> Any:
    if text[:1] not in ("{", "[", '"') and not _NUMBER.fullmatch(text):
        return NO_JSON
    try:
        # mostly nothing stands around it
        value, end = _decoder.raw_decode(text)
        return value if end == len(text) else _decoder.decode(text)
    except (ValueError, RecursionError):
        return NO_JSON


_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,3})?")


def _unwrapped(value: Any, nested: bool, depth: int = 0) -> Any:
    """The value without wrappers: JSON in a string, a list of one object, a tool call as text."""
    if depth >= _MAX_DEPTH:
        return value
    if isinstance(value, str):
        inner = _json(value.strip()) if value.strip()[:1] in ("{", "[", '"') else NO_JSON
        return value if inner is NO_JSON else _unwrapped(inner, nested, depth + 1)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return _unwrapped(value[0], nested, depth + 1)
    if isinstance(value, dict):
        answer = value.get("answer")
        if nested and isinstance(answer, dict) and "answer" in answer:
            return _unwrapped(answer, nested, depth + 1)
        if "answer" not in value and is_answer_tool(value.get("name")):
            for name in ("arguments", "parameters", "input"):
                if name in value:
                    return _unwrapped(value[name], nested, depth + 1)
    return value


def is_answer_tool(tool: Any) -> bool:
    """Whether a tool of this name carries the answer."""
    if not isinstance(tool, str):
        return False
    name = tool.strip().lower().removeprefix("functions.").partition(":")[0]
    # a gateway that makes a tool of the schema gives it a name of its own
    return name in ("answer", "json_tool_call")


def _objects(text: str) -> Iterator[_Span]:
    """Every complete JSON object that is not inside another, in order."""
    starts = [found.start() for found in re.finditer(r"\{", text)][-_MAX_OBJECTS:]
    end = 0
    for start in starts:
        if start < end:
            continue
        try:
            value, end = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield _Span(start, end, value)


def _outside_drafts(text: str, objects: list[_Span]) -> list[tuple[int, int]]:
    """The spans of the text that are not reasoning.

    Reasoning is also what precedes an end mark without a begin mark, and what follows a begin mark
    without an end mark. Marks inside an object are ignored.
    """
    parts: list[tuple[int, int]] = []
    begin, drafting = 0, False
    for mark in _outside_objects(_DRAFT_MARK.finditer(text), objects):
        closes = _closes_draft(mark)
        if not closes and not drafting:
            parts.append((begin, mark.start()))
            drafting = True
        elif closes:
            if not drafting:
                parts = []
            begin, drafting = mark.end(), False
    if not drafting:
        parts.append((begin, len(text)))
    channels = list(_outside_objects(_CHANNEL.finditer(text), objects))
    if not channels:
        return parts
    final = channels[-1].end() if channels[-1][1] == "final" else len(text)
    return [(max(begin, final), end) for begin, end in parts if end > final]


def _outside_objects(
    marks: Iterator[re.Match[str]], objects: list[_Span]
) -> Iterator[re.Match[str]]:
    waiting = iter(objects)
    one = next(waiting, None)
    for mark in marks:
        while one is not None and one.end <= mark.start():
            one = next(waiting, None)
        if one is None or mark.start() < one.begin:
            yield mark


def _closes_draft(mark: re.Match[str]) -> bool:
    token = (mark["token"] or "").lower()
    slashes = (mark["tag"], mark["square"], mark["triangle"])
    return token.startswith("end") or any(slashes)


_NAMES: Final = (
    r"(?:the\s+)?(?:final\s+|my\s+|correct\s+)?"
    r"(?:answer|label|category|class|classification|result|output|response|score|rating)"
)
_PREFIX: Final = re.compile(
    rf"^[*_#\s]{{0,8}}{_NAMES}(?:\s+is)?[*_]{{0,3}}\s*[:=\uff1a][*_]{{0,3}}\s*", re.I
)
_FENCE: Final = re.compile(r"(```|~~~)[\w+-]{0,20}[ \t]{0,20}\n")
_INLINE_FENCE: Final = re.compile(r"^```([^\n`]*)```$")
_TAGGED: Final = re.compile(
    r"^<(answer|final_answer|final|label|output|response|result|solution|tool_call)>(.*)</\1>$",
    re.DOTALL | re.IGNORECASE,
)
_BOXED: Final = re.compile(r"^\$?\\boxed\{(?:\\text\{)?([^{}]*)\}?\}\$?$")
_PAIRS: Final = {
    '"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019",
    "«": "»", "»": "«", "\u300c": "\u300d", "**": "**", "__": "__", "~~": "~~", "*": "*", "_": "_",
    "(": ")", "[": "]", "<": ">",
}  # fmt: skip
_LIST_MARK: Final = re.compile(r"^(?:[-*•>]|#{1,6})\s+")
# the last four are full-width
_STOPS: Final = ".,;:!\u3002\uff0e\uff01\uff0c"


def _unfenced(text: str) -> Iterator[str]:
    inside = _in_fence(text)
    if inside is not None:
        yield inside
        text = inside
    if (match := _TAGGED.match(text)) is not None:
        yield match[2].strip()


def _in_fence(text: str) -> str | None:
    """The content of a code fence that is the whole text; None if it is not."""
    match = _FENCE.match(text)
    if match is None or not text.endswith(match[1]) or len(text) < match.end() + len(match[1]):
        return None
    return text[match.end() : -len(match[1])].strip()


def unframed_forms(text: str) -> Iterator[str]:
    """The text, then the same without one more frame around it each time.

    Frames are code fences, tags, quotes, emphasis, brackets, the sign of a list, ``Answer:``
    before it and a full stop after it. No form is a part of a sentence.
    """
    form = text.strip()
    for _ in range(_MAX_FRAMES if len(form) <= _MAX_FORM_CHARS else 0):
        yield form
        smaller = _without_frame(form).strip()
        if not smaller or smaller == form:
            return
        form = smaller


def _without_frame(text: str) -> str:
    if (inside := _in_fence(text)) is not None:
        return inside
    for pattern, group in ((_INLINE_FENCE, 1), (_TAGGED, 2), (_BOXED, 1)):
        if (match := pattern.match(text)) is not None:
            return match[group]
    for opening, closing in _PAIRS.items():
        inner = text[len(opening) : -len(closing)]
        framed = text.startswith(opening) and text.endswith(closing) and inner.strip()
        # what is quoted piece by piece is no whole
        if framed and opening not in inner and closing not in inner:
            return inner
    if (match := _PREFIX.match(text)) is not None and match.end() < len(text):
        return text[match.end() :]
    if (match := _LIST_MARK.match(text)) is not None:
        return text[match.end() :]
    return text[:-1] if text[-1:] in _STOPS else text
