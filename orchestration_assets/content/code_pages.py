"""The text encodings that content may be in: which are allowed at all, and which are tried."""

import codecs
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CodePage:
    """An encoding that is tried, and how much rarer it is than the commonest, in nats."""

    name: str
    cost: float
    languages: frozenset[str] | None = None
    """Models of many characters that it is for; None for one byte a character."""


_SINGLE: Final = {
    # one for each script is what most systems wrote
    0.0: "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp874 koi8-r",
    1.0: "iso8859-1 iso8859-2 iso8859-5 iso8859-7 iso8859-8 iso8859-9 iso8859-15 koi8-u cp866",
    1.5: "cp1258 iso8859-6 iso8859-13 iso8859-4 iso8859-16 cp850 cp852 cp437 mac-roman",
    2.0: "cp737 cp775 cp855 cp857 cp862 cp1125 mac-cyrillic mac-greek mac-latin2 mac-turkish",
    2.5: "cp858 cp860 cp861 cp863 cp865 iso8859-3 iso8859-10 iso8859-14 kz1048 mac-iceland",
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
    ("johab", 3.0, ("ko",)),
)

SINGLE_BYTE: Final[tuple[CodePage, ...]] = tuple(
    CodePage(name, cost) for cost, names in _SINGLE.items() for name in names.split()
)
MULTI_BYTE: Final[tuple[CodePage, ...]] = tuple(
    CodePage(name, cost, frozenset(languages)) for name, cost, languages in _MANY
)
SHIFTED: Final = ("iso2022_jp_2004", "iso2022_jp_ext", "iso2022_kr")
"""Seven-bit encodings that switch between character sets by escape sequences."""

# Declared by old documents, though nothing is guessed to be in them.
_ONLY_DECLARED: Final = (
    "ascii utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be "
    "iso8859-11 tis-620 cp1006 cp1140 cp037 cp273 cp424 cp500 cp875 cp1026 cp856 "
    "shift_jis shift_jisx0213 euc_jisx0213 euc_jis_2004 gb2312 gbk big5 euc_kr hz hp-roman8 "
    "iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_3 mac-croatian mac-romanian mac-farsi "
    "mac-arabic"
)


def _known(names: list[str]) -> frozenset[str]:
    found = set()
    for name in names:
        try:
            found.add(codecs.lookup(name).name)
        except LookupError:
            # an interpreter may be built without some of them
            continue
    return frozenset(found)


def text_encodings() -> frozenset[str]:
    """The canonical names of all encodings that content may be read with.

    Python's other codecs are none: they transform text (``rot13``, ``hex``), interpret escapes
    (``unicode_escape``), or are for names (``idna``), and do not give back the bytes that they read.
    """
    tried = [page.name for page in (*SINGLE_BYTE, *MULTI_BYTE)]
    return _known([*tried, *SHIFTED, *_ONLY_DECLARED.split()])
