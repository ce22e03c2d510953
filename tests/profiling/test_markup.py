"""The outline of markdown, reStructuredText, HTML and data; and the prose within them."""

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.markup import outline
from orchestration_assets.schemas.enums import Family
from orchestration_assets.text.prose import PROSE_CHARS, fenced_code, prose_of

MARKDOWN = """---
title: settings
---
# Head

Under
-----

Read *this* [guide](http://example.org/a) and `code`, {{name}}.

- one
- two
  1. three

| a | b |
|---|---|
| c | d |

```py
# no heading
- no item
```
<br>
"""
HTML = (
    "<!doctype html><html><head><title>T</title><script>var x;</script></head><body><h1>H</h1>"
    "<ul><li>a</li><li>b</li></ul><a href='x'>go</a><pre>code</pre><table><tr><td>1</table>"
)
RST = "Title\n=====\n\nSee `this <http://x>`_::\n\n    code\n\n* item\n"


def test_markdown() -> None:
    assert outline(MARKDOWN, Family.MARKUP, "md") == {
        "heading_count": 2,
        "list_item_count": 3,
        "table_row_count": 2,
        "code_fence_count": 1,
        "link_count": 1,
        "tag_count": 1,
    }


def test_html() -> None:
    found = outline(HTML, Family.MARKUP, "html")
    assert found["heading_count"] == found["table_row_count"] == found["link_count"] == 1
    assert found["list_item_count"] == 2
    assert found["code_fence_count"] == 1
    assert found["tag_count"] == 14


def test_restructured_text() -> None:
    found = outline(RST, Family.MARKUP, "rst")
    assert found["heading_count"] == found["code_fence_count"] == found["list_item_count"] == 1


def test_code_and_data_have_no_outline_but_rows() -> None:
    assert set(outline("# comment\n- x\n", Family.CODE, "py").values()) == {0}
    assert outline("a,b\n\n1,2\n", Family.DATA, "csv")["table_row_count"] == 2


def test_prose_of_markdown_leaves_out_what_is_not_read() -> None:
    prose = prose_of(MARKDOWN, Family.MARKUP)
    assert prose.split()[:4] == ["Head", "Under", "Read", "this"]
    for gone in ("settings", "example.org", "code", "name", "no heading", "br", "---"):
        assert gone not in prose
    assert "guide" in prose


def test_fenced_code_is_told_from_the_rest() -> None:
    text = (
        "a\n```py x\nb\n```\n~~~\n```\n~~~\n> ```rust\n> c\n> ```\n````sh\n```\nd\n````\n```js\ne"
    )
    assert fenced_code(text) == [
        ("py x", "b\n"),
        ("", "```\n"),
        ("rust", "> c\n"),
        ("sh", "```\nd\n"),
        ("js", "e\n"),
    ]
    assert fenced_code("no fence") == []


def test_prose_of_html_is_what_is_shown() -> None:
    assert prose_of(HTML, Family.MARKUP) == "T H a b go 1"


def test_prose_of_code_is_its_comments() -> None:
    python = '#!/bin/python\n"""Doc."""\nx = "# no"  # why\ny = a // b\n'
    assert prose_of(python, Family.CODE) == "Doc.\nwhy"
    c = '#include <x>\n/* block\n * two */\nint a; // end\nchar *u = "http://x";\n'
    assert prose_of(c, Family.CODE) == "block\ntwo\nend"


def test_prose_of_the_other_families() -> None:
    assert prose_of("a # b", Family.PROSE) == "a # b"
    assert prose_of("a,b", Family.DATA) == ""
    assert len(prose_of("a" * 2 * PROSE_CHARS, Family.PROSE)) == PROSE_CHARS


@given(text=st.text(st.characters(codec=None)), family=st.sampled_from(Family))
def test_prose_of_any_text(text: str, family: Family) -> None:
    assert isinstance(prose_of(text, family), str)


def test_elements_open_within_each_other_are_read_to_a_depth_of_256() -> None:
    shallow = "<!doctype html>" + "<div>" * 200 + "<h1>a</h1>" + "</div>" * 200 + "<h2>b</h2>"
    assert outline(shallow, Family.MARKUP, "html")["heading_count"] == 2
    deep = "<!doctype html><h1>a</h1>" + "<div>" * 300 + "<h2>b</h2>"
    assert outline(deep, Family.MARKUP, "html")["heading_count"] == 1
    # what ends by itself, or is closed again, is not open
    long = "<!doctype html><ul>" + "<li>x<br><p>y" * 900 + "</ul>" + "<b>a</b>" * 900 + "<h1>c"
    found = outline(long, Family.MARKUP, "html")
    assert (found["heading_count"], found["list_item_count"]) == (1, 900)
    assert prose_of(deep + "out of sight", Family.MARKUP) == "a"
