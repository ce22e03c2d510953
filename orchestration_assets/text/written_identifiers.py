"""Finds identifiers in a text: of publications, standards, weaknesses, accounts and papers.

Where an identifier has check digits they must be right. Every pattern begins with letters or digits
of its own and is bounded, so the time is linear.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from orchestration_assets.text.sensitive.numbers import ibans
from orchestration_assets.text.sensitive.spans import character_classes, lowercase
from orchestration_assets.text.written_urls import without_end_signs


class IdentifierScheme(StrEnum):
    """Who gives an identifier; ``code`` is any number of a paper, such as that of an invoice."""

    DOI = "doi"
    ISBN = "isbn"
    CVE = "cve"
    RFC = "rfc"
    ARXIV = "arxiv"
    IBAN = "iban"
    CODE = "code"


class WrittenIdentifier(NamedTuple):
    """An identifier with its place in the text; ``name`` is written as its scheme writes it."""

    start: int
    end: int
    name: str
    scheme: IdentifierScheme


_DOI: Final = re.compile(r"10\.(?<![\d.]10\.)\d{4,9}/[^\s\"<>{}|\\^`]{1,200}")
_CVE: Final = re.compile(r"(?<!\w)CVE-\d{4}-\d{4,7}(?!\w)", re.IGNORECASE | re.ASCII)
_RFC: Final = re.compile(r"RFC(?<!\wRFC)[ -]?(?P<number>\d{1,5})(?![\w])", re.ASCII)
_ARXIV: Final = re.compile(
    r"(?<!\w)arxiv(?:\.org/(?:abs|pdf)/|:[ ]?)"
    r"(?P<number>\d{4}\.\d{4,5}(?:v\d{1,3})?|[a-z-]{2,12}(?:\.[A-Z]{2})?/\d{7}(?:v\d{1,3})?)"
    r"(?![\w/])",
    re.IGNORECASE | re.ASCII,
)
_ISBN: Final = re.compile(
    r"(?<![\w-])(?:(?P<word>ISBN(?:-1[03])?)[: ]{0,3})?"
    r"(?P<number>(?:97[89][- ]?)?\d(?:[- ]?\d){8}[- ]?[\dX])(?![\w-])",
    re.ASCII,
)
# capitals and figures, in groups; at least three figures, or a word such as invoice before
_TOKEN: Final = re.compile(r"[A-Z\d][A-Z\d/-]{2,80}", re.ASCII)
_CODE: Final = re.compile(
    r"(?:[A-Z]{1,8}[-/]?\d{1,12}|\d{1,12}[-/]?[A-Z]{1,8})(?:[-/]?[A-Z\d]{1,12}){0,5}", re.ASCII
)
_NOT_BEFORE: Final = frozenset("./:@#&=-_")
_NOT_AFTER: Final = re.compile(r"[\w/@=-]|\.\w")
_CALLED: Final = re.compile(
    r"(?:invoice|order|contract|ticket|case|ref(?:erence)?|customer|account|rechnung|facture|number"
    r"|no|nr|id|\#)[\s.:#]{1,4}(?:(?:no|nr|number)[\s.:#]{1,4})?\Z",
    re.IGNORECASE,
)
_CALLED_CHARS: Final = 24
_LEAST_FIGURES: Final = 3
# names of standards, formats and sizes, which number no paper
_NO_CODES: Final = re.compile(
    r"(?:UTF|ISO|IEC|IEEE|ANSI|SHA|MD|AES|RSA|DES|CRC|PEP|RFC|CVE|USB|HTTP|TLS|SSL|IPV|UCS|KOI|CP"
    r"|WINDOWS|LATIN|COVID|MPEG|MP|H|X|WIN|ARM|AMD|INT|UINT|FLOAT|Q|PY|PYTHON|E|EN|DIN|BCP|STD|FIPS"
    r"|NGC|ECMA|ES|PKCS|RS|UNICODE|U)[-/ ]?\d"
)
_COUNTED: Final = re.compile(r"\d+(?:PX|PT|EM|KB|MB|GB|TB|K|M|G|MS|NS|S|HZ|KHZ|MHZ|GHZ|X|D|H|TH)")


def written_identifiers(text: str) -> Iterator[WrittenIdentifier]:
    """The identifiers of a text in their order; what two schemes claim is the earlier scheme's."""
    found = sorted(_all(text), key=lambda one: (one.start, one.scheme is IdentifierScheme.CODE))
    done = -1
    for one in found:
        if one.start >= done:
            yield one
            done = one.end


def _all(text: str) -> Iterator[WrittenIdentifier]:
    for found in _DOI.finditer(text):
        name = without_end_signs(found.group())
        yield WrittenIdentifier(
            found.start(), found.start() + len(name), name, IdentifierScheme.DOI
        )
    if "978" in text or "979" in text or "ISBN" in text:
        yield from _isbns(text)
    lower = lowercase(text)
    for found in _CVE.finditer(text) if "cve-" in lower else ():
        yield WrittenIdentifier(*found.span(), found.group().upper(), IdentifierScheme.CVE)
    for found in _RFC.finditer(text):
        number = found["number"].lstrip("0")
        yield WrittenIdentifier(*found.span(), f"RFC {number}", IdentifierScheme.RFC)
    for found in _ARXIV.finditer(text) if "arxiv" in lower else ():
        yield WrittenIdentifier(*found.span(), f"arXiv:{found['number']}", IdentifierScheme.ARXIV)
    for start, end in ibans(text, character_classes(text)):
        yield WrittenIdentifier(
            start, end, re.sub(r"[ -]", "", text[start:end]), IdentifierScheme.IBAN
        )
    yield from _codes(text)


def _isbns(text: str) -> Iterator[WrittenIdentifier]:
    for found in _ISBN.finditer(text):
        plain = re.sub(r"[- ]", "", found["number"])
        called = found["word"] is not None
        if (len(plain) == 13 and is_isbn13(plain)) or (
            len(plain) == 10 and called and is_isbn10(plain)
        ):
            yield WrittenIdentifier(*found.span(), plain, IdentifierScheme.ISBN)


def is_isbn13(digits: str) -> bool:
    """Whether the check digit of 13 figures is right (ISO 2108)."""
    if not digits.isascii() or not digits.isdigit():
        return False
    return sum(int(digit) * (1, 3)[n % 2] for n, digit in enumerate(digits)) % 10 == 0


def is_isbn10(characters: str) -> bool:
    """Whether the last of ten characters is the right check digit, X for ten."""
    values = [10 if sign == "X" else int(sign) for sign in characters]
    return 10 not in values[:-1] and sum((10 - n) * v for n, v in enumerate(values)) % 11 == 0


def _codes(text: str) -> Iterator[WrittenIdentifier]:
    for token in _TOKEN.finditer(text):
        name, start = token.group(), token.start()
        before = text[start - 1 : start]
        if name.isalpha() or before.isalnum() or before in _NOT_BEFORE:
            continue
        name = name.rstrip("-/")
        end = start + len(name)
        if not _CODE.fullmatch(name) or _NOT_AFTER.match(text, end) or name.isdigit():
            continue
        if _NO_CODES.match(name) or _COUNTED.fullmatch(name):
            continue
        called = _CALLED.search(text, max(0, start - _CALLED_CHARS), start)
        if sum(map(str.isdigit, name)) >= _LEAST_FIGURES or called:
            yield WrittenIdentifier(start, end, name, IdentifierScheme.CODE)
