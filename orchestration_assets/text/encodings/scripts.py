"""Which script a character belongs to, by the blocks of Unicode that code pages can hold."""

from typing import Final

_SCRIPTS: Final = (
    # scripts by the blocks that code pages can hold: first code point, name
    (0x0000, "latin"),
    (0x0370, "greek"),
    (0x0400, "cyrillic"),
    (0x0530, "armenian"),
    (0x0590, "hebrew"),
    (0x0600, "arabic"),
    (0x0700, "other"),
    (0x0E00, "thai"),
    (0x0E80, "other"),
    (0x10A0, "georgian"),
    (0x1100, "hangul"),
    (0x1200, "other"),
    (0x1E00, "latin"),
    (0x1F00, "greek"),
    (0x2000, "other"),
    (0x3040, "kana"),
    (0x3100, "other"),
    (0x3400, "han"),
    (0xA000, "other"),
    (0xAC00, "hangul"),
    (0xD7B0, "other"),
    (0xF900, "han"),
    (0xFB00, "other"),
    (0xFB50, "arabic"),
    (0xFE00, "other"),
    (0xFE70, "arabic"),
    (0xFF00, "kana"),
    (0x20000, "han"),
)


def script_of(character: str) -> str:
    """The script whose block a character stands in."""
    code = ord(character)
    return next(name for start, name in reversed(_SCRIPTS) if code >= start)


EAST_ASIAN: Final = "east asian"
"""The writing of Chinese, Japanese and Korean, which mix scripts."""

_EAST_ASIAN_SCRIPTS: Final = frozenset(("han", "kana", "hangul"))


def writing_system_of(character: str) -> str:
    """The script of a character, those of Chinese, Japanese and Korean as one."""
    script = script_of(character)
    return EAST_ASIAN if script in _EAST_ASIAN_SCRIPTS else script
