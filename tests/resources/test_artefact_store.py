import json

import numpy as np
import pytest

from resources.artefact_store import ArtefactError, ArtefactStore

ARRAYS = {"weights": np.arange(6.0).reshape(2, 3), "names": np.array([b"x", b"yy"])}


def test_what_was_promoted_is_read_and_equal_promotions_have_equal_bytes(tmp_path) -> None:
    one, other = ArtefactStore(tmp_path / "1"), ArtefactStore(tmp_path / "2")
    made = [store.promote("model", "v1", ARRAYS, {"auc": 0.9}) for store in (one, other)]
    assert made[0].digest == made[1].digest
    found = one.load("model", "v1")
    assert found.facts == one.facts("model", "v1") == {"auc": 0.9}
    assert all(np.array_equal(found.arrays[name], ARRAYS[name]) for name in ARRAYS)
    first, second = (sorted((tmp_path / n / "models").rglob("*.*")) for n in "12")
    assert [a.read_bytes() for a in first if a.is_file()] == [
        b.read_bytes() for b in second if b.is_file()
    ]


def test_a_version_is_replaced_whole(tmp_path) -> None:
    store = ArtefactStore(tmp_path)
    store.promote("model", "v1", ARRAYS, {"n": 1})
    store.promote("model", "v1", {"weights": np.zeros(1)}, {"n": 2})
    assert store.load("model", "v1").facts == {"n": 2}
    assert len(list((tmp_path / "models" / "model" / "v1").iterdir())) == 2


def test_a_promotion_that_died_before_its_manifest_leaves_the_old_version(
    tmp_path, monkeypatch
) -> None:
    store = ArtefactStore(tmp_path)
    store.promote("model", "v1", ARRAYS, {"n": 1})
    import resources.artefact_store as module

    def dies(path, data, whole=module.write_atomically):
        if path.name == "manifest.json":
            raise KeyboardInterrupt
        whole(path, data)

    monkeypatch.setattr(module, "write_atomically", dies)
    with pytest.raises(KeyboardInterrupt):
        store.promote("model", "v1", {"weights": np.zeros(1)}, {"n": 2})
    assert store.load("model", "v1").facts == {"n": 1}


def test_versions_come_in_order_and_only_whole_ones(tmp_path) -> None:
    store = ArtefactStore(tmp_path)
    assert store.versions("model") == []
    for version in ("20260102", "20260101"):
        store.promote("model", version, ARRAYS, {})
    (tmp_path / "models" / "model" / "20260103").mkdir()
    assert store.versions("model") == ["20260101", "20260102"]


@pytest.mark.parametrize("damage", ["arrays", "manifest", "missing"])
def test_what_is_damaged_is_refused_with_the_file_and_the_remedy(tmp_path, damage) -> None:
    store = ArtefactStore(tmp_path)
    store.promote("model", "v1", ARRAYS, {})
    folder = tmp_path / "models" / "model" / "v1"
    (arrays,) = folder.glob("*.npz")
    if damage == "arrays":
        arrays.write_bytes(arrays.read_bytes()[:-1])
    elif damage == "manifest":
        (folder / "manifest.json").write_text("[]")
    else:
        arrays.unlink()
    with pytest.raises(ArtefactError, match="model") as caught:
        store.load("model", "v1")
    assert "materialize" in str(caught.value)


def test_no_path_leads_out_and_no_object_is_stored(tmp_path) -> None:
    store = ArtefactStore(tmp_path)
    for name in ("../x", "", "a/b", ".hidden"):
        with pytest.raises(ValueError, match="plain name"):
            store.promote(name, "v1", {}, {})
    with pytest.raises(ValueError, match=r"llow_pickle|object"):
        store.promote("model", "v1", {"a": np.array([object()])}, {})
    store.promote("model", "v1", ARRAYS, {})
    manifest = tmp_path / "models" / "model" / "v1" / "manifest.json"
    changed = json.loads(manifest.read_text()) | {"arrays": "../../../secret.npz"}
    manifest.write_text(json.dumps(changed))
    with pytest.raises(ArtefactError):
        store.load("model", "v1")
