import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.tiers import SizeTier, choose_tier, chunks
from orchestration_assets.schemas.policy import SizeTiers

TIERS = SizeTiers(dask_from_items=100, dask_from_bytes=1000, chunk_items=10, chunk_bytes=500)


@pytest.mark.parametrize(
    ("items", "content_bytes", "tier"),
    [
        (99, 999, SizeTier.IN_PROCESS),
        (100, 10, SizeTier.DASK),
        (1, 1000, SizeTier.DASK),
        (0, 0, SizeTier.IN_PROCESS),
    ],
)
def test_the_boundaries_of_the_policy_decide(items, content_bytes, tier) -> None:
    assert choose_tier(items, content_bytes, TIERS).tier is tier


def test_beyond_what_the_cluster_holds_there_is_a_warning_with_the_estimate() -> None:
    choice = choose_tier(100, 10_000, TIERS, cluster_bytes=5000)
    assert choice.tier is SizeTier.BEYOND
    assert f"{choice.estimate_bytes:,}" in choice.reason
    assert "5,000" in choice.reason
    assert choose_tier(100, 10_000, TIERS, cluster_bytes=10**9).tier is SizeTier.DASK


@given(st.lists(st.integers(0, 900), max_size=60))
def test_chunks_keep_order_and_caps_and_lose_nothing(sizes) -> None:
    made = list(chunks(list(enumerate(sizes)), sizes, TIERS))
    assert [one for chunk in made for one in chunk] == list(enumerate(sizes))
    for chunk in made:
        assert len(chunk) <= TIERS.chunk_items
        assert sum(size for _, size in chunk) <= TIERS.chunk_bytes or len(chunk) == 1
