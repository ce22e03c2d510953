"""The text encodings that content may be in: which are allowed at all, and which are tried."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True, slots=True)
class CodePage:
    """An encoding that is tried, and how much rarer it is than the commonest, in nats."""

    name: str
    cost: float
    languages: frozenset[str] | None = None
    """Models of many characters that it is for; None for one byte a character."""
    western: bool = False
    """Whether languages of Western Europe are at home in it."""


# Of one byte a character: cost and names. First what most systems wrote.
_WESTERN: Final = {
    0.0: "cp1252",
    1.0: "iso8859-1 iso8859-15",
    1.5: "cp850 cp437 mac-roman",
    2.5: "cp858 cp860 cp861 cp863 cp865 iso8859-14 mac-iceland",
}
_REGIONAL: Final = {
    0.0: "cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp874 koi8-r",
    1.0: "iso8859-2 iso8859-5 iso8859-7 iso8859-8 iso8859-9 koi8-u cp866",
    1.5: "cp1258 iso8859-6 iso8859-13 iso8859-4 iso8859-16 cp852",
    2.0: "cp737 cp775 cp855 cp857 cp862 cp1125 mac-cyrillic mac-greek mac-latin2 mac-turkish",
    2.5: "iso8859-3 iso8859-10 kz1048",
    3.0: "cp720 cp864 cp869 ptcp154 koi8-t",
}
_MANY: Final = (
    ("cp932", 0.0, ("ja",)),
    ("shift_jis_2004", 3.0, ("ja",)),
    ("euc_jp", 0.0, ("ja",)),
    ("gb18030", 0.0, ("zh_CN", "zh_TW")),
    ("cp950", 0.0, ("zh_TW",)),
    ("big5hkscs", 2.0, ("zh_TW",)),
    ("cp949", 0.0, ("ko",)),
    ("euc_kr", 0.5, ("ko",)),
    ("johab", 3.0, ("ko",)),
)

SINGLE_BYTE: Final[tuple[CodePage, ...]] = tuple(
    CodePage(name, cost, western=western)
    for western, pages in ((True, _WESTERN), (False, _REGIONAL))
    for cost, names in pages.items()
    for name in names.split()
)
WESTERN: Final = SINGLE_BYTE[0]
"""The commonest of them."""
MULTI_BYTE: Final[tuple[CodePage, ...]] = tuple(
    CodePage(name, cost, frozenset(languages)) for name, cost, languages in _MANY
)
SEVEN_BIT: Final = (
    ("iso2022_jp", b"\x1b$"),
    ("iso2022_jp_ext", b"\x1b$"),
    ("iso2022_jp_2", b"\x1b$"),
    ("iso2022_jp_2004", b"\x1b$"),
    ("iso2022_kr", b"\x1b$)C"),
    ("hz", b"~{"),
)
"""Seven-bit encodings that switch between character sets, and the bytes that switch."""

_UNICODE: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
# Declared by old documents, though nothing is guessed to be in them.
_ONLY_DECLARED: Final = "iso8859-11 tis-620 cp856 cp1006 hp-roman8 mac-croatian mac-romanian"
_OTHER_NAMES: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(languages.split())
    for languages, names in (
        ("ja", "shift_jis shift_jisx0213 euc_jisx0213 euc_jis_2004"),
        ("zh_CN", "gb2312 gbk"),
        ("zh_TW", "big5"),
    )
    for name in names.split()
}


def declared_page(name: str) -> CodePage:
    """The page for an encoding that content declares."""
    return CodePage(name, 0.0, _OTHER_NAMES.get(name))


def _canonical_names(names: list[str]) -> frozenset[str]:
    found = set()
    for name in names:
        try:
            found.add(codecs.lookup(name).name)
        except LookupError:
            # an interpreter may be built without some of them
            continue
    return frozenset(found)


@cache
def declarable() -> frozenset[str]:
    """The canonical names of the encodings that a declaration is believed of.

    Those of Unicode are none: what they read needs no declaration, or could not declare itself.
    """
    tried = [page.name for page in (*SINGLE_BYTE, *MULTI_BYTE)]
    return _canonical_names([*tried, *_ONLY_DECLARED.split(), *_OTHER_NAMES])


@cache
def text_encodings() -> frozenset[str]:
    """The canonical names of all encodings that content may be read with.

    Python's other codecs are none: they transform text (``rot13``, ``hex``), interpret escapes
    (``unicode_escape``), or are for names (``idna``), and do not give back
    the bytes that they read.
    """
    return declarable() | _canonical_names([*_UNICODE, *(name for name, _ in SEVEN_BIT)])
