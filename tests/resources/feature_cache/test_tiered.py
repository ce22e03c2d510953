"""Tiers together: nearest first, promotion upward, and a dead tier costs only time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.policy import FeatureCache
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.opening import open_cache
from resources.feature_cache.tier import Counts, TierContents, TierError
from resources.feature_cache.tiered import TieredCache


class Simple:
    """A tier in a dictionary that can be broken."""

    def __init__(self, name: str) -> None:
        self.name, self.counts = name, Counts()
        self.entries: dict[str, bytes] = {}
        self.broken = False
        self.asked = 0

    def get_many(self, keys):
        self._use()
        return {key: self.entries[key] for key in keys if key in self.entries}

    def put_many(self, values):
        self._use()
        self.entries |= values

    def contents(self) -> TierContents:
        return TierContents(len(self.entries), 0, 0, None)

    def _use(self) -> None:
        self.asked += 1
        if self.broken:
            raise TierError("gone")


def three() -> list[Simple]:
    return [Simple(name) for name in ("near", "middle", "far")]


def test_a_hit_in_a_lower_tier_is_promoted_to_every_nearer_one() -> None:
    near, middle, far = tiers = three()
    far.entries = {"a": b"1", "b": b"2"}
    cache = TieredCache(tiers)
    assert {key: hit.tier for key, hit in cache.find_many(["a", "none"]).items()} == {"a": "far"}
    assert near.entries == middle.entries == {"a": b"1"}
    assert cache.find_many(["a"])["a"].tier == "near"
    assert far.asked == 1


@given(st.lists(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_what_one_tier_lacked_the_next_was_asked_for(asked, there) -> None:
    tiers = three()
    tiers[2].entries = {key: key.encode() for key in there}
    cache = TieredCache(tiers)
    found = cache.get_many(asked)
    assert found == {key: key.encode() for key in asked if key in there}
    for one, next_one in pairwise(tiers):
        assert next_one.counts.lookups == one.counts.lookups - one.counts.hits


def test_a_dead_tier_is_noted_left_alone_for_a_while_and_tried_again() -> None:
    now = [0.0]
    near, middle, _ = tiers = three()
    cache = TieredCache(tiers, lambda: now[0])
    middle.broken = True
    cache.put_many({"a": b"1"})
    near.entries.clear()
    assert cache.get_many(["a"]) == {"a": b"1"}
    assert (middle.counts.errors, middle.counts.last_error, middle.asked) == (1, "gone", 1)
    middle.broken, near.entries = False, {}
    now[0] += 60
    assert cache.get_many(["a"]) == {"a": b"1"}
    assert middle.entries == {"a": b"1"}


def test_without_any_tier_nothing_is_found_and_nothing_breaks() -> None:
    cache = TieredCache([])
    cache.put_many({"a": b"1"})
    assert cache.get_many(["a"]) == {}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["memory", "lmdb", "durable"]),
        ({"memory_bytes": 0, "durable": None}, ["lmdb"]),
        ({"redis_url_env": "THE_REDIS"}, ["memory", "redis", "durable"]),
        ({"redis_url_env": "NOT_SET"}, ["memory", "lmdb", "durable"]),
    ],
)
def test_the_policy_says_which_tiers_there_are(tmp_path, settings, names) -> None:
    environment = {"THE_REDIS": "redis://localhost:1/0"}
    cache = open_cache(tmp_path, FeatureCache(**settings), environment)
    assert [tier.name for tier in cache.tiers] == names


def test_deleting_a_tier_between_runs_costs_only_time(tmp_path) -> None:
    settings = FeatureCache(memory_bytes=0)
    open_cache(tmp_path, settings).put_many({"a": b"1"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "features"]
    moved = tmp_path.rename(tmp_path.with_name("another machine"))
    (moved / "cache").rename(moved / "lost")
    assert open_cache(moved, settings).find_many(["a"])["a"].tier == "durable"
    assert LmdbStore(moved / "cache" / "features").get_many(["a"]) == {"a": b"1"}
