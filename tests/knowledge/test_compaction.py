"""Segments are made fewer at a price that goes by the size of edits, not by that of the corpus."""

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.knowledge.compaction import segments_to_merge

MOST = 24


@given(st.lists(st.integers(1, 40), min_size=1, max_size=600), st.integers(1_000, 200_000))
def test_edits_index_few_passages_again(edits, corpus) -> None:
    live = {"corpus": corpus}
    again = 0
    for number, passages in enumerate(edits):
        live[f"edit{number}"] = passages
        if len(live) <= MOST:
            continue
        merged = segments_to_merge(live, live, MOST)
        again += sum(live[one] for one in merged)
        assert "corpus" not in merged or sum(live[one] for one in merged) >= 2 * corpus
        live = {
            **{name: count for name, count in live.items() if name not in merged},
            f"merged{number}": sum(live[name] for name in merged),
        }
        assert len(live) <= MOST
    # each passage as often as its segment can double, and a few times among the small ones
    assert again <= 12 * sum(edits)


def test_what_is_mostly_gone_is_left_out_at_the_next_chance() -> None:
    live = {"large": 400, **{f"edit{n}": 5 for n in range(MOST)}}
    assert "large" not in segments_to_merge(live, {**live, "large": 700}, MOST)
    assert "large" in segments_to_merge(live, {**live, "large": 900}, MOST)
