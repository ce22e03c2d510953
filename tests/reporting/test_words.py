"""Values are written so that people read them right."""

import pytest
from markupsafe import Markup

from orchestration_assets.reporting import formatting as words


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0%"), (1e-6, "<0.1%"), (0.0123, "1.2%"), (0.5, "50%"), (0.9999, ">99.9%"), (1, "100%")],
)
def test_only_nothing_is_0_and_only_all_is_100(share, written):
    assert words.percent(share) == written


@pytest.mark.parametrize(
    ("given", "written"),
    [(0.031, "0.031 ms"), (12.4, "12 ms"), (1430, "1.43 s"), (9_000_000, "2.5 h"), (None, "-")],
)
def test_durations(given, written):
    assert words.duration(given) == written


@pytest.mark.parametrize(
    ("given", "written"),
    [(0, "$0"), (0.00031, "$0.00031"), (0.000017, "$0.000017"), (1234.5, "$1,234.50")],
)
def test_dollars(given, written):
    assert words.dollars(given) == written


@pytest.mark.parametrize(
    ("given", "written"),
    [(0, "0 bytes"), (999, "999 bytes"), (3300, "3.3 KB"), (829_000, "829 KB"), (2e15, "2,000 TB")],
)
def test_sizes(given, written):
    assert words.size(given) == written


def test_unsafe_characters_become_visible_and_scripts_keep_their_joiners():
    assert words.visible("a\nb\u202ec\ud800") == r"a\nb\u202ec\ud800"
    emoji = "\N{MAN}\u200d\N{GIRL}\ufe0f"
    assert words.visible(emoji) == emoji
    assert words.shown(Markup("<b>\n</b>")) == "<b>\n</b>"
    assert words.shown(3) == 3


def test_cuts_keep_what_tells():
    assert words.cut("x" * 50, 10) == "x" * 9 + "…"
    assert words.middle("src/" + "x" * 99 + "/end.py", 20).startswith("src/")
    assert words.middle("src/" + "x" * 99 + "/end.py", 20).endswith("/end.py")
    assert len(words.middle("y" * 99, 20)) == 20


def test_a_clause_is_the_first_thing_said():
    assert words.clause("How hard it is to follow: see profiling.scores.") == (
        "How hard it is to follow"
    )
    assert words.clause("MTLD: mean run of words, over which") == "MTLD: mean run of words"
