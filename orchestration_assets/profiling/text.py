"""Features of text as text: characters, words, sentences, lines and secrets.

Everything here is a pattern or a count over the characters that it is given; the caller bounds
their number. Every pattern is linear in the length of the text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from statistics import fmean, pstdev
from typing import Final
from unicodedata import category

Values = dict[str, str | int | float | bool | None]
"""Feature values by name."""

_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z]+)*")
# Chinese characters and Japanese syllables, one word each: the scripts put no space between words.
_CJK: Final = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d"
    "\U00020000-\U0003ffff"
)
# Combining marks belong to the word around them, though \w leaves them out: accents, the points
# of Hebrew and Arabic, the vowels of Indic scripts, Thai and its neighbours.
_MARKS: Final = (
    "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0963"
    "\u0971-\u0d7f\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
    "\u1dc0-\u1dff\u20d0-\u20ff"
)
_WORD = re.compile(
    rf"[{_CJK}]|(?:[^\W_{_CJK}]|[{_MARKS}])+(?:['\u2019](?:[^\W_{_CJK}]|[{_MARKS}])+)*"
)
_TOKEN = re.compile(r"[A-Za-z]{1,8}|\d{1,3}|[^\sA-Za-z\d]+")
_SENTENCE_END = re.compile(
    "[.!?\u2026\u061f]+[\"'\u201d\u2019)\\]]*(?=\\s|\\Z)"
    "|[\u3002\uff01\uff1f\u0964\u0965]+|\n[ \t]*\n"
)
_URL_STARTS: Final = ("http://", "https://", "ftp://")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_QUOTES: Final = '"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300e'
_QUESTIONS: Final = "?\uff1f\u061f"
_LATIN = re.compile("[\\sa-z0-9'\u2019\u00c0-\u024f]+")
_VOWEL_GROUP = re.compile("[aeiouy\u00e0-\u00e6\u00e8-\u00ef\u00f2-\u00f6\u00f8-\u00fd]+")
_SILENT_E = re.compile(r"[aeiouy][^aeiouy\W\d]+e\b")


def _word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_HEDGES: Final = _word_set(
    "may might could would should perhaps maybe possibly probably likely unlikely seem seems "
    "appear appears apparently presumably somewhat roughly about around usually often sometimes "
    "generally typically some several various many few certain unclear unknown assume guess "
    "believe think suggest suggests etc"
)
_PRONOUNS: Final = _word_set(
    "it its this that these those they them their he him his she her which one ones something "
    "someone anything anyone stuff thing things"
)

_DIVERSITY_WORDS: Final = 2000
_SHORT_TEXT_WORDS: Final = 20
_MTLD_THRESHOLD: Final = 0.72
_FLESCH_RANGE: Final = (-100.0, 121.22)


def words_of(text: str) -> list[str]:
    """The words: runs of letters, digits and combining marks with inner apostrophes; each Chinese
    or Japanese character is a word."""
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def token_estimate(text: str) -> int:
    """About how many tokens a language model reads in ``text``."""
    return len(_TOKEN.findall(text))


def line_count(text: str) -> int:
    """Newlines, plus one when the text does not end with one."""
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


_ASCII_CLASSES: Final[dict[str, bytes]] = {
    "digit_share": b"0123456789",
    "upper_share": bytes(range(ord("A"), ord("Z") + 1)),
    "punctuation_share": b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "whitespace_share": b" \t\n\r\v\f\x1c\x1d\x1e\x1f",
}


def character_shares(text: str) -> Values:
    """Shares of digits, upper case, punctuation, white space and non-ASCII among characters."""
    total = max(len(text), 1)
    ascii_part = text.encode("ascii", "ignore")
    counts = {
        name: len(ascii_part) - len(ascii_part.translate(None, members))
        for name, members in _ASCII_CLASSES.items()
    }
    non_ascii = len(text) - len(ascii_part)
    if non_ascii:
        for character, times in Counter(text).items():
            if character > "\x7f":
                name = _unicode_class(character)
                if name:
                    counts[name] += times
    shares: Values = {name: count / total for name, count in counts.items()}
    shares["non_ascii_share"] = non_ascii / total
    return shares


def _unicode_class(character: str) -> str:
    kind = category(character)
    if character.isspace():
        return "whitespace_share"
    if kind == "Nd":
        return "digit_share"
    if kind == "Lu":
        return "upper_share"
    return "punctuation_share" if kind[0] in "PS" else ""


def line_features(text: str) -> Values:
    """Line lengths, blank lines and indentation."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    stripped = [line.lstrip(" \t") for line in lines]
    inked = [(line, rest) for line, rest in zip(lines, stripped, strict=True) if rest.strip()]
    indents = [
        len(line) - len(rest) if line[0] != "\t" else 4 * (len(line) - len(rest))
        for line, rest in inked
    ]
    return {
        "max_line_chars": max(map(len, lines), default=0),
        "mean_line_chars": fmean(len(line) for line, _ in inked) if inked else 0.0,
        "blank_line_share": 1 - len(inked) / len(lines) if lines else 0.0,
        "indent_depth": fmean(indents) if indents else 0.0,
    }


def word_densities(text: str, words: int) -> Values:
    """Addresses and numbers per 100 of the text's ``words``; None without a word."""
    return {
        "url_density": _per_100(sum(map(text.count, _URL_STARTS)), words),
        "number_density": _per_100(len(_NUMBER.findall(text)), words),
    }


def prose_features(prose: str, words: Sequence[str]) -> Values:
    """Features of natural language; ``words`` are the words of ``prose``."""
    lower = [word.lower() for word in words]
    sentences = _sentences(prose)
    return {
        "prose_word_count": len(words),
        "sentence_count": len(sentences),
        "mean_sentence_words": len(words) / len(sentences) if sentences else None,
        "sentence_variation": _variation([len(sentence) for sentence in sentences]),
        "mean_word_length": sum(map(len, words)) / len(words) if words else None,
        "lexical_diversity": lexical_diversity(lower),
        "readability": readability(lower, len(sentences)),
        "entity_density": _entity_density(prose, sentences, words),
        "hedge_density": _per_100(sum(map(_HEDGES.__contains__, lower)), len(words)),
        "pronoun_density": _per_100(sum(map(_PRONOUNS.__contains__, lower)), len(words)),
        "quote_density": _per_100(sum(map(prose.count, _QUOTES)), len(words)),
        "question_density": _per_100(sum(map(prose.count, _QUESTIONS)), len(words)),
    }


def _sentences(prose: str) -> list[str]:
    """The stretches between sentence marks or blank lines, each from its first word on."""
    pieces = _SENTENCE_END.split(prose)
    firsts = map((_ASCII_WORD if prose.isascii() else _WORD).search, pieces)
    return [
        piece[first.start() :].rstrip()
        for piece, first in zip(pieces, firsts, strict=True)
        if first
    ]


def _per_100(count: int, words: int) -> float | None:
    return 100 * count / words if words else None


def _variation(lengths: Sequence[int]) -> float | None:
    return pstdev(lengths) / fmean(lengths) if len(lengths) > 1 else None


def _entity_density(prose: str, sentences: Sequence[str], words: Sequence[str]) -> float | None:
    if prose.lower() == prose.upper():
        return None
    capitalised = sum(1 for word in words if word[0].isupper() and _is_name(word))
    starts = sum(1 for sentence in sentences if sentence[0].isupper() and _is_name(sentence))
    return _per_100(max(capitalised - starts, 0), len(words))


def _is_name(capitalised: str) -> bool:
    """Whether what begins with a capital is more than a lone letter: not "I", "I'm", "A"."""
    return capitalised[1:2].isalnum()


def lexical_diversity(words: Sequence[str]) -> float | None:
    """MTLD of the first 2,000 words, forwards and backwards averaged; None under 20 words.

    The length of a run over which types/words stays above 0.72: about 5 for a list that repeats
    itself, 40-120 for ordinary prose. Words that differ in case differ. McCarthy and Jarvis 2010.
    """
    if len(words) < _SHORT_TEXT_WORDS:
        return None
    sample = words[:_DIVERSITY_WORDS]
    return (_mtld(sample) + _mtld(sample[::-1])) / 2


def _mtld(words: Sequence[str]) -> float:
    factors, length = 0.0, 0
    seen: set[str] = set()
    for word in words:
        length += 1
        seen.add(word)
        if len(seen) < _MTLD_THRESHOLD * length:
            factors += 1
            seen.clear()
            length = 0
    if length:
        # What is left counts as the part of a factor that its ratio has covered.
        factors += (1 - len(seen) / length) / (1 - _MTLD_THRESHOLD)
    # A text without one repeated word has no factor: its own length is all that is known.
    return min(len(words) / factors, len(words)) if factors else len(words)


def readability(words: Sequence[str], sentences: int) -> float | None:
    """Flesch reading ease (1948) of lower-case ``words``, clipped to [-100, 121.22].

    Higher is easier. None under 20 words, and unless 95 % of the characters are Latin letters or
    digits: the formula counts the syllables of English.
    """
    if len(words) < _SHORT_TEXT_WORDS or not sentences:
        return None
    joined = " ".join(words)
    if not joined.isascii():
        foreign = len(_LATIN.sub("", joined))
        if foreign > 0.05 * len(joined):
            return None
    groups = len(_VOWEL_GROUP.findall(joined)) - len(_SILENT_E.findall(joined))
    syllables = max(groups, len(words))
    score = 206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words)
    return min(max(score, _FLESCH_RANGE[0]), _FLESCH_RANGE[1])


SECRET_CHARS: Final = 32_768
"""How much of a text is searched for secrets, in characters."""

# (literals of which one must be there before the pattern is worth running, pattern)
_SECRETS: Final[tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]] = (
    (("AKIA", "ASIA"), re.compile(r"\bA[KS]IA[0-9A-Z]{16}\b")),
    (("PRIVATE KEY-----",), re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----")),
    (("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b")),
    (("github_pat_",), re.compile(r"\bgithub_pat_\w{22,255}\b")),
    (("glpat-",), re.compile(r"\bglpat-[\w-]{20,64}")),
    (("xox",), re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,250}")),
    (("AIza",), re.compile(r"\bAIza[\w-]{35}")),
    (("sk-", "sk_live_", "rk_live_"), re.compile(r"\b(?:sk-|[sr]k_live_)[\w-]{20,250}")),
    (("eyJ",), re.compile(r"\beyJ[\w-]{10,200}\.eyJ[\w-]{10}")),
)
_ASSIGNED_LITERALS: Final = ("password", "passwd", "secret", "token", "api_key", "apikey")
_ASSIGNED = re.compile(
    r"(?:password|passwd|secret|token|api_?key)[\"']?\s{0,4}[:=]\s{0,4}"
    r"[\"'](?=[^\"'\s\d]{0,200}\d)[^\"'\s]{8,200}[\"']"
)


def secret_count(text: str) -> int:
    """Places in the first 32,768 characters that look like a credential. Only the number leaves."""
    text = text[:SECRET_CHARS]
    count = sum(
        len(pattern.findall(text))
        for literals, pattern in _SECRETS
        if any(literal in text for literal in literals)
    )
    lower = text.lower()
    if any(literal in lower for literal in _ASSIGNED_LITERALS):
        count += len(_ASSIGNED.findall(lower))
    return count
