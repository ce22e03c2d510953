"""Notebooks are read as their cells, with code in its own grammar; broken ones in part."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.enums import Family
from resources.notebooks import as_markdown, is_notebook
from resources.prose import prose_of


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
    assert as_markdown(notebook()) == (
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
    assert "```rust" in as_markdown(notebook("rust"))


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_broken_notebook_gives_the_cells_that_are_whole(keep: float) -> None:
    text = notebook()
    assert as_markdown(text[: int(len(text) * keep)]).startswith("# Rain")


@given(text=st.text(max_size=40), language=st.sampled_from(["", "python", "\\", '"']))
def test_any_cell_is_read(text: str, language: str) -> None:
    whole = json.dumps(
        {"cells": [{"cell_type": "markdown", "source": [text]}], "language": language}
    )
    assert is_notebook(whole)
    assert as_markdown(whole) == (text if text.strip() else "")


def test_hostile_notebooks_are_given_up() -> None:
    assert as_markdown('{"cells":[{"cell_type":"code","source":["' * 50_000) == ""
    deep = '{"cell_type": "code", "source": ' + "[" * 60_000 + "},"
    assert as_markdown('{"cells": [' + deep * 30) == ""
