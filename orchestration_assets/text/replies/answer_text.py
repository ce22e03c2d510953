"""The answer in a model's text: after its drafts, out of its frames, never out of a sentence."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

_LONGEST: Final = 200_000
"""Characters of a text, its last, in which an answer is looked for."""
_MOST_STARTS: Final = 1000
_MOST_FRAMES: Final = 8
_LONGEST_FORM: Final = 10_000
_LONGEST_LINE: Final = 300
_FRAME: Final = (
    r"(?:\[/?[A-Z_]{1,20}\]|\s|```[\w+-]{0,20}|~~~[\w+-]{0,20}|[`*_\"'\[\](),.;!]|<[^<>\n]{1,60}>)"
)
_FRAMES: Final = re.compile(rf"{_FRAME}*+")
_LEAD: Final = re.compile(rf"(?:[^\n]{{0,200}}[:.!?\uff1a\u3002])?{_FRAME}*+")
_CORRECTION: Final = re.compile(
    r"[\s,.;:-]*(?:(?:oh|ah|no|wait|sorry|actually|correction|rather|better|instead)\b[\s,.;:!-]*){1,4}",
    re.I,
)
_DEEPEST: Final = 3
"""So many times JSON may stand in a string of JSON."""

NOTHING: Final = object()
"""No JSON value."""
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
_LONGEST_TOKEN: Final = 50


class _Span(NamedTuple):
    begin: int
    end: int
    value: Mapping[str, Any]


class AnswerText(NamedTuple):
    """What a text says once its drafts are gone.

    ``value`` is the JSON value that counts: the text's own, or its last object with an answer;
    NOTHING when there is none. ``text`` is what is left of the text.
    """

    value: Any
    text: str


def spoken(text: str) -> AnswerText:
    """What the text says in the end."""
    whole = text.strip().removeprefix("\ufeff")
    if (value := _json(whole)) is not NOTHING:
        return AnswerText(_opened(value), whole)
    whole = whole[-_LONGEST:]
    objects = list(_objects(whole))
    kept = _after_drafts(whole, objects)
    rest = _without_last_tokens("".join(whole[begin:end] for begin, end in kept))
    if (value := _json(rest)) is not NOTHING:
        return AnswerText(_opened(value), rest)
    for number in range(len(objects) - 1, -1, -1):
        one = objects[number]
        part = next(((b, e) for b, e in kept if b <= one.begin and one.end <= e), None)
        value = _opened(one.value) if part else NOTHING
        if part and isinstance(value, dict) and "answer" in value:
            begin = max(part[0], objects[number - 1].end if number else 0)
            end = min(part[1], objects[number + 1].begin if one is not objects[-1] else part[1])
            between = whole[begin : one.begin]
            corrects = (
                number > 0 and begin > part[0] and _CORRECTION.fullmatch(between[:_LONGEST_LINE])
            )
            alone = _stands_alone("" if corrects else between, whole[one.end : end])
            # an earlier one may be what the sentence takes back
            return AnswerText(value if alone else NOTHING, rest)
    return AnswerText(NOTHING, rest)


def _stands_alone(before: str, after: str) -> bool:
    """Whether an object between these is said by itself: its lines hold nothing else but frames
    and, before it, a lead that ends in a colon or sentences that are over."""
    line = before[-_LONGEST_LINE:].rpartition("\n")[2]
    rest = after[:_LONGEST_LINE].partition("\n")[0]
    return bool(_LEAD.fullmatch(line) and _FRAMES.fullmatch(rest))


def _without_last_tokens(text: str) -> str:
    """The text without what a template puts at its end."""
    text = text.strip()
    for _ in range(_MOST_FRAMES):
        found = _LAST_TOKEN.search(text[-_LONGEST_TOKEN:])
        if found is None:
            break
        text = text[: len(text) - len(found[0])].rstrip()
    return text


def _json(text: str) -> Any:
    """The value, when the whole text is JSON, in a code fence or not."""
    for form in (text, *_unfenced(text)):
        if form[:1] not in ("{", "[", '"') and not _NUMBER.fullmatch(form):
            continue
        try:
            return _decoder.decode(form)
        except (ValueError, RecursionError):
            continue
    return NOTHING


_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,3})?")


def _opened(value: Any, depth: int = 0) -> Any:
    """The value without what is only wrapped around it: JSON in a string, a list of one object,
    a tool call written as text."""
    if depth >= _DEEPEST:
        return value
    if isinstance(value, str):
        inner = _json(value.strip()) if value.strip()[:1] in ("{", "[", '"') else NOTHING
        return value if inner is NOTHING else _opened(inner, depth + 1)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return _opened(value[0], depth + 1)
    if isinstance(value, dict):
        answer = value.get("answer")
        if isinstance(answer, dict) and "answer" in answer:
            return _opened(answer, depth + 1)
        if "answer" not in value and is_answering(value.get("name")):
            for name in ("arguments", "parameters", "input"):
                if name in value:
                    return _opened(value[name], depth + 1)
    return value


def is_answering(tool: Any) -> bool:
    """Whether a tool of this name is how the model was asked to answer."""
    if not isinstance(tool, str):
        return False
    name = tool.strip().lower().removeprefix("functions.").partition(":")[0]
    # a gateway that makes a tool of the schema gives it a name of its own
    return name in ("answer", "json_tool_call")


def _objects(text: str) -> Iterator[_Span]:
    """Every complete JSON object that stands in no other, in order."""
    starts = [found.start() for found in re.finditer(r"\{", text)][-_MOST_STARTS:]
    end = 0
    for start in starts:
        if start < end:
            continue
        try:
            value, end = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield _Span(start, end, value)


def _after_drafts(text: str, objects: list[_Span]) -> list[tuple[int, int]]:
    """The parts of the text, as begin and end, that are no drafts.

    What stands before an end of reasoning without a beginning is a draft, and so is what follows
    a beginning without an end. Marks inside an object belong to its words.
    """
    kept: list[tuple[int, int]] = []
    begin, drafting = 0, False
    for mark in _outside(_DRAFT_MARK.finditer(text), objects):
        closes = _closes(mark)
        if not closes and not drafting:
            kept.append((begin, mark.start()))
            drafting = True
        elif closes:
            if not drafting:
                kept = []
            begin, drafting = mark.end(), False
    if not drafting:
        kept.append((begin, len(text)))
    channels = list(_outside(_CHANNEL.finditer(text), objects))
    if not channels:
        return kept
    final = channels[-1].end() if channels[-1][1] == "final" else len(text)
    return [(max(begin, final), end) for begin, end in kept if end > final]


def _outside(marks: Iterator[re.Match[str]], objects: list[_Span]) -> Iterator[re.Match[str]]:
    waiting = iter(objects)
    one = next(waiting, None)
    for mark in marks:
        while one is not None and one.end <= mark.start():
            one = next(waiting, None)
        if one is None or mark.start() < one.begin:
            yield mark


def _closes(mark: re.Match[str]) -> bool:
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
    if (found := _TAGGED.match(text)) is not None:
        yield found[2].strip()


def _in_fence(text: str) -> str | None:
    """What stands in a code fence that is the whole text."""
    found = _FENCE.match(text)
    if found is None or not text.endswith(found[1]) or len(text) < found.end() + len(found[1]):
        return None
    return text[found.end() : -len(found[1])].strip()


def plain_forms(text: str) -> Iterator[str]:
    """The text, then the same without one more frame around it each time.

    Frames are code fences, tags, quotes, emphasis, brackets, the sign of a list, ``Answer:``
    before it and a full stop after it. No form is a part of a sentence.
    """
    form = text.strip()
    for _ in range(_MOST_FRAMES if len(form) <= _LONGEST_FORM else 0):
        yield form
        smaller = _without_a_frame(form).strip()
        if not smaller or smaller == form:
            return
        form = smaller


def _without_a_frame(text: str) -> str:
    if (inside := _in_fence(text)) is not None:
        return inside
    for pattern, group in ((_INLINE_FENCE, 1), (_TAGGED, 2), (_BOXED, 1)):
        if (found := pattern.match(text)) is not None:
            return found[group]
    for opening, closing in _PAIRS.items():
        inner = text[len(opening) : -len(closing)]
        framed = text.startswith(opening) and text.endswith(closing) and inner.strip()
        # what is quoted piece by piece is no whole
        if framed and opening not in inner and closing not in inner:
            return inner
    if (found := _PREFIX.match(text)) is not None and found.end() < len(text):
        return text[found.end() :]
    if (found := _LIST_MARK.match(text)) is not None:
        return text[found.end() :]
    return text[:-1] if text[-1:] in _STOPS else text
