"""Notebooks are read as their cells, with code in its own grammar; broken ones in part."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.enums import Family
from orchestration_assets.text.notebooks import is_notebook, notebook_as_markdown
from orchestration_assets.text.prose import prose_of


def notebook(language: str = "python") -> str:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Rain\n", "It *rained* all day."]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "outputs": [{"data": {"image/png": "iVBOR" * 2000}, "output_type": "display_data"}],
            "source": "%matplotlib inline\nimport os\n\ndef f(a):\n    return a and 1\n",
        },
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": []},
        {"cell_type": "raw", "metadata": {}, "source": ['a "source": ["quoted"]']},
    ]
    about = {"kernelspec": {"language": language, "name": "k"}}
    return json.dumps({"cells": cells, "metadata": about, "nbformat": 4}, indent=1)


def test_a_notebook_becomes_markdown() -> None:
    assert is_notebook(notebook())
    assert not is_notebook('{"cells": 3}')
    assert notebook_as_markdown(notebook()) == (
        "# Rain\nIt *rained* all day.\n\n"
        "```python\n\nimport os\n\ndef f(a):\n    return a and 1\n```\n\n"
        'a "source": ["quoted"]'
    )
    assert prose_of(notebook(), Family.MARKUP).startswith("Rain\nIt rained all day.")


def test_its_profile_is_that_of_its_cells() -> None:
    text = notebook()
    found = profile("a.ipynb", text, size_bytes=len(text)).features
    assert (found["family"], found["language_guess"]) == ("markup", "markdown")
    assert found["char_count"] == len(text)
    assert found["heading_count"] == found["function_count"] == found["import_count"] == 1
    assert found["cyclomatic_max"] == 2
    assert int(found["word_count"] or 0) < 40
    unnamed = profile("a", text, size_bytes=len(text)).features
    assert unnamed["function_count"] == 1


def test_another_kernel_has_another_grammar() -> None:
    assert "```rust" in notebook_as_markdown(notebook("rust"))


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_broken_notebook_gives_the_cells_that_are_whole(keep: float) -> None:
    text = notebook()
    assert notebook_as_markdown(text[: int(len(text) * keep)]).startswith("# Rain")


@given(text=st.text(max_size=40), language=st.sampled_from(["", "python", "\\", '"']))
def test_any_cell_is_read(text: str, language: str) -> None:
    whole = json.dumps(
        {"cells": [{"cell_type": "markdown", "source": [text]}], "language": language}
    )
    assert is_notebook(whole)
    assert notebook_as_markdown(whole) == (text if text.strip() else "")


def test_the_order_of_keys_does_not_matter() -> None:
    cells = [
        {"source": ["# First\n"], "cell_type": "markdown", "metadata": {}},
        {"outputs": [], "source": ["print(1)"], "metadata": {}, "cell_type": "code"},
        {"source": "Some words.", "cell_type": "markdown"},
        {"metadata": {}, "cell_type": "markdown"},
        {"source": 7, "cell_type": "markdown"},
        {"source": ["no kind"]},
    ]
    expected = "# First\n\n\n```python\nprint(1)\n```\n\nSome words."
    for first in ("nbformat", "metadata", "cells", "title"):
        others = {"nbformat": 4, "metadata": {}, "title": "t", "cells": cells}
        whole = {first: others[first], **others}
        text = json.dumps(whole)
        assert is_notebook(text)
        assert notebook_as_markdown(text) == expected
        assert notebook_as_markdown(text + "}") == expected, "as is one that is broken at its end"


def test_a_key_that_comes_twice_counts_as_json_counts_it() -> None:
    text = (
        '{"nbformat": 4, "cells": [{"cell_type": "code", "source": "draft", '
        '"cell_type": "markdown", "source": "Final."}]}'
    )
    assert notebook_as_markdown(text) == "Final."
    assert notebook_as_markdown(text[:-1]) == "Final."


def test_format_3_has_worksheets_inputs_and_headings() -> None:
    sheets = [
        {
            "cells": [
                {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Rain"]},
                {"cell_type": "markdown", "source": ["It rained."]},
                {
                    "cell_type": "code",
                    "input": ["x <- 1\n", "y <- x"],
                    "language": "R",
                    "outputs": [{"cells": [{"cell_type": "markdown", "source": "not a cell"}]}],
                    "prompt_number": 1,
                },
            ]
        },
        {"cells": [{"cell_type": "markdown", "source": "Another sheet."}]},
    ]
    document = {"metadata": {"name": ""}, "nbformat": 3, "worksheets": sheets}
    expected = "## Rain\n\nIt rained.\n\n```r\nx <- 1\ny <- x\n```\n\nAnother sheet."
    for text in (json.dumps(document), json.dumps(dict(reversed(document.items())))):
        assert is_notebook(text)
        assert notebook_as_markdown(text) == expected
        assert notebook_as_markdown(text[:-1]) == expected


def test_a_notebook_without_cells_is_one() -> None:
    empty = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert is_notebook(empty)
    assert notebook_as_markdown(empty) == ""
    assert profile("a.ipynb", empty, size_bytes=len(empty)).features["family"] == "markup"


def test_json_about_notebooks_is_none() -> None:
    schema = {"properties": {"cells": {"type": "array"}, "cell_type": {"enum": ["code"]}}}
    assert not is_notebook(json.dumps(schema))
    assert not is_notebook("[" + notebook() + "]")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "cells",
                    "cell_type",
                    "source",
                    "input",
                    "worksheets",
                    "metadata",
                    "language",
                    "level",
                ]
            ),
            inner | st.sampled_from(["code", "markdown", "heading"]),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(document=JSON, cut=st.integers(0, 400))
def test_any_document_is_read_without_an_exception(document: object, cut: int) -> None:
    text = json.dumps(document)
    for part in (text, text[:cut], text + text):
        is_notebook(part)
        assert isinstance(notebook_as_markdown(part), str)


def test_hostile_notebooks_are_given_up() -> None:
    assert notebook_as_markdown('{"cells":[{"cell_type":"code","source":["' * 50_000) == ""
    deep = '{"cell_type": "code", "source": ' + "[" * 60_000 + "},"
    assert notebook_as_markdown('{"cells": [' + deep * 30) == ""
