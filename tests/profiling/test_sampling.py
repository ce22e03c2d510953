"""What is read of a long text: within the budget, from its beginning and from all over it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.sampling import sample, sample_evenly, sample_start, sections
from tests.profiling.samples import standard_library

CHARS = 4096
TEXTS = st.lists(
    st.sampled_from(["\n", "\n\n", "def f():\n", "# h\n", "```\n", '"""', "word " * 90, "x" * 700])
    | st.text(st.characters(codec=None), max_size=20),
    min_size=1,
    max_size=60,
).map(lambda parts: "".join(parts) * (1 + CHARS // max(len("".join(parts)), 1)) + "\n")


@given(text=TEXTS)
def test_a_sample_is_of_the_text_and_within_its_budget(text: str) -> None:
    found = sample(text, CHARS)
    assert found == sample(text, CHARS)
    assert 0 < len(found.text) <= CHARS
    assert text.startswith(found.sections[0])
    place = 0
    for section in found.sections:
        place = text.index(section, place) + len(section)


@given(text=TEXTS)
def test_sections_cover_a_text_without_gap_or_overlap(text: str) -> None:
    spans = sections(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)


def test_sections_of_a_very_long_text_come_from_all_over_it() -> None:
    text = "".join(f"line {number} of a text that goes on\n" for number in range(60_000))
    found = sample(text, 16_384)
    numbers = [int(number) for number in re.findall(r"line (\d+) of", found.text)]
    assert numbers[0] == 0
    assert numbers == sorted(numbers)
    assert sum(number > 30_000 for number in numbers) > len(numbers) / 4
    assert len(found.text) > 12_000


def test_sections_do_not_begin_within_a_fence_or_a_string() -> None:
    quiet = "Words of a paragraph, and more of them.\n" * 20
    text = (f"{quiet}\n```\n" + "code\n\n# comment\n" * 60 + f"```\n\n# Heading\n\n{quiet}\n") * 3
    for start, _ in sections(text):
        assert text.count("```", 0, start) % 2 == 0


def test_every_subject_of_a_text_is_read_about_as_much_as_it_has_of_it() -> None:
    subjects = ["gardens with roses", "engines with pistons", "harbours with trawlers"]
    text = "".join(f"Of {subject} there is more to say.\n\n" * 300 for subject in subjects)
    found = sample(text, 8192).text
    shares = [found.count(subject) / found.count("Of ") for subject in subjects]
    assert all(0.2 < share < 0.47 for share in shares), shares
    assert "pistons" not in sample_start(text, 8192).text


@pytest.mark.parametrize("chars", [1000, 5000])
def test_leads_and_even_pieces(chars: int) -> None:
    text = "".join(chr(65 + number % 26) for number in range(30_000))
    assert sample_start(text, chars).text == text[:chars]
    pieces = sample_evenly(text, chars, 10)
    assert chars - 10 <= len(pieces) <= chars
    assert text.startswith(pieces[:10])
    assert text.endswith(pieces[-10:])


def test_real_files_are_sampled_to_about_the_budget() -> None:
    long = [text for _, text in standard_library(120, ".py") if len(text) > 5 * CHARS]
    assert all(0.7 * CHARS < len(sample(text, CHARS).text) <= CHARS for text in long)
