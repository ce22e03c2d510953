"""Short texts that are much alike, compressed one by one against words that they share."""

import zlib
from typing import Final

_PACKED: Final = b"\x01"
_WINDOW_BITS: Final = -12  # no header; 4 KiB, more than such texts and their words have together
_MEMORY_LEVEL: Final = 5
_LEVEL: Final = 6
# nothing that is kept here is larger: what claims to be is damaged
_MOST_BYTES: Final = 1 << 26

ANSWER_WORDS: Final = (
    b"characters, sentences, words, such as of the content \\u201c, \\u201d, \\u201c of prose"
    b'"alternatives":[{"answer":"","confidence":0.0},{"answer":"","confidence":0.5}],"evidence":'
    b'{"status":"abstained","answer":null,"confidence":null,"alternatives":[],"evidence":null,'
    b'"reason":"{"status":"ok","answer":["","answer":"","confidence":0.9,"alternatives":[],'
    b'"evidence":"","reason":null}'
)
"""What encoded answers have in common. What is stored can be read with these very bytes only."""


def packed(text: bytes, words: bytes) -> bytes:
    """The text as it is stored."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zdict=words)
    return _PACKED + compressor.compress(text) + compressor.flush()


def unpacked(stored: bytes, words: bytes) -> bytes:
    """What was packed; what does not begin as such is given back as it is.

    Raises ValueError for what is damaged.
    """
    if not stored.startswith(_PACKED):
        return stored
    decompressor = zlib.decompressobj(_WINDOW_BITS, words)
    try:
        text = decompressor.decompress(stored[len(_PACKED) :], _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"not what was packed: {error}") from error
    if not decompressor.eof:
        raise ValueError("not what was packed: it is cut short, or too large")
    return text
