"""Facts that a content declares of itself, as the fields of a task that mean the same."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Family
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.records.declarations import (
    CONFIDENCE,
    Declaration,
    declarations,
)
from orchestration_assets.services.records.field_labels import Words, name_words
from orchestration_assets.services.records.record_readings import (
    MAX_ENTRIES,
    Found,
    record_reading,
)
from orchestration_assets.services.records.typed_values import coerced, typed
from orchestration_assets.services.title.declared_title import DeclaredTitle
from orchestration_assets.text.source_functions import (
    LANGUAGES,
    SourceFunction,
    guessed_language,
    source_functions,
)

# what a field may mean -> how contents call it, the first that is declared standing before others
_MEANINGS: Final = {
    "title": "title; name; headline; subject",
    "date": "date; published; published time; publication date; pubdate; date published; issued; "
    "released; date released; created; date created; updated; modified; modified time; lastmod",
    "published": "published; published time; publication date; pubdate; date published; issued; "
    "released; date released; date",
    "created": "created; date created; creation date; date",
    "updated": "updated; modified; modified time; last modified; lastmod; date modified; "
    "last updated; revised",
    "author": "author; by; creator; from; author email; maintainer; copyright holder",
    "maintainer": "maintainer; maintainer email; author; author email",
    "people": "author; by; creator; from; maintainer; editor; contributor; author email; "
    "maintainer email; copyright holder",
    "links": "homepage; home page; url; website; canonical; link; repository; repository code; "
    "documentation; source; project url; author link; license link; download url; bug",
    "homepage": "homepage; home page; url; website; canonical; link; project url",
    "license": "license; license expression; right; license link; classifier license",
    "language": "language; lang; content language; locale; inlanguage",
    "version": "version; release; software version",
    "tags": "tag; keyword; category; topic; label",
    "description": "description; summary; abstract; subtitle; excerpt; opening description",
    "copyright": "copyright holder; copyright",
    "status": "status; state",
    "doi": "doi; citation doi",
}
_SYNONYMS: Final = {
    "title": "title; name; headline; document title; project name",
    "date": "date; document date; day",
    "published": "published; publication date; date published; released; release date; issued",
    "created": "created; creation date; date created; created at",
    "updated": "updated; modified; last modified; last updated; modification date; updated at",
    "author": "author; creator; written by",
    "maintainer": "maintainer",
    "people": "people; person; authors; contributor; who; parties; sender",
    "links": "link; url; web address; hyperlink",
    "homepage": "homepage; home page; website; canonical; web page",
    "license": "license; licence; license name",
    "language": "language; lang; natural language",
    "version": "version; release",
    "tags": "tag; keyword; category; topic",
    "description": "description; summary; abstract; about",
    "copyright": "copyright; copyright holder; rights holder",
    "status": "status; state",
    "doi": "doi",
}
_MEANING_OF: Final = {
    name_words(name): meaning for meaning, names in _SYNONYMS.items() for name in names.split("; ")
}
_KEYS: Final = {
    meaning: tuple(name_words(key) for key in keys.split("; "))
    for meaning, keys in _MEANINGS.items()
}
_PREFIXES: Final = frozenset(
    ("dc", "dcterm", "og", "article", "twitter", "citation", "itemprop", "x", "book", "meta")
)
_OF_PEOPLE: Final = frozenset(("author", "maintainer", "people", "copyright"))
_OF_LINKS: Final = frozenset(("links", "homepage"))
_HOLDER: Final = ("copyright", "holder")
_NOBODY: Final = frozenset(("others", "et al", "unknown", "contributors", "various"))
_REPLY: Final = re.compile(r"\A(?:(?:re|fwd?|aw|wg):[ ]?){1,8}", re.IGNORECASE)
# what is not called so, but may well be meant
_MEANT: Final = 0.93
_FUNCTIONS: Final = frozenset(
    name_words(name) for name in ("functions", "methods", "function_definitions", "definitions")
)
_SURE_FUNCTIONS: Final = 0.95
_SURE_WITH_ERRORS: Final = 0.75

_ADDRESS: Final = re.compile(r"[<(\[]?(?P<mail>[^\s<>()\[\],;]{1,64}@[\w.-]{1,200})[>)\]]?")
_BETWEEN_PEOPLE: Final = re.compile(r"\s*;\s*|,?\s+(?:and|und|et|y|&)\s+")
_BETWEEN_TAGS: Final = re.compile(r"\s*[,;]\s*")
_URL: Final = re.compile(r"(?:https?|ftp)://[^\s<>\"]{3,2000}|www\.[^\s<>\"]{3,2000}")
_CLASSIFIED: Final = re.compile(r"License :: (?:OSI Approved :: )?(?P<name>.+)")


class DeclaredFacts(EmbeddedService):
    """Reads front matter, headers, tags of HTML, document fields, licences, comments, functions.

    What is declared goes to the field of its name, or of one that means the same: people are
    authors, maintainers and senders, links homepages and repositories, tags keywords, summary
    description. A field ``functions`` takes the functions of a program in a language with a
    grammar: name, parameters, description, and class, returns and line where the entries have such
    fields. A value's confidence is that of the place where it is declared (.97 for an SPDX
    identifier down to .65 for a leading comment), a little less under another name.
    """

    name: ClassVar[str] = "declared_facts"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.RECORD})
    reads: ClassVar[frozenset[str]] = frozenset({"family", "language_guess"})
    expected_ms: ClassVar[float] = 1.5

    def answer(self, question: Question) -> Reading:
        item = question.item
        declared = _by_key(declarations(item.text, item.family))
        found = {}
        for field in question.task.fields:
            told = _found(field, declared, item.text if question.task.quotes else "")
            if told is None and _MEANING_OF.get(name_words(field.name)) == "title":
                told = _title(field, question)
            if told is None and _is_functions(field) and item.family == Family.CODE:
                guess = str(item.profile.get("language_guess") or "")
                told = _functions(field, item.text, guess)
            if told is not None:
                found[field.name] = told
        return record_reading(question, found, "the content declares nothing that a field is for")


def _title(field: RecordField, question: Question) -> Found | None:
    """What the content calls itself in a heading, a documentation string or a comment."""
    reading = DeclaredTitle().answer(question)
    value = coerced(reading.answer, field) if isinstance(reading.answer, str) else None
    if value is None or isinstance(value, tuple) or reading.confidence is None:
        return None
    words = str(value) if str(value) in question.item.text else ""
    return Found(value, reading.confidence, (("", words),), words)


_Declared = Mapping[Words, Sequence[Declaration]]


def _by_key(declared: Iterable[Declaration]) -> _Declared:
    found: dict[Words, list[Declaration]] = {}
    for one in declared:
        value = one.value
        words = key_words(one.key)
        if words == ("classifier",):
            for line in value if isinstance(value, list) else [value]:
                if isinstance(line, str) and (named := _CLASSIFIED.match(line)):
                    given = one._replace(value=named["name"])
                    found.setdefault(("classifier", "license"), []).append(given)
            continue
        if words:
            found.setdefault(words, []).append(one)
    return found


@lru_cache(maxsize=1024)
def key_words(key: str) -> Words:
    """The words of a key as contents write it: ``article:published_time``, ``dateReleased``."""
    words = name_words(key)
    while len(words) > 1 and words[0] in _PREFIXES:
        words = words[1:]
    return words


def _found(field: RecordField, declared: _Declared, text: str) -> Found | None:
    own = name_words(field.name)
    meaning = _MEANING_OF.get(own, "")
    keys = [own, *(key for key in _KEYS.get(meaning, ()) if key != own)]
    told = [
        (key, one, CONFIDENCE[one.origin] * _sure_of(key, own, meaning))
        for key in keys
        for one in declared.get(key, ())
    ]
    if field.type is FieldType.LIST:
        return _listed(field, told, meaning, text)
    for _, one, sure in told:
        value = _single(field, one.value, meaning)
        if value is not None:
            return Found(value, sure, (("", one.words or _standing(value, text)),), one.key)
    return None


def _sure_of(key: Words, own: Words, meaning: str) -> float:
    return 1.0 if key == own or key in _KEYS.get(meaning, ())[:1] else _MEANT


def _listed(
    field: RecordField, told: Sequence[tuple[Words, Declaration, float]], meaning: str, text: str
) -> Found | None:
    """All that is declared, each once; who holds the rights is who wrote it only where nobody else
    is named, and so is an address without a name."""
    entries: dict[RecordAnswer, tuple[str, float]] = {}
    sign = ""
    for key, one, sure in told:
        if entries and key == _HOLDER and meaning != "copyright":
            continue
        named = bool(entries) and key[-1] == "email"
        for entry in _entries(field, one.value, meaning, named=named):
            entries.setdefault(entry, (one.words, sure))
            sign = sign or one.key
    if not entries:
        return None
    kept = [*entries.items()][:MAX_ENTRIES]
    quotes = tuple(
        (
            f"[{place}]" if name == ENTRY and field.plain else f"[{place}].{name}",
            words or _standing(value, text),
        )
        for place, (entry, (words, _)) in enumerate(kept)
        for name, value in entry.values
    )
    sure = sum(one for _, (_, one) in kept) / len(kept)
    return Found(tuple(entry for entry, _ in kept), sure, quotes, sign)


def _standing(value: FieldValue, text: str) -> str:
    """The value as a quote, where it stands in the text as it is."""
    return value if isinstance(value, str) and value in text else ""


def _single(field: RecordField, value: Any, meaning: str) -> FieldValue | None:
    for part in _parts(value, meaning):
        words = part.get("text", "")
        if meaning in _OF_LINKS and field.type is FieldType.TEXT and "url" not in part:
            continue
        if meaning in _OF_LINKS and "url" in part:
            words = part["url"]
        typed_value = _value(words, field) if words else None
        if typed_value is not None:
            return typed_value
    return None


def _value(words: str, field: RecordField) -> FieldValue | None:
    """What is declared as text stays as it is written; other types are read from it."""
    return coerced(words, field) if field.type is FieldType.TEXT else typed(words, field)


def _entries(
    field: RecordField, value: Any, meaning: str, *, named: bool
) -> Iterator[RecordAnswer]:
    """The entries in what is declared; only people with names where ``named``."""
    if not meaning and not field.plain:
        # what is declared in the same structure
        listed = coerced(value, field)
        yield from listed if isinstance(listed, tuple) else ()
        return
    for part in _parts(value, meaning):
        if meaning in _OF_LINKS and "url" not in part:
            continue
        if named and part.get("mail") == part.get("text"):
            continue
        entry = _entry(field, part, meaning)
        if entry:
            yield entry


_PART_NAMES: Final = {
    "mail": ("email",),
    "url": ("url", "link", "address", "href", "homepage"),
    "label": ("label", "title", "name", "kind", "type"),
    "text": ("name", "person", "value", "text", "title", "author", "tag", "keyword"),
}


def _entry(field: RecordField, part: Mapping[str, str], meaning: str) -> RecordAnswer:
    if field.plain:
        words = part["url"] if meaning in _OF_LINKS else part.get("text", "")
        value = _value(words, field.fields[0]) if words else None
        return RecordAnswer(() if value is None else ((ENTRY, value),))
    values = []
    for one in field.fields:
        name = name_words(one.name)
        kind = next(
            (
                kind
                for kind, names in _PART_NAMES.items()
                if kind in part and name[-1:] and name[-1] in names
            ),
            "",
        )
        value = _value(part[kind], one) if kind else None
        if value is not None:
            values.append((one.name, value))
    return RecordAnswer(tuple(values))


def _parts(value: Any, meaning: str) -> Iterator[dict[str, str]]:
    """The single things in what is declared: as text, with mail, url and label where it has any."""
    if isinstance(value, list | tuple):
        for one in value[:MAX_ENTRIES]:
            # lists in lists declare nothing
            if not isinstance(one, list | tuple):
                yield from _parts(one, meaning)
    elif isinstance(value, Mapping):
        yield from _of_mapping(value, meaning)
    elif isinstance(value, bool):
        yield {"text": "true" if value else "false"}
    elif value is not None and (words := " ".join(str(value).split())):
        if meaning in _OF_PEOPLE:
            yield from people_in(words)
        elif meaning in _OF_LINKS:
            yield from _links_in(words)
        elif meaning == "tags":
            yield from ({"text": one} for one in _tags_in(words))
        else:
            yield {"text": _REPLY.sub("", words) if meaning == "title" else words}


def _of_mapping(value: Mapping[str, Any], meaning: str) -> Iterator[dict[str, str]]:
    texts = {str(key).lower(): one for key, one in value.items() if isinstance(one, str) and one}
    given = " ".join(
        texts[key] for key in ("given-names", "name-particle", "family-names") if key in texts
    )
    name = texts.get("name") or given or texts.get("text") or texts.get("id") or ""
    if meaning in _OF_LINKS:
        for label, words in texts.items():
            for link in _links_in(words):
                yield {**link, "label": label}
    elif name or "email" in texts:
        mail = {"mail": texts["email"]} if "email" in texts else {}
        yield {"text": name or texts["email"], **mail}


def people_in(words: str) -> Iterator[dict[str, str]]:
    """The people of a text such as ``Ann Smith <ann@example.org>, Bob Jones``: each as text, with
    mail where it stands there. A comma parts them where words with a space stand on both sides."""
    for group in _BETWEEN_PEOPLE.split(words):
        parts = group.split(",")
        whole = all(" " in part.strip() or "@" in part for part in parts)
        for part in parts if whole else [group]:
            mail = _ADDRESS.search(part)
            name = _ADDRESS.sub(" ", part) if mail else part
            name = " ".join(name.split()).strip(" \"'<>()[],")
            if (name or mail) and name.lower().rstrip(".") not in _NOBODY:
                address = {"mail": mail["mail"]} if mail else {}
                yield {"text": name or (mail["mail"] if mail else ""), **address}


def _links_in(words: str) -> Iterator[dict[str, str]]:
    for found in _URL.finditer(words):
        url = found.group().rstrip(".,;)>")
        label = words[: found.start()].strip(" ,:<(")
        yield {"text": url, "url": url, **({"label": label} if label else {})}


def _tags_in(words: str) -> list[str]:
    words = words.strip("[]")
    parts = _BETWEEN_TAGS.split(words) if "," in words or ";" in words else words.split()
    return [one for one in parts if one][:MAX_ENTRIES]


def _is_functions(field: RecordField) -> bool:
    return field.type is FieldType.LIST and name_words(field.name) in _FUNCTIONS


_FUNCTION_PARTS: Final = {
    "name": "name function method title",
    "parameters": "parameter param argument arg signature input",
    "description": "description summary docstring doc purpose comment documentation",
    "owner": "class owner type",
    "returns": "return result output",
    "line": "line",
}
_PART_OF: Final = {name: part for part, names in _FUNCTION_PARTS.items() for name in names.split()}


def _functions(field: RecordField, text: str, language: str) -> Found | None:
    read = source_functions(text, language if language in LANGUAGES else guessed_language(text))
    entries: list[RecordAnswer] = []
    quotes: list[tuple[str, str]] = []
    for one in read.functions:
        entry = _function_entry(field, one)
        if entry:
            quotes += [
                (
                    f"[{len(entries)}]{'' if field.plain else f'.{name}'}",
                    one.description if value == one.description in text else one.words,
                )
                for name, value in entry.values
                if not isinstance(value, tuple)
            ]
            entries.append(entry)
    if not entries:
        return None
    sure = _SURE_FUNCTIONS if read.is_whole else _SURE_WITH_ERRORS
    return Found(tuple(entries), sure, tuple(quotes), read.functions[0].name)


def _function_entry(field: RecordField, function: SourceFunction) -> RecordAnswer:
    if field.plain:
        value = coerced(function.name, field.fields[0])
        return RecordAnswer(() if value is None else ((ENTRY, value),))
    values = []
    for one in field.fields:
        words = name_words(one.name)
        part = _PART_OF.get(words[-1], "") if words else ""
        given = getattr(function, part) if part else None
        if part == "parameters" and one.type is not FieldType.LIST:
            given = ", ".join(function.parameters)
        value = coerced(list(given) if isinstance(given, tuple) else given, one) if given else None
        if value is not None:
            values.append((one.name, value))
    return RecordAnswer(tuple(values))
