"""An invented key, and the ways in which servers write it into what they say."""

import base64
import html
import json
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

KEY: Final = "sk-notreal-0A1b2C3d4E5f+6G7h/8I9j=end"


def _lines(text: str, size: int) -> str:
    return "\n".join(text[at : at + size] for at in range(0, len(text), size))


FORMS: Final[dict[str, Callable[[str], str]]] = {
    "as it is": str,
    "with its scheme": lambda key: f"Bearer {key}",
    "in capitals": str.upper,
    "escaped as in JSON": lambda key: "".join(f"\\u{ord(one):04x}" for one in key),
    "signs escaped as in JSON": lambda key: (
        json.dumps(key).replace("/", "\\/").replace("+", "\\u002b")
    ),
    "escaped twice": lambda key: "".join(f"\\\\u{ord(one):04X}" for one in key),
    "escaped by bytes": lambda key: "".join(f"\\x{ord(one):02x}" for one in key),
    "escaped by octal numbers": lambda key: "".join(f"\\{ord(one):03o}" for one in key),
    "escaped in braces": lambda key: "".join(f"\\u{{{ord(one):x}}}" for one in key),
    "in an address": lambda key: quote(key, safe=""),
    "in an address, twice": lambda key: quote(quote(key, safe=""), safe=""),
    "every sign as in an address": lambda key: "".join(f"%{ord(one):02x}" for one in key),
    "in HTML": lambda key: html.escape(key.replace("+", "&plus;")).replace("&amp;", "&"),
    "by numbers in HTML": lambda key: "".join(f"&#{ord(one)};" for one in key),
    "by hexadecimal numbers in HTML": lambda key: "".join(f"&#x{ord(one):x};" for one in key),
    "in base64": lambda key: base64.b64encode(key.encode()).decode(),
    "in base64 for addresses": lambda key: (
        base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    ),
    "in base64 behind a user": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "in base64 behind a letter": lambda key: base64.b64encode(f"u{key}".encode()).decode(),
    "in base64 twice": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "in hexadecimal": lambda key: key.encode().hex(),
    "in hexadecimal capitals": lambda key: key.encode().hex().upper(),
    "in base64 in short lines": lambda key: _lines(base64.b64encode(key.encode()).decode(), 8),
    "in short lines": lambda key: _lines(key, 7),
    "spaced": " ".join,
    "dashed": "-".join,
    "with letters of no width": "\u200b".join,
    "in full width": lambda key: "".join(chr(ord(one) + 0xFEE0) for one in key),
    "in hexadecimal with commas": lambda key: key.encode().hex(","),
    "in hexadecimal as numbers": lambda key: " ".join(hex(one) for one in key.encode()),
    "in hexadecimal as numbers in a list": lambda key: ", ".join(hex(one) for one in key.encode()),
    "its beginning": lambda key: key[:12] + "...",
    "its end": lambda key: "..." + key[-10:],
    "its middle": lambda key: "***" + key[9:20] + "***",
}
