"""Models are versioned by what they hold, and never run anything."""

import numpy as np
import pytest

from resources.artefact_store import ArtefactError
from resources.model_store import ModelStore

ARRAYS = {"weights": np.arange(6.0).reshape(2, 3), "edges": np.array([1, 2])}


@pytest.fixture
def store(home):
    return ModelStore(home)


def test_a_version_is_what_it_holds(store) -> None:
    first = store.write("model", ARRAYS, {"task": "t"})
    assert store.write("model", dict(reversed(ARRAYS.items())), {"task": "t"}) == first
    assert store.write("model", ARRAYS, {"task": "u"}) != first
    found = store.read("model", first)
    assert found.facts["task"] == "t"
    assert (found.arrays["weights"] == ARRAYS["weights"]).all()
    assert len(store.versions("model")) == 2


def test_only_the_promoted_version_is_read_unless_one_is_pinned(store) -> None:
    assert store.current("model") is None
    with pytest.raises(ArtefactError, match="no version of model is promoted"):
        store.read("model")
    old = store.write("model", ARRAYS, {"n": 1})
    new = store.write("model", ARRAYS, {"n": 2})
    store.promote("model", old)
    assert store.read("model").version == old
    store.promote("model", new)
    assert store.current("model") == new
    assert store.read("model", old).facts["n"] == 1


def test_a_changed_file_is_noticed(store) -> None:
    version = store.write("model", ARRAYS, {"n": 1})
    (path,) = (store.folder / "model" / version).glob("*.npz")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtefactError, match="it is not what was promoted"):
        store.read("model", version)


def test_what_was_never_stored_cannot_be_promoted_or_read(store) -> None:
    with pytest.raises(ArtefactError, match="no version"):
        store.promote("model", "0" * 16)
    with pytest.raises(ArtefactError, match="materialize what makes it again"):
        store.read("model", "0" * 16)


@pytest.mark.parametrize("name", ["../model", "a/b", "", ".hidden", "a..b"])
def test_names_cannot_leave_the_folder(store, name) -> None:
    with pytest.raises(ValueError, match="not a name"):
        store.write(name, ARRAYS, {})
    with pytest.raises(ValueError, match="not a version"):
        store.read("model", "../../etc")


def test_objects_are_refused(store) -> None:
    with pytest.raises(ValueError, match="objects"):
        store.write("model", {"bad": np.array([{"a": 1}], dtype=object)}, {})
