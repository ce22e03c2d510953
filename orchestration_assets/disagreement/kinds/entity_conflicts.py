"""Entity conflict: two texts say the same of different people, places, numbers or dates."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding

_SAME_FRAME: Final = 0.6
_SPELLED_ALIKE: Final = 0.7
_LONGEST: Final = 2_000
_TOKEN: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d+(?:[.,/:]\d+)*%?|[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*\.?(?=\W|$)", re.U
)
_MONTH_NAMES: Final = (
    "january february march april may june july august september october november december"
).split()
_DAY_NAMES: Final = "monday tuesday wednesday thursday friday saturday sunday".split()
_WORDS: Final = {
    word: float(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "ninety": 90.0, "dozen": 12.0, "hundred": 100.0}
_SCALES: Final = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_UNITS: Final = frozenset(
    "percent km metres meters minutes minute hour hours kilometres kilometers g kg".split()
)
_SMALL: Final = frozenset(
    "a an the and or of in on at by to for from with as is was were are be been has have had it "
    "its this that these those he she they his her their will would not no after before near "
    "off into year years about than who which mrs mr dr".split()
)
_PASSIVE: Final = frozenset({"by", "lost", "succeeded", "from", "imports", "owned"})


@dataclass(frozen=True, slots=True)
class _Claims:
    """A text's names in their order, its numbers and dates, and its other words."""

    names: tuple[str, ...]
    numbers: tuple[float, ...]
    dates: frozenset[str]
    frame: frozenset[str]
    words: tuple[str, ...]


def entity_conflict(first: str, second: str) -> Finding | None:
    """Two texts with the same frame that fill one place with different names, numbers or dates.

    None where either text only says more, where names are spellings or initials of each other,
    and where the frames differ: then the texts may speak of different things.
    """
    if max(len(first), len(second)) > _LONGEST:
        return None
    one, other = _claims(first), _claims(second)
    shared = _overlap(one.frame, other.frame)
    if shared < _SAME_FRAME:
        return None
    if "not" in {*one.words, *other.words} and one.words != other.words:
        return None
    for what, mine, theirs in (
        ("name", _exclusive_names(one.names, other), _exclusive_names(other.names, one)),
        ("number", _missing(one.numbers, other.numbers), _missing(other.numbers, one.numbers)),
        ("date", tuple(one.dates - other.dates), tuple(other.dates - one.dates)),
    ):
        if mine and theirs:
            said = " against ".join(", ".join(map(_plain, side)) for side in (mine, theirs))
            return Finding(shared, f"the same is said of another {what}: {said}")
    return _exchanged(one, other, shared)


def _exchanged(one: _Claims, other: _Claims, shared: float) -> Finding | None:
    """The same names in the other order, and nothing that turns the sentence round."""
    if len(one.names) < 2 or sorted(one.names) != sorted(other.names) or one.names == other.names:
        return None
    if one.frame != other.frame or _PASSIVE & (set(one.words) ^ set(other.words)):
        return None
    names = f"{', '.join(one.names)} against {', '.join(other.names)}"
    return Finding(shared, f"the same names in exchanged roles: {names}")


def _claims(text: str) -> _Claims:
    names: list[str] = []
    numbers: list[float] = []
    dates: set[str] = set()
    frame: set[str] = set()
    words: list[str] = []
    previous_end = 0
    before = ""
    for match in _TOKEN.finditer(text):
        token = match[0].rstrip(".") if match[0].count(".") == 1 else match[0]
        plain = _folded(token)
        opens = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1:] in ".!?"
        if token[0].isdigit():
            numbers += _numbers(token)
        elif plain in _SCALES and numbers:
            numbers[-1] *= _SCALES[plain]
        elif plain in _WORDS:
            numbers.append(_WORDS[plain])
        elif (calendar := _calendar(plain, token, before)) is not None:
            dates.add(calendar)
        elif (
            token[0].isupper()
            and plain not in _SMALL
            and not (opens and not _known_name(text, match))
        ):
            if names and before == "name" and text[previous_end : match.start()].isspace():
                names[-1] += f" {token}"
            else:
                names.append(token)
        elif plain not in _SMALL and plain not in _UNITS:
            frame.add(_stem(plain))
        words.append(plain)
        before = "name" if names and names[-1].endswith(token) else plain
        previous_end = match.end()
    return _Claims(tuple(names), tuple(numbers), frozenset(dates), frozenset(frame), tuple(words))


def _known_name(text: str, match: re.Match[str]) -> bool:
    """Whether a word that opens a sentence is a name: another capital follows, or no small word
    would begin like it: it is followed by a verb, not by a noun."""
    rest = text[match.end() :].lstrip()
    following = rest.split(" ", 1)[0] if rest else ""
    if following[:1].isupper():
        return True
    plural = match[0].endswith("s") and not match[0].endswith("ss")
    return (
        bool(following)
        and following.rstrip(".,").endswith(("ed", "s", "lt", "ught"))
        and not plural
    )


def _calendar(plain: str, token: str, before: str) -> str | None:
    if not token[0].isupper():
        return None
    for name in (*_MONTH_NAMES, *_DAY_NAMES):
        if plain in (name, f"{name}s") or (len(plain) == 3 and name.startswith(plain)):
            return name
    return None


def _numbers(token: str) -> list[float]:
    text = token.rstrip("%")
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return [float(part) for part in text.split("-")]
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    try:
        return [float(text)]
    except ValueError:
        return [float(part) for part in re.findall(r"\d+", text)]


def _exclusive_names(names: tuple[str, ...], other: _Claims) -> tuple[str, ...]:
    """Names that the other text does not have in any spelling."""
    known = other.names
    words = set(other.words)
    return tuple(
        name
        for name in names
        if not any(_same(name, one) for one in known)
        and not all(_folded(part) in words for part in name.split())
    )


def _same(name: str, other: str) -> bool:
    a, b = _folded(name), _folded(other)
    parts_a, parts_b = a.split(), b.split()
    if set(parts_a) <= set(parts_b) or set(parts_b) <= set(parts_a):
        return True
    for short, parts in ((a, parts_b), (b, parts_a)):
        if len(parts) > 1 and short.replace(".", "") == "".join(part[0] for part in parts):
            return True
    alike = SequenceMatcher(None, a, b, autojunk=False).ratio()
    return alike >= _SPELLED_ALIKE or (
        min(len(a), len(b)) >= 4 and (a.startswith(b[:6]) or b.startswith(a[:6]))
    )


def _missing(numbers: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    return tuple((Counter(numbers) - Counter(others)).elements())


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else float(one == other)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
