"""The rules by which policy files merge hold for whatever they say."""

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.policy.layers import (
    Branch,
    Items,
    Leaf,
    Origin,
    RemovedKey,
    find,
    merge,
    merged,
    nodes_below,
    plain,
    tree_of,
    without_removals,
)
from tests.fuzzing import fuzz

FILES = st.sampled_from(["a.yaml", "b.yaml", "c.yaml"])
ORIGINS = st.builds(Origin, FILES, st.integers(1, 9))
KEYS = st.sampled_from(["one", "two", "three"])
LEAVES = st.builds(Leaf, st.one_of(st.none(), st.booleans(), st.integers(), st.text()), ORIGINS)
REMOVED = st.builds(RemovedKey, ORIGINS)


def _branches(inner):
    return st.builds(Branch, st.dictionaries(KEYS, inner, max_size=3), ORIGINS, st.booleans())


NODES = st.recursive(
    st.one_of(LEAVES, REMOVED, st.builds(Items, st.tuples(LEAVES), ORIGINS)),
    _branches,
    max_leaves=12,
)
DOCUMENTS = st.builds(Branch, st.dictionaries(KEYS, NODES, max_size=3), ORIGINS)
NOTHING = Branch({}, Origin("nothing"))


@fuzz
@given(NODES, NODES, NODES)
def test_it_does_not_matter_which_files_are_merged_first(one, two, three) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@fuzz
@given(DOCUMENTS)
def test_a_file_that_says_nothing_changes_nothing(document) -> None:
    assert merged(NOTHING, document).children == document.children
    assert merged(document, NOTHING).children == document.children


@fuzz
@given(DOCUMENTS, DOCUMENTS)
def test_what_the_last_file_says_stands(first, last) -> None:
    both = merged(first, last)
    for path, node in nodes_below(last):
        found, depth = find(both, path)
        assert depth == len(path)
        if isinstance(node, Leaf | Items):
            assert (found.origin.file, found.origin.line) == (node.origin.file, node.origin.line)
            assert plain(found) == plain(node)
        if isinstance(node, RemovedKey):
            assert isinstance(found, RemovedKey)


@fuzz
@given(DOCUMENTS, DOCUMENTS)
def test_what_the_last_file_does_not_name_stays(first, last) -> None:
    both = merged(first, last)
    for name, node in first.children.items():
        if name not in last.children:
            assert both.children[name] == node
    assert set(both.children) == {*first.children, *last.children}


@fuzz
@given(DOCUMENTS)
def test_no_removal_is_left_in_the_end(document) -> None:
    kept, idle = without_removals(document)
    assert not [node for _, node in nodes_below(kept) if isinstance(node, RemovedKey)]
    assert all(not removal.found for _, removal in idle)
    removed = [path for path, node in nodes_below(document) if isinstance(node, RemovedKey)]
    assert sorted(map(str, removed)) == sorted(str(path) for path, _ in idle)


def _tree(value):
    return tree_of(value, {}, "x.yaml")


def test_null_is_a_value_and_not_a_removal() -> None:
    assert plain(merge(_tree({"durable": "features"}), _tree({"durable": None}))) == {
        "durable": None
    }


def test_what_stood_before_a_single_value_does_not_come_back() -> None:
    """a: {x: 1}, then a: 5, then a: {y: 2}: only y is left, whichever two are merged first."""
    first, second, third = _tree({"a": {"x": 1}}), _tree({"a": 5}), _tree({"a": {"y": 2}})
    assert plain(merge(first, merge(second, third))) == {"a": {"y": 2}}
    assert plain(merge(merge(first, second), third)) == {"a": {"y": 2}}


def test_every_value_knows_what_it_was_laid_over() -> None:
    layers = [
        Branch({"a": Leaf(n, Origin(f"{n}.yaml", n))}, Origin(f"{n}.yaml")) for n in (1, 2, 3)
    ]
    both = merge(merge(layers[0], layers[1]), layers[2])
    origin = both.children["a"].origin
    assert [one.file for one in (origin, *origin.over)] == ["3.yaml", "2.yaml", "1.yaml"]
