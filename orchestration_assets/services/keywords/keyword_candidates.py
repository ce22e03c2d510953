"""What may be a key word of a content: its words and the phrases of two or three of them.

Words are taken from what people read: without licences, without the navigation of pages, and of
code the comments and such parts of names as are words themselves.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from orchestration_assets.schemas.enums import Family
from orchestration_assets.services.title.leading_comment import comment_paragraphs
from orchestration_assets.services.title.unfit_lines import is_boilerplate, is_breadcrumb
from orchestration_assets.text.document_frequencies import OUT_OF, document_frequencies
from orchestration_assets.text.function_words import ENGLISH, function_words, stop_words_for
from orchestration_assets.text.prose import PROSE_CHARS, html_tree, is_html, prose_of
from orchestration_assets.text.words import is_term, prose_words, word_counts, words_of

CODE_WORDS: Final = frozenset(
    "abstract and args array assert async auto await bool boolean break byte case cast catch char "
    "class const constructor continue def default define del delete double echo elif else end "
    "endif enum err error esac eval except exit export extends extern false final finally float "
    "fmt fn for foreach from func function get global goto http https if ifdef ifndef impl "
    "implements import in include inline instanceof int interface is lambda len let list local "
    "long loop match module mut namespace new nil none not null number obj object of operator or "
    "override package params pass private protected pub public raise register require result ret "
    "return self set shift short signed sizeof static std str string struct super switch template "
    "test then this throw throws trait true try type typedef typename typeof undefined union "
    "unsigned use using val value var vec virtual void volatile when where while with yield".split()
)
"""Words of programming languages, common to several of them: they stand beside everything."""

# What surrounds the text of a page.
_AROUND: Final = (
    "nav header footer aside form button menu script style template noscript pre code title".split()
)
# Words, and what no phrase goes across: punctuation and empty lines.
_TOKEN = re.compile(r"[^\W\d_]+|[^\w\s'\u2019-]|\n\s*\n|\d")
# the same tokens of an ASCII text in lower case
_ASCII_TOKEN = re.compile(r"[a-z]+|[^\sa-z0-9_'-]|\n\s*\n|[0-9]")
# what follows a name that is called, set, or asked for one of its parts
_USED = re.compile(r"[ ]?[=(\[]|\.[a-z_]")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
# Badges, and pictures with what they show.
_IMAGE = re.compile(
    r"\[!\[[^\[\]]*\](?:\([^()]*\)|\[[^\[\]]*\])?\](?:\([^()]*\)|\[[^\[\]]*\])?|!\[[^\[\]]*\]\([^()]*\)"
)
_ROFF = re.compile(r"^\.(?:TH|Dd|SH|Sh|\\\")(?:\s|\Z)", re.MULTILINE)
_ROFF_MACRO = re.compile(
    r"^[.'](?:\\\".*|(?:de|ds|if|ie|el|nr|tr|rm|nh|ad|ft|ss|so|hw)\b.*"
    r"|[A-Za-z]{1,2}(?=\s|$)[ \t]*)",
    re.MULTILINE,
)
_ROFF_ESCAPE = re.compile(
    r"\\(?:f(?:\[[^\]\n]*\]|\(..|.)|[&|^/,]|s[+-]?\d|\*?\(..|\*?\[[^\]\n]*\]|[-e])"
)
# How much of a paragraph is looked at, in characters.
_MAX_NOTICE: Final = 1_000
# Chinese and Japanese come in pairs of ideographs, which are parts of words.
_CJK_FROM: Final = "\u3040"
# Once is no term; so often it may be.
_MIN_REPEATS: Final = 2
# "following example", "available option": what a quarter of the documents of some kind has.
_GENERIC: Final = OUT_OF // 4
_PHRASE_WORTH: Final = 1.5
_SHARE_POWER: Final = 0.5
_RANKED: Final = 48
# A part of a phrase that stands alone in at most a quarter of its occurrences is no key word.
_ALONE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Candidates:
    """How often each word and each phrase occurs.

    ``read`` gives the words in reading order, and others that are no candidates.
    """

    counts: Mapping[str, int]
    phrases: Mapping[str, int]
    read: Callable[[], Sequence[str]]

    @property
    def words(self) -> list[str]:
        """The candidates in reading order, repeated as often as they occur."""
        return [word for word in self.read() if word in self.counts]


# several services look for key words in one item
@lru_cache(maxsize=4)
def candidates_of(text: str, family: str) -> Candidates:
    """The candidates of a content; no words when the content has none."""
    whole = _prose(text, family)
    prose = _without_boilerplate(whole, text, family)
    phrases = _phrases(prose, family)
    if family == Family.DATA:
        return Candidates(word_counts(text, family), phrases, partial(words_of, text, family))
    words = prose_words(prose)
    counts: Mapping[str, int] = Counter(words)
    if family != Family.CODE:
        return Candidates(counts, phrases, lambda: words)
    commented = counts if prose == whole else Counter(prose_words(whole))
    counts = _words_of_code(text, commented, counts.keys())
    return Candidates(counts, phrases, partial(words_of, text, family))


def _words_of_code(
    text: str, commented: Mapping[str, int], read: Collection[str]
) -> dict[str, int]:
    """How often the words of the comments occur, and parts of names that documents have too.

    ``commented`` are all words of the comments, ``read`` those outside licences.
    """
    table, _ = document_frequencies()
    kept: dict[str, int] = {}
    # words that documents do not have and comments do not have most often
    doubtful: dict[str, int] = {}
    for word, count in word_counts(text, Family.CODE).items():
        if word in read:
            common = word in table or 2 * commented.get(word, 0) > count
            (kept if common else doubtful)[word] = count
        elif word in table and count > commented.get(word, 0):
            kept[word] = count
    doubtful = {word: count for word, count in doubtful.items() if is_term(word)}
    if doubtful:
        # "fileobj" is a name in a comment, not a word
        code = text[:PROSE_CHARS].lower()
        kept |= {word: count for word, count in doubtful.items() if not _is_name(word, code)}
    return {w: count for w, count in kept.items() if w not in CODE_WORDS and is_term(w)}


def _is_name(word: str, code: str) -> bool:
    """Whether a word stands anywhere in code, all in lower case, as the name of a thing."""
    at = code.find(word) if "a" <= word[0] <= "z" else -1
    while at >= 0:
        end = at + len(word)
        before, after = code[at - 1 : at], code[end : end + 1]
        whole = not (before.isalnum() or after.isalnum() or "_" in (before, after))
        if whole and (before == "." or _USED.match(code, end)):
            return True
        at = code.find(word, end)
    return False


def rank_terms(
    weights: Mapping[str, float], counts: Mapping[str, int], phrases: Mapping[str, int]
) -> tuple[list[str], dict[str, int]]:
    """Words and phrases, the best first, and how often each occurs.

    A phrase weighs what its words do in the mean, times the share of their occurrences that are its
    own, and half as much again: it says more than each of them.
    """
    valued = dict(weights)
    occurrences = dict(counts)
    for phrase, n in phrases.items():
        parts = [word if word in weights else word.removesuffix("s") for word in phrase.split()]
        if all(part in weights for part in parts):
            mean = sum(weights[part] for part in parts) / len(parts)
            share = n * len(parts) / sum(max(counts[part], n) for part in parts)
            valued[phrase] = _PHRASE_WORTH * mean * share**_SHARE_POWER
            occurrences[phrase] = n
    # equal ones stay in the order of the alphabet
    ranked = sorted(sorted(valued), key=valued.__getitem__, reverse=True)
    return without_parts(ranked[:_RANKED], occurrences), occurrences


def without_parts(ranked: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    """The ranked words and phrases without those that only occur as part of a better one."""
    kept: dict[str, str] = {}
    # only a phrase has parts
    phrases: dict[str, str] = {}
    for term in ranked:
        spaced = f" {term} "
        inside = max(
            (counts[p] for p, spaced_p in phrases.items() if spaced in spaced_p), default=0
        )
        if inside and counts[term] - inside <= _ALONE * counts[term]:
            continue
        if " " in term:
            for other in [one for one, spaced_one in kept.items() if spaced_one in spaced]:
                if counts[other] - counts[term] <= _ALONE * counts[other]:
                    del kept[other]
                    phrases.pop(other, None)
            phrases[term] = spaced
        kept[term] = spaced
    return list(kept)


def _without_boilerplate(prose: str, text: str, family: str) -> str:
    if family == Family.CODE:
        # the comments have lost the lines between them
        notice = {
            line
            for paragraph in comment_paragraphs(text[:PROSE_CHARS])
            if is_boilerplate(paragraph)
            for line in paragraph.split("\n")
        }
        return "\n".join(line for line in prose.split("\n") if line not in notice)
    return "\n\n".join(_telling_part(paragraph) for paragraph in _PARAGRAPH.split(prose))


def _telling_part(paragraph: str) -> str:
    """A paragraph, or nothing of a licence; of a long one that names one, its other lines."""
    if is_breadcrumb(paragraph[:_MAX_NOTICE]):
        return ""
    if not is_boilerplate(paragraph):
        return paragraph
    if len(paragraph) <= _MAX_NOTICE:
        return ""
    return "\n".join(line for line in paragraph.split("\n") if not is_boilerplate(line))


def _prose(text: str, family: str) -> str:
    if family == Family.MARKUP and is_html(text):
        tree = html_tree(text[:PROSE_CHARS])
        tree.strip_tags(list(_AROUND))
        root = tree.root
        visible = "" if root is None else root.text(separator="\n\n")
        return re.sub(r"[ \t]+", " ", visible)
    if family == Family.MARKUP and "![" in text:
        text = _IMAGE.sub("", text[:PROSE_CHARS])
    elif _ROFF.search(text, 0, _MAX_NOTICE):
        text = _ROFF_ESCAPE.sub("", _ROFF_MACRO.sub("", text[:PROSE_CHARS]))
    return prose_of(text, family)


def _phrases(prose: str, family: str) -> Counter[str]:
    """Runs of two or three words that are no function words and not generic, by occurrences."""
    table, _ = document_frequencies()
    prose = prose.lower()
    tokens = (_ASCII_TOKEN if prose.isascii() else _TOKEN).findall(prose)
    times = Counter(tokens)
    of_language, english = stop_words_for(times), function_words()[ENGLISH]
    of_code = CODE_WORDS if family == Family.CODE else frozenset()
    fit = {
        word
        for word, count in times.items()
        if count >= _MIN_REPEATS
        and is_term(word)
        and "a" <= word[0] < _CJK_FROM
        and word not in english
        and word not in of_language
        and word not in of_code
        and table.get(word, 0) < _GENERIC
    }
    counts: Counter[str] = Counter()
    before = earlier = -2
    for place in [place for place, token in enumerate(tokens) if token in fit]:
        if place == before + 1 and (word := tokens[place]) != (last := tokens[before]):
            counts[f"{last} {word}"] += 1
            if earlier == before - 1 and (first := tokens[earlier]) not in (last, word):
                counts[f"{first} {last} {word}"] += 1
        earlier, before = before, place
    return Counter({phrase: n for phrase, n in counts.items() if n >= _MIN_REPEATS})
