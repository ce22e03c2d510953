"""Whatever a service of one's own gives is a reading that tables and the cache can hold."""

import asyncio
import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.processing.answer_cache import AnswerCache, answer_key, encode
from orchestration_assets.processing.asker import Asker
from orchestration_assets.schemas.answers import fits
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Item, Question, Reading, Task
from orchestration_assets.schemas.storable_readings import (
    UnfitReadingError,
    is_kept,
    kept_reading,
)
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.storing import stored
from tests.fuzzing import fuzz
from tests.processing.services import Scripted, by_name, ok, question


class Odd:
    """A value whose every word fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __str__ = __repr__


texts = st.lists(st.text(max_size=5) | st.sampled_from(["\ud83d", "\udc00"]), max_size=3).map(
    "".join
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.binary(max_size=4),
    st.just(Decimal("0.5")),
    st.builds(Odd),
    st.just(np.float32(0.5)),
    st.just(np.float64("nan")),
    st.just(10**400),
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(texts, inner, max_size=2)
    ),
    max_leaves=6,
)
alternatives = st.lists(st.builds(Alternative, values, values) | values, max_size=3)
given_readings = st.fixed_dictionaries(
    {
        "status": st.sampled_from(Status),
        "answer": values,
        "confidence": values | st.floats(0, 1),
        "alternatives": alternatives.map(tuple) | alternatives | values,
        "evidence": values | texts,
        "reason": values | texts,
    }
)


@fuzz
@given(given_readings, st.sampled_from(AnswerKind))
def test_whatever_is_given_is_kept_whole_or_refused_in_words(parts, kind) -> None:
    try:
        reading = Reading(**parts)
    except Exception:  # noqa: BLE001 -- a service that raises has failed already
        return
    try:
        kept = kept_reading(reading, kind)
    except UnfitReadingError as error:
        str(error).encode()
        return
    assert kept.answer is None or fits(kept.answer, kind)
    assert kept_reading(kept, kind) == kept
    stored(kept)


@pytest.mark.parametrize("answer", [1, Odd(), [1], ("a", 1), b"x", {"a": 1}, float("nan")])
def test_an_answer_of_no_kind_is_a_rejected_reading(tmp_path, answer) -> None:
    service = Scripted("s", lambda _: Reading(Status.OK, answer))
    cache = AnswerCache(LmdbStore(tmp_path))
    answered = asyncio.run(Asker(by_name(service), cache).ask("s", question()))
    assert answered.reading.status is Status.REJECTED_OUTPUT
    assert "which is no label" in str(answered.reading.reason)


@pytest.mark.parametrize("given_value", [None, "a", {"answer": "a"}, Odd()])
def test_what_is_no_reading_is_rejected(tmp_path, given_value) -> None:
    service = Scripted("s", lambda _: given_value)
    answered = asyncio.run(
        Asker(by_name(service), AnswerCache(LmdbStore(tmp_path))).ask("s", question())
    )
    assert answered.reading.status is Status.REJECTED_OUTPUT
    assert "instead of a reading" in str(answered.reading.reason)


def test_an_error_with_half_a_pair_in_its_words_is_a_reason(tmp_path) -> None:
    service = Scripted("s", RuntimeError("no \ud83d"))
    answered = asyncio.run(
        Asker(by_name(service), AnswerCache(LmdbStore(tmp_path))).ask("s", question())
    )
    assert answered.reading.reason == "RuntimeError: no \ufffd"


def test_half_a_pair_in_an_own_answer_is_replaced_and_kept(tmp_path) -> None:
    service = Scripted("s", ok("a \ud83d"))
    cache = AnswerCache(LmdbStore(tmp_path))
    answered = asyncio.run(Asker(by_name(service), cache).ask("s", question()))
    assert answered.reading.answer == "a \ufffd"
    assert cache.get(answered.answer_key) == answered.reading


UNSTORABLE = [
    {"answer": "A kettle \ud83d"},
    {"answer": None, "status": "abstained", "reason": "refused \udc00"},
    {"answer": ["a", "\ud83d"]},
    {"answer": [1e300]},
    {"answer": [1, 2]},
    {"answer": 5},
    {"answer": float("inf")},
    {"evidence": "\ud83d"},
    {"alternatives": [["\ud83d", 0.1]]},
    {"alternatives": [["a", "b"]]},
    {"alternatives": 5},
    {"confidence": "0.9"},
    {"confidence": 7},
    {"status": "failed"},
    {"status": "new"},
]


@pytest.mark.parametrize("change", UNSTORABLE)
def test_an_older_entry_that_no_table_can_hold_is_counted_and_asked_again(tmp_path, change) -> None:
    service = Scripted("s", ok("a"))
    store = LmdbStore(tmp_path)
    key = answer_key(question(), service)
    entry = json.loads(encode(ok("a"))) | change
    store.put_many({key: json.dumps(entry).encode()})
    cache = AnswerCache(store)
    answered = asyncio.run(Asker(by_name(service), cache).ask("s", question()))
    assert (answered.origin, answered.reading.answer) == ("called", "a")
    assert cache.ignored == 1
    cache.flush()
    assert AnswerCache(store).get(key) == ok("a")


@pytest.mark.parametrize("data", [b"\xff", b"[" * 50_000, b"5", b"null", b"{}", b'["a"]'])
def test_a_damaged_entry_is_counted_and_absent(tmp_path, data) -> None:
    store = LmdbStore(tmp_path)
    store.put_many({"k": data})
    cache = AnswerCache(store)
    assert cache.get("k") is None
    assert cache.ignored == 1


def test_what_no_table_can_hold_is_never_put(tmp_path) -> None:
    cache = AnswerCache(LmdbStore(tmp_path))
    for reading in (ok("\ud83d"), ok((1e300,)), ok("a", 0.5), ok((0.5, float("inf")))):
        cache.put(str(reading.answer).encode("utf-8", "replace").hex(), reading)
    cache.flush()
    assert cache.get(b"a".hex()) == ok("a", 0.5)
    assert not is_kept(ok("\ud83d"))
    assert cache.get(b"?".hex()) is None


def test_a_question_about_half_a_pair_has_a_key() -> None:
    task = Task("t", "1", AnswerKind.TEXT)
    asked = Question(task, Item("i", "c", "a\udc00.txt", "text \ud83d"), coverage=0.5)
    assert len(answer_key(asked, Scripted("s", ok("a")))) == 32
