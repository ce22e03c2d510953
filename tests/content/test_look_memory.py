"""A look at a source in which nothing has changed: no listing, and nothing overlooked."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration_assets.content.intake import IntakeOptions
from resources.content_source import FolderSource
from resources.home import Home
from tests.content.test_intake import Intakes


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "source"
    for name in ("a.txt", "deep/b.txt", "deep/er/c.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def listings(monkeypatch) -> list[str]:
    """One entry for each listing that is made."""
    made: list[str] = []
    real = FolderSource.list

    def noted(self, *arguments, **more):
        made.append(self.source)
        return real(self, *arguments, **more)

    monkeypatch.setattr(FolderSource, "list", noted)
    return made


@pytest.fixture
def settled(source, home, listings) -> Intakes:
    """Everything was taken in, and looked at once more."""
    intakes = Intakes(home, source)
    intakes.take()
    intakes.look()
    listings.clear()
    return intakes


def test_nothing_new_is_found_without_a_listing_and_says_what_the_listing_said(
    settled, listings, home
) -> None:
    quick = settled.look()
    assert (quick.recorded, listings) == ((), [])
    for kept in Home(home).ledgers.glob("*.json"):
        kept.unlink()
    assert settled.look() == quick
    assert len(listings) == 1


@pytest.mark.parametrize(
    ("change", "batches"),
    [
        (lambda s: (s / "deep/er/new.txt").write_text("new"), 1),
        (lambda s: (s / "deep/b.txt").write_text("another"), 1),
        (lambda s: (s / "a.txt").unlink(), 1),
        (lambda s: (s / "a.txt").rename(s / "z.txt"), 1),
        (lambda s: os.utime(s / "a.txt", ns=(1, 1)), 1),
        (lambda s: (s / "link").symlink_to(s / "a.txt"), 1),
        (lambda s: (s / "deep").rename(s / "other"), 1),
        (lambda s: (s / "empty").mkdir(), 0),
        (lambda s: (s / "a.txt").chmod(0o600), 0),
    ],
)
def test_every_change_is_seen(settled, source, listings, change, batches) -> None:
    change(source)
    assert len(settled.look().recorded) == batches
    assert len(listings) == 1


def test_a_policy_that_takes_in_other_files_lists_again(settled, listings) -> None:
    settled.content = settled.content.model_copy(update={"exclude": ("deep/**",)})
    settled.look()
    assert len(listings) == 1


def test_what_is_left_out_is_not_looked_into(source, home, listings) -> None:
    intakes = Intakes(home, source, exclude=("deep",))
    intakes.take()
    intakes.look()
    listings.clear()
    (source / "deep" / "new.txt").write_text("new")
    found = intakes.look()
    assert (found.recorded, listings) == ((), [])
    assert found.listing.excluded_by == (("deep", 1),)


def test_a_batch_without_a_manifest_and_one_that_is_gone_are_looked_for(
    settled, source, home, listings
) -> None:
    (source / "new.txt").write_text("new")
    (batch,) = settled.look().recorded
    settled.look()
    assert len(listings) == 2
    settled.manifest(batch)
    settled.look()
    settled.look()
    assert len(listings) == 3
    (home / "batches" / f"{batch}.parquet").unlink()
    assert len(settled.look().recorded) == 1


def test_what_waits_is_not_forgotten(source, home) -> None:
    intakes = Intakes(home, source)
    intakes.take()
    (source / "new.txt").write_text("new")
    later = IntakeOptions(settle=timedelta(0), close=False)
    assert intakes.look(later).waiting == 1
    assert intakes.look(later).waiting == 1
    assert len(intakes.look().recorded) == 1


def test_a_source_with_links_is_always_listed(source, home, listings) -> None:
    (source / "link").symlink_to(source / "a.txt")
    intakes = Intakes(home, source)
    intakes.take()
    for _ in range(3):
        intakes.look()
    assert len(listings) == 4


def test_a_memory_that_is_damaged_is_no_memory(settled, home, listings) -> None:
    (kept,) = Home(home).ledgers.glob("*.json")
    kept.write_text("{")
    assert settled.look().recorded == ()
    assert len(listings) == 1


def test_names_and_numbers_cannot_be_mistaken_for_each_other(tmp_path) -> None:
    prints = []
    for names in (["ab", "c"], ["a", "bc"], ["a/bc"], ["abc"]):
        root = tmp_path / str(len(prints))
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
            os.utime(root / name, ns=(1, 1))
        source = FolderSource(root)
        budget = IntakeOptions().budget
        prints.append(source.fingerprint(budget))
    assert len(set(prints)) == 4
