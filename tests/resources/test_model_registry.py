"""Models are versions of what they hold, verified when read; reading one never runs anything."""

import json

import numpy as np
import pytest

from resources.model_registry import ArtefactError, ModelRegistry
from resources.table_store import LocalFiles

ARRAYS = {"weights": np.arange(6.0).reshape(2, 3), "names": np.array([b"x", b"yy"])}


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry(tmp_path / "models")


def test_what_was_stored_is_read_and_equal_versions_have_equal_bytes(tmp_path) -> None:
    one, other = ModelRegistry(tmp_path / "1"), ModelRegistry(tmp_path / "2")
    made = [registry.store("model", ARRAYS, {"auc": 0.9}, "v1") for registry in (one, other)]
    assert made[0].digest == made[1].digest
    found = one.load("model", "v1")
    assert found.facts == one.facts("model", "v1") == {"auc": 0.9}
    assert all(np.array_equal(found.arrays[name], ARRAYS[name]) for name in ARRAYS)
    first, second = (sorted((tmp_path / n).rglob("*.*")) for n in "12")
    assert [a.read_bytes() for a in first if a.is_file()] == [
        b.read_bytes() for b in second if b.is_file()
    ]


def test_a_version_is_named_by_what_it_holds(registry) -> None:
    first = registry.store("model", ARRAYS, {"task": "t"}).version
    again = registry.store("model", dict(reversed(ARRAYS.items())), {"task": "t"})
    assert again.version == first
    assert registry.store("model", ARRAYS, {"task": "u"}).version != first
    assert registry.load("model", first).facts["task"] == "t"
    assert len(registry.versions("model")) == 2


def test_only_a_promoted_version_is_in_force(registry) -> None:
    old = registry.store("model", ARRAYS, {"n": 1}).version
    assert registry.current("model") is None
    assert registry.usable("model") is None
    new = registry.store("model", ARRAYS, {"n": 2}).version
    registry.promote("model", old)
    assert registry.usable("model").facts == {"n": 1}
    registry.promote("model", new)
    assert registry.current("model") == registry.usable_version("model") == new
    assert registry.load("model", old).facts == {"n": 1}


def test_a_version_that_was_named_is_replaced_whole(registry, tmp_path) -> None:
    registry.store("model", ARRAYS, {"n": 1}, "v1")
    registry.store("model", {"weights": np.zeros(1)}, {"n": 2}, "v1")
    assert registry.load("model", "v1").facts == {"n": 2}
    assert len(list((tmp_path / "models" / "model" / "v1").iterdir())) == 2


def test_storing_that_died_before_its_manifest_leaves_the_old_version(registry, tmp_path) -> None:
    registry.store("model", ARRAYS, {"n": 1}, "v1")

    class Dying(LocalFiles):
        def write(self, path, data):
            if path.name == "manifest.json":
                raise KeyboardInterrupt
            super().write(path, data)

    with pytest.raises(KeyboardInterrupt):
        ModelRegistry(tmp_path / "models", Dying()).store(
            "model", {"weights": np.zeros(1)}, {"n": 2}, "v1"
        )
    assert registry.load("model", "v1").facts == {"n": 1}


def test_versions_come_in_order_and_only_whole_ones(registry, tmp_path) -> None:
    assert registry.versions("model") == []
    for version in ("20260102", "20260101"):
        registry.store("model", ARRAYS, {}, version)
    (tmp_path / "models" / "model" / "20260103").mkdir()
    assert registry.versions("model") == ["20260101", "20260102"]


@pytest.mark.parametrize("damage", ["arrays", "manifest", "missing"])
def test_what_is_damaged_is_refused_with_the_file_and_the_remedy(
    registry, tmp_path, damage
) -> None:
    version = registry.store("model", ARRAYS, {}).version
    registry.promote("model", version)
    folder = tmp_path / "models" / "model" / version
    (arrays,) = folder.glob("*.npz")
    if damage == "arrays":
        arrays.write_bytes(arrays.read_bytes()[:-1])
    elif damage == "manifest":
        (folder / "manifest.json").write_text("[]")
    else:
        arrays.unlink()
    with pytest.raises(ArtefactError, match="model") as caught:
        registry.load("model", version)
    assert "materialize" in str(caught.value)
    assert registry.usable("model") is None


def test_a_version_that_does_not_hold_what_its_name_says_is_refused(registry, tmp_path) -> None:
    version = registry.store("model", ARRAYS, {"n": 1}).version
    other = registry.store("model", ARRAYS, {"n": 2}).version
    folder = tmp_path / "models" / "model"
    for file in (folder / other).iterdir():
        file.replace(folder / version / file.name)
    with pytest.raises(ArtefactError, match="changed after it was stored"):
        registry.load("model", version)


def test_what_was_never_stored_cannot_be_promoted_or_read(registry) -> None:
    with pytest.raises(ArtefactError, match="no version"):
        registry.promote("model", "0" * 16)
    with pytest.raises(ArtefactError, match="materialize what makes it again"):
        registry.load("model", "0" * 16)


@pytest.mark.parametrize("name", ["../model", "a/b", "", ".hidden", "a..b"])
def test_names_cannot_leave_the_folder(registry, name) -> None:
    with pytest.raises(ValueError, match="plain name"):
        registry.store(name, ARRAYS, {})
    with pytest.raises(ValueError, match="plain name"):
        registry.load("model", f"../{name}")


def test_a_manifest_cannot_name_a_file_elsewhere(registry, tmp_path) -> None:
    registry.store("model", ARRAYS, {}, "v1")
    manifest = tmp_path / "models" / "model" / "v1" / "manifest.json"
    changed = json.loads(manifest.read_text()) | {"arrays": "../../../secret.npz"}
    manifest.write_text(json.dumps(changed))
    with pytest.raises(ArtefactError):
        registry.load("model", "v1")


def test_objects_are_refused(registry) -> None:
    for version in (None, "v1"):
        with pytest.raises(ValueError, match=r"llow_pickle|object"):
            registry.store("model", {"bad": np.array([{"a": 1}], dtype=object)}, {}, version)
