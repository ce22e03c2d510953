"""A folder of damaged files in 15 languages, the same for the same seed."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

SOURCES: Final = {
    "py": (
        "import os\n"
        "\n"
        "\n"
        "def size(path: str) -> int:\n"
        "    # how many bytes\n"
        "    return os.stat(path).st_size\n"
    ),
    "js": (
        "const http = require('http');\n"
        "function serve(port) {\n"
        "  return http.createServer().listen(port);\n"
        "}\n"
    ),
    "ts": (
        "interface Order { id: number; total: number }\n"
        "export const sum = (orders: Order[]): number =>\n"
        "  orders.reduce((a, b) => a + b.total, 0);\n"
    ),
    "go": (
        "package main\n"
        "\n"
        'import "fmt"\n'
        "\n"
        "func main() {\n"
        "\tfor i := 0; i < 3; i++ {\n"
        "\t\tfmt.Println(i)\n"
        "\t}\n"
        "}\n"
    ),
    "rs": (
        "fn main() {\n"
        "    let words: Vec<&str> = \"a b c\".split(' ').collect();\n"
        '    println!("{}", words.len());\n'
        "}\n"
    ),
    "java": (
        "public class Cart {\n"
        "  private int count;\n"
        "  public void add(int n) { if (n > 0) { count += n; } }\n"
        "}\n"
    ),
    "c": ('#include <stdio.h>\n\nint main(void) {\n  printf("%d\\n", 42);\n  return 0;\n}\n'),
    "cpp": (
        "#include <vector>\n"
        "template <typename T>\n"
        "class Stack {\n"
        "  std::vector<T> items_;\n"
        "\n"
        " public:\n"
        "  void push(T x) { items_.push_back(x); }\n"
        "};\n"
    ),
    "rb": (
        "class Greeter\n"
        "  def initialize(name)\n"
        "    @name = name\n"
        "  end\n"
        "\n"
        "  def greet\n"
        '    puts "Hello #{@name}"\n'
        "  end\n"
        "end\n"
    ),
    "sh": ('#!/bin/sh\nset -eu\nfor f in *.log; do\n  [ -s "$f" ] && gzip "$f"\ndone\n'),
    "json": (
        '{"order": 17, "lines": [{"sku": "kettle", "count": 2}], "paid": true, "note": null}\n'
    ),
    "yaml": (
        "version: 2\n"
        "jobs:\n"
        "  - name: build\n"
        "    steps: [checkout, test]\n"
        "  - name: ship\n"
        "    needs: build\n"
    ),
    "html": (
        "<!doctype html><html><head><title>Kettles</title></head>\n"
        "<body><h1>Kettles</h1><p>They whistle when the water boils.</p></body></html>\n"
    ),
    "css": ("@media (max-width: 40em) {\n  .menu > li { display: block; color: #333; }\n}\n"),
    "md": (
        "# Kettles\n"
        "\n"
        "A kettle that whistles is a kettle that works. See the\n"
        "[manual](manual.html).\n"
        "\n"
        "- fill it\n"
        "- heat it\n"
    ),
}


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _inserted(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    odd = chance.choice(
        [
            b"\x00" * 3,
            b"\x1b[31m",
            b"\xed\xa0\xbd",
            b"\xff\xfe",
            "\u202e\u2066".encode(),
            "\ufffe\U0010ffff".encode(),
            b"\r",
            b"\x85\x0c\x0b",
        ]
    )
    return data[:at] + odd + data[at:]


def _nested(data: bytes, chance: random.Random) -> bytes:
    opening = chance.choice([b"(", b"[", b"{", b"<div>", b"> ", b"- "])
    return data + opening * chance.choice([50, 2_000, 20_000]) + b"\n"


def _long_line(data: bytes, chance: random.Random) -> bytes:
    return data.replace(b"\n", b" ") * chance.choice([10, 100])


def _recoded(data: bytes, chance: random.Random) -> bytes:
    text = (
        data.decode("utf-8", "replace")
        + "# größer als übrig, señor; Größe ist größer als übrige Maße\n"
    )
    return text.encode(
        chance.choice(["utf-16", "utf-32", "latin-1", "cp1252", "utf-8-sig"]), "replace"
    )


def _declared(data: bytes, chance: random.Random) -> bytes:
    name = chance.choice(["unicode_escape", "utf-16", "rot13", "hex", "nonsense", "utf-7", "idna"])
    return f"# -*- coding: {name} -*-\n".encode() + data


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    return data * chance.choice([2, 20])


def _random(data: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(len(data))


_MUTATIONS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    *(_flipped, _flipped, _inserted, _inserted, _cut, _nested),
    *(_long_line, _recoded, _declared, _repeated, _random),
)
_NAMES: Final = (
    "{n}.{ext}",
    "{n} copy (1).{ext}",
    "ü{n}.{ext}",
    "{n}#part?x=%41.{ext}",
    "-{n}.{ext}",
)


def write_hostile_files(root: Path, count: int, seed: int) -> list[Path]:
    """Writes ``count`` files below ``root``: one of 15 languages each, mutated one to three times.

    Every tenth has the name of another language than its content.
    """
    chance = random.Random(seed)
    languages = sorted(SOURCES)
    written = []
    for number in range(count):
        language = languages[number % len(languages)]
        data = SOURCES[language].encode() + f"{number}\n".encode()
        for _ in range(chance.randint(1, 3)):
            if data:
                data = chance.choice(_MUTATIONS)(data, chance)
        extension = chance.choice(languages) if number % 10 == 0 else language
        name = chance.choice(_NAMES).format(n=number, ext=extension)
        path = root / language / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(path)
    return written
