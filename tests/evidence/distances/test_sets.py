import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.distances.sets import exclusive_members, set_distance

members = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)


def test_the_weight_of_a_missing_member_is_its_rank() -> None:
    # weights 1, 1/log2(3), 1/2
    weights = 1 + 0.6309297535714575 + 0.5
    assert set_distance("abc", "ab") == pytest.approx(0.5 / weights)
    assert set_distance("abc", "bc") > set_distance("abc", "ac") > set_distance("abc", "ab")


@pytest.mark.parametrize(
    "pair",
    [
        "Berlin berlin",
        "cat Cats",
        "tax taxes",
        "class classes",
        "company companies",
        "movie movies",
        "cache caches",
        "use uses",
    ],
)
def test_case_and_a_regular_plural_are_no_difference(pair) -> None:
    one, many = pair.split()
    assert set_distance((one,), (many,)) == 0.0


@pytest.mark.parametrize("pair", ["bus bu", "basis basi", "glass glas", "is i"])
def test_an_s_that_is_no_plural_stays(pair) -> None:
    one, other = pair.split()
    assert set_distance((one,), (other,)) == 1.0


@given(members, members)
def test_order_alone_is_no_distance_and_nothing_shared_is_all(first, second) -> None:
    assert set_distance(first, list(reversed(first))) == 0.0
    if not set(first) & set(second) and (first or second):
        assert set_distance(first, second) == pytest.approx(1.0)


@given(members.filter(bool), members)
def test_sharing_one_more_member_brings_sets_nearer(first, second) -> None:
    missing = [member for member in first if member not in second]
    for member in missing:
        assert set_distance(first, [*second, member]) < set_distance(first, second)


def test_only_members_are_as_each_side_wrote_them() -> None:
    assert exclusive_members(("Cats", "Dog"), ("dogs", "Tree")) == (("Cats",), ("Tree",))
