"""The licence that a source file opens with is passed over; what tells of the file is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.content_excerpts import GAP, content_excerpt
from orchestration_assets.text.licence_comments import licence_end

MIT = """Copyright (c) 2019 The Foo Authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software, to deal in the Software without restriction.

The above copyright notice shall be included in all copies.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED.
"""
BSD = """Copyright 2021 The Bar Project. All rights reserved.
Use of this source code is governed by a BSD-style license that can be
found in the LICENSE file.
"""
GPL = """This program is free software: you can redistribute it and/or modify
it under the terms of the GNU General Public License.

It is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY.
"""
CODE = "\n".join(f"def read_{number}(path): return open(path)" for number in range(60))


def commented(text: str, mark: str) -> str:
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in text.splitlines())


FORMS = {
    "hashes": lambda text: commented(text, "#"),
    "slashes": lambda text: commented(text, "//"),
    "dashes": lambda text: commented(text, "--"),
    "semicolons": lambda text: commented(text, ";;"),
    "block": lambda text: f"/*\n{text}*/\n",
    "starred": lambda text: f"/*\n{commented(text, ' *')} */\n",
    "html": lambda text: f"<!--\n{text}-->\n",
    "shebang": lambda text: "#!/usr/bin/env tool\n" + commented(text, "#"),
    "docstring": lambda text: f'"""\n{text}"""\n',
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("licence", [MIT, BSD, GPL])
def test_an_excerpt_begins_behind_the_licence(form, licence) -> None:
    text = FORMS[form](licence) + "\nReads the tables of the shop.\n" + CODE
    assert text[licence_end(text) :].lstrip(' \n*/->"').startswith("Reads the tables")
    excerpt = content_excerpt(text, ["nothing of it"])
    assert excerpt.pieces[0].text == GAP
    assert "Reads the tables of the shop." in excerpt.as_text()
    assert "opyright" not in excerpt.as_text() and "WARRANTY" not in excerpt.as_text()


@pytest.mark.parametrize("form", ["hashes", "slashes", "starred", "block"])
def test_what_a_comment_says_beside_the_licence_is_the_beginning(form) -> None:
    behind = FORMS[form](f"{MIT}\nReads the tables of the shop.\n") + CODE
    assert behind[licence_end(behind) :].lstrip(" \n*/#").startswith("Reads the tables")
    before = FORMS[form](f"Reads the tables of the shop.\n\n{MIT}") + CODE
    assert licence_end(before) == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "telling",
    ['"""Reads the tables."""\n', "/* Reads the tables. */\n", "/**\n * Reads them.\n */\n"],
)
def test_a_comment_of_its_own_directly_behind_the_licence_is_the_beginning(form, telling) -> None:
    text = FORMS[form](BSD) + telling + CODE
    assert (
        text[licence_end(text) :]
        .lstrip()
        .removeprefix("*/")
        .removeprefix("-->")
        .lstrip('"\n')
        .startswith(telling.lstrip('"'))
    )


@pytest.mark.parametrize(
    "text",
    [
        "# Licence plates of Europe\n\nEvery country has its own.\n" + "They differ.\n" * 99,
        MIT * 3,
        commented(MIT, "#"),
        "import os\n" + commented(MIT, "#") + CODE,
        "- copyright law\n- licences\n" + "They differ.\n" * 99,
    ],
    ids=["heading", "plain", "nothing else", "behind code", "list"],
)
def test_a_text_that_is_about_licences_begins_where_it_begins(text) -> None:
    start = content_excerpt(text, ["nothing of it"]).pieces[0].text
    assert start != GAP and text.startswith(start[:20])


@given(st.text(alphabet='#/*-"\n aLicense©', max_size=300))
def test_it_ends_within_the_text_at_a_line(text) -> None:
    end = licence_end(text)
    assert end == 0 or text[end - 1] == "\n"


def test_what_a_licence_says_is_no_deciding_place_where_the_rest_says_something() -> None:
    text = commented(MIT, "#") + "\n# Sells software of the shop.\n" + CODE
    pieces = content_excerpt(text, ["shop software"]).pieces
    marked = [piece.text for piece in pieces if piece.marked]
    assert marked == ["software", "shop"]
    alone = content_excerpt(text, ["Foo Authors"])
    assert "Foo Authors" in [piece.text for piece in alone.pieces if piece.marked]
