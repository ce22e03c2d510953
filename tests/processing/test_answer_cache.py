import asyncio
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.processing.answer_cache import (
    AnswerCache,
    CarriedAnswers,
    answer_key,
    decode,
    encode,
)
from orchestration_assets.processing.asker import Asker
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Reading
from resources.feature_cache.lmdb_store import LmdbStore
from tests.processing.services import ABSTAIN, Scripted, by_name, item, ok, question

unit = st.floats(0, 1)
readings = st.one_of(
    st.builds(
        Reading,
        st.just(Status.OK),
        st.text(min_size=1)
        | st.floats(allow_nan=False)
        | st.lists(st.text(), min_size=1).map(tuple)
        | st.lists(st.floats(-1, 1), min_size=1).map(tuple),
        st.none() | unit,
        st.lists(st.builds(Alternative, st.text(), unit), max_size=3).map(tuple),
        st.none() | st.text(),
    ),
    st.builds(Reading, st.just(Status.ABSTAINED), reason=st.text()),
)


@given(readings)
def test_a_reading_survives_exactly(reading) -> None:
    assert decode(encode(reading)) == reading


def ask(folder: Path, service: Scripted, name: str = "i1"):
    cache = AnswerCache(LmdbStore(folder))
    answered = asyncio.run(Asker(by_name(service), cache).ask(service.name, question(name)))
    cache.flush()
    return answered


@pytest.mark.parametrize("reading", [ok("a"), ABSTAIN])
def test_an_answer_or_abstention_is_asked_for_once(tmp_path, reading) -> None:
    service = Scripted("s", reading)
    first, second = ask(tmp_path, service), ask(tmp_path, service)
    assert (first.origin, second.origin) == ("called", "cache")
    assert (first.cost_usd, second.cost_usd) == (0.5, 0.0)
    assert second.reading == first.reading
    assert len(service.asked) == 1


def test_a_failure_is_never_kept(tmp_path) -> None:
    service = Scripted("s", RuntimeError("down"))
    assert ask(tmp_path, service).reading.status is Status.FAILED
    assert ask(tmp_path, service).origin == "called"


def test_the_key_covers_everything_that_an_answer_depends_on() -> None:
    base = question()
    plain = Scripted("s", ok("a"))
    named = Scripted("s", ok("a"), reads=frozenset({"path"}))
    keys = [
        answer_key(base, plain),
        answer_key(question("i2"), plain),
        answer_key(replace(base, task=replace(base.task, version="2")), plain),
        answer_key(replace(base, task=replace(base.task, name="T")), plain),
        answer_key(replace(base, earlier=(("x", ok("a")),)), plain),
        answer_key(base, Scripted("s", ok("a"), version="2")),
        answer_key(base, Scripted("S", ok("a"))),
        answer_key(replace(base, item=item(text="te"), coverage=0.5), plain),
        answer_key(base, named),
    ]
    assert len(set(keys)) == len(keys)


def test_the_same_content_under_another_name_shares_an_answer_unless_the_name_is_read() -> None:
    base = question()
    moved = replace(base, item=replace(item(), path="other.py", item_id="i9"))
    assert answer_key(base, Scripted("s", ok("a"))) == answer_key(moved, Scripted("s", ok("a")))
    named = Scripted("s", ok("a"), reads=frozenset({"path"}))
    assert answer_key(base, named) != answer_key(moved, named)


def test_a_corrupt_entry_is_ignored_and_recomputed(tmp_path) -> None:
    service = Scripted("s", ok("a"))
    key = ask(tmp_path, service).answer_key
    file = tmp_path / "data.mdb"
    data = bytearray(file.read_bytes())
    position = data.find(b'"answer":"a"')
    assert position > 0
    data[position + 10] = ord("b")
    descriptor = os.open(file, os.O_WRONLY)
    os.pwrite(descriptor, bytes(data), 0)
    os.close(descriptor)
    assert LmdbStore(tmp_path).get_many([key]) == {}
    assert ask(tmp_path, service).origin == "called"


class CountedStore(CarriedAnswers):
    """A store that counts how often it is looked into, and may refuse."""

    def __init__(self, kept: dict[str, bytes], refusal: OSError | None = None) -> None:
        super().__init__(kept)
        self.looks: list[list[str]] = []
        self._refusal = refusal

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        self.looks.append(list(keys))
        if self._refusal is not None:
            raise self._refusal
        return super().get_many(self.looks[-1])


def test_who_asks_at_once_shares_a_look_and_finds_what_was_put_meanwhile() -> None:
    store = CountedStore({"kept": encode(ok("red"))})
    cache = AnswerCache(store)

    async def look() -> list[Reading | None]:
        wanted = [asyncio.ensure_future(cache.looked_up(k)) for k in ("kept", "new", "new", "none")]
        wanted[-1].cancel()
        await asyncio.sleep(0)
        cache.put("new", ok("blue"))
        return await asyncio.gather(*wanted[:-1])

    assert asyncio.run(look()) == [ok("red"), ok("blue"), ok("blue")]
    assert len(store.looks) == 1


def test_a_store_that_cannot_be_read_fails_whoever_asked() -> None:
    cache = AnswerCache(CountedStore({}, OSError("gone")))

    async def look() -> list[object]:
        looks = [cache.looked_up(key) for key in "ab"]
        return await asyncio.gather(*looks, return_exceptions=True)

    assert [str(error) for error in asyncio.run(look())] == ["gone", "gone"]
