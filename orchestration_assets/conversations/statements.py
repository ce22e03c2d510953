"""Finds what messages state: offline, by documented forms of sentences.

Sentences that ask, wish or suppose state nothing; see :mod:`sentence_cues` for how that is told. Of
a language that the forms do not know nothing is found but lines "key: value".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestration_assets.conversations.sentence_cues import Factuality, changes, factuality
from orchestration_assets.conversations.statement_patterns import (
    CLAUSES,
    COPULAR,
    DENIED,
    ELLIPSIS,
    KEY_VALUE,
    MOVED,
    NO_KEYS,
    NO_NAMES,
    NO_STATE,
    NOT_VALUES,
    OPENING,
    PATTERNS,
    PRONOUNS,
    SINGLE_VALUED,
    STATIVE,
    TOPIC,
    UNTELLING,
    VALUE_END,
)
from orchestration_assets.conversations.typed_values import ValueKind, kind_of, typed_values
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import sensitive_spans
from orchestration_assets.text.sentences import one_line, sentences_of

MAX_SENTENCES: Final = 40
"""Sentences of a message that are read: of a longer one those at equal distances."""
_MAX_STATEMENTS: Final = 12
_MAX_SENTENCE_CHARS: Final = 320
_MAX_OPENINGS: Final = 4
_SPEAKERS: Final = frozenset(("i", "we", "you"))
_OWN: Final = frozenset(("i", "my", "me", "mine"))
_ONLY_ARTICLES: Final = frozenset(("the", "a", "an", "this", "that"))
_MAX_KEY_WORDS: Final = 4
_STEM: Final = 3
_WORD: Final = re.compile(r"[^\W_]+(?:[.-][^\W_]+)*")
_ARTICLES: Final = re.compile(
    r"^(?:(?:the|our|my|its|a|an|new|current|actual|latest|correct) )+", re.IGNORECASE
)
_POSSESSIVE: Final = re.compile(r"['\u2019]s?\b")


@dataclass(frozen=True, slots=True)
class MessageStatement:
    """What a sentence says of something.

    ``subject`` is empty where the sentence leaves open of what. ``words`` are those that tell one
    subject and attribute from another, lower-case. ``changes``: the sentence says that it was
    otherwise before. ``believed``: the speaker is not sure. ``elliptic``: only a value is said.
    ``several``: other values of the same may hold beside it. ``sentence`` is the clause that says
    it, ``of_speaker`` whether it is of who says it.
    """

    subject: str
    attribute: str
    value: str
    kind: ValueKind
    words: frozenset[str]
    changes: bool = False
    believed: bool = False
    elliptic: bool = False
    several: bool = False
    sentence: str = ""
    of_speaker: bool = False


def statements_of(text: str, speaker: str | None, addressee: str | None) -> list[MessageStatement]:
    """What a message states, at most 12 statements, in its order.

    *I* and *my* are the speaker, *you* and *your* the addressee, who is the one that spoke before.
    A message that holds a secret states nothing: its facts would no longer be recognised as one.
    """
    if sensitive_spans(text, (SensitiveKind.SECRET,)):
        return []
    found: list[MessageStatement] = []
    topic = ""
    for sentence in _sentences(text):
        own, topic = _of_sentence(sentence, speaker or "", addressee or "", topic)
        if own is not None:
            found.append(own)
            if len(found) == _MAX_STATEMENTS:
                break
    return found


def telling_words(*names: str) -> frozenset[str]:
    """The words of names that tell them from others: without articles, possessives and the like."""
    words = _WORD.findall(_POSSESSIVE.sub(" ", " ".join(names)).casefold())
    # lives, live
    stems = {w[:-1] if len(w) > _STEM and w[-1] == "s" and w[-2] != "s" else w for w in words}
    return frozenset(stems) - UNTELLING


def _sentences(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    # lists and forms: a line is a sentence
    is_form = len(lines) > 1 and sum(KEY_VALUE.match(line) is not None for line in lines) > 1
    given = map(one_line, lines[:MAX_SENTENCES]) if is_form else sentences_of(text, MAX_SENTENCES)
    for sentence in given:
        if 0 < len(sentence) <= _MAX_SENTENCE_CHARS:
            # a question or a condition is one as a whole
            whole = factuality(sentence) is Factuality.NOT_ASSERTED
            yield from (sentence,) if whole else CLAUSES.split(sentence)


def _of_sentence(
    sentence: str, speaker: str, addressee: str, topic: str
) -> tuple[MessageStatement | None, str]:
    """What a sentence states, and what the sentences after it are about where they do not say."""
    grade = factuality(sentence)
    rest, named = _without_opening(sentence)
    topic = named or topic
    if grade is not Factuality.NOT_ASSERTED:
        found = _by_patterns(rest, topic) or _key_value(rest, speaker) or _ellipsis(rest, sentence)
        if found is not None:
            subject, attribute, value, elliptic = found
            own = subject.casefold() in _OWN or subject.casefold().startswith("my ")
            subject = _resolved(subject, speaker, addressee)
            kind, changed = kind_of(value), changes(sentence)
            if MOVED.fullmatch(attribute):
                attribute, changed = "lives in", True
            elif COPULAR.fullmatch(attribute):
                attribute = ""
            attribute = _ARTICLES.sub("", attribute)
            statement = MessageStatement(
                subject,
                attribute,
                value,
                kind,
                telling_words(subject, attribute),
                changed,
                grade is Factuality.BELIEVED,
                elliptic,
                _may_be_several(attribute, kind, changed=changed) or _is_clause(value, kind),
                sentence,
                own,
            )
            if elliptic or statement.words:
                return statement, subject or topic
    about = TOPIC.search(sentence)
    if about is None or NO_NAMES.search(about["topic"]) or about["topic"].casefold() in PRONOUNS:
        return None, topic
    return None, about["topic"]


def _may_be_several(attribute: str, kind: ValueKind, *, changed: bool) -> bool:
    """Whether values hold side by side: what one likes, and how a thing is ("open", "red")."""
    if not attribute:
        return kind is ValueKind.WORDS and not changed
    return bool(STATIVE.fullmatch(attribute)) and not SINGLE_VALUED.match(attribute)


def _is_clause(value: str, kind: ValueKind) -> bool:
    """Whether the words of a value hold another one: then they say more than a value."""
    return kind is ValueKind.WORDS and any(
        one.kind is not ValueKind.NUMBER for one in typed_values(value)
    )


def _without_opening(sentence: str) -> tuple[str, str]:
    topic = ""
    for _ in range(_MAX_OPENINGS):
        opening = OPENING.match(sentence)
        if opening is None:
            break
        topic = opening["topic"] or opening["topic_wrong"] or topic
        sentence = sentence[opening.end() :]
    return sentence.strip(), topic.strip()


_Found = tuple[str, str, str, bool]


def _by_patterns(sentence: str, topic: str) -> _Found | None:
    plain = sentence.rstrip(".! ")
    for pattern in PATTERNS:
        match = pattern.match(plain)
        if match is None:
            continue
        subject, value = match["subject"].strip(), _value(match["value"])
        plain_subject = subject.casefold()
        if not value or plain_subject in PRONOUNS or plain_subject in _ONLY_ARTICLES:
            continue
        attribute = match["attribute"] if "attribute" in pattern.groupindex else ""
        is_clause = not COPULAR.fullmatch(attribute) and NO_NAMES.search(attribute)
        if is_clause or (plain_subject not in _SPEAKERS and NO_NAMES.search(subject)):
            continue
        if topic and COPULAR.fullmatch(attribute) and subject.casefold().startswith("the "):
            # "about Atlas. The deadline is 12 May"
            return topic, subject, value, False
        return subject, attribute.strip(), value, False
    return None


def _key_value(sentence: str, speaker: str) -> _Found | None:
    match = KEY_VALUE.match(sentence)
    if match is None:
        return None
    key = match["attribute"].strip()
    words = key.split()
    if len(words) > _MAX_KEY_WORDS or words[-1].casefold() in NO_KEYS:
        return None
    value = _value(match["value"])
    return (speaker, key, value, False) if value else None


def _ellipsis(rest: str, sentence: str) -> _Found | None:
    """Only a value, in words of change: "no, Thursday", "make that 14 May"."""
    match = ELLIPSIS.match(rest.rstrip(".! ")) if changes(sentence) else None
    value = _value(match["value"]) if match else ""
    typed = typed_values(value)
    return ("", "", value, True) if typed and typed[0].start == 0 else None


def _value(text: str) -> str:
    """The value that a clause begins with: what shows by its form where it ends, or the words to
    the end of the clause."""
    text = text.strip(" \"'*_`")
    if DENIED.match(text) or NO_STATE.match(text):
        return ""
    for typed in typed_values(text):
        # "on 14 May", "about 300 EUR"
        if len(text[: typed.start].split()) <= 1:
            return text[: typed.end]
        break
    end = VALUE_END.search(text)
    value = (text[: end.start()] if end else text).strip(" .,\"'*_`")
    return "" if value.casefold() in NOT_VALUES else value


def _resolved(subject: str, speaker: str, addressee: str) -> str:
    plain = subject.casefold()
    if plain in _OWN:
        return speaker
    if plain in ("you", "your") and addressee:
        return addressee
    if plain.startswith("my ") and speaker:
        return f"{speaker}'s {subject[3:]}"
    return subject
