"""Texts that are content too: whatever reads an item must not raise on them."""

from typing import Final

AWKWARD_TEXTS: Final = (
    "",
    " \n\t\n ",
    "\ufeff",
    "\ud800\udfff lone \udc80 surrogates in the text",
    "\x00\x01\x02 control \x1b[31m",
    "#!",
    "#!/usr/bin/env",
    "[" * 20_000,
    '{"a":' * 5_000,
    "<" * 20_000,
    "`" * 9_000 + "[" * 9_000,
    "\n" * 30_000,
    "a" * 200_000,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 500,
    "word, " * 50_000,
)
"""Empty, broken, deep, long and repetitive texts."""
