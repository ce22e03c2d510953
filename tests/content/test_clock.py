"""Clocks that were set back: the order of looks is kept by the stamps of batches, not by clocks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.batches import next_look
from orchestration_assets.content.intake import take_in
from orchestration_assets.content.ledger import read_ledger
from orchestration_assets.policy.load import load_policy
from resources.home import Home

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
moments = st.datetimes(datetime(1971, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))


def key(moment: datetime) -> str:
    return f"{moment.strftime('%Y%m%dT%H%M%SZ').zfill(16)}-0123abcd"


@given(moments, st.lists(moments, max_size=5))
def test_a_look_is_later_than_every_recorded_one_and_now_unless_it_must_be(now, earlier) -> None:
    recorded = [key(one) for one in earlier]
    stamp = key(next_look(now, [*recorded, "odd", "99999999T999999Z-0123abcd"]))
    assert all(stamp > one for one in recorded)
    if all(key(now) > one for one in recorded):
        assert stamp == key(now)


def test_a_clock_set_back_makes_no_batches_and_forgets_no_deletion(tmp_path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    content = load_policy().policy.content
    for name in ("stays.txt", "changes.txt", "goes.txt"):
        (source / name).write_text(f"The first text of {name}")

    def look(now: datetime) -> tuple[str, ...]:
        return take_in(Home(home), str(source), content, now).recorded

    first = look(NOW)
    (source / "changes.txt").write_text("Another, longer text that came later")
    (source / "goes.txt").unlink()
    back = NOW - timedelta(days=400)
    second = look(back)
    assert len(first) == len(second) == 1
    assert first[0] < second[0]
    for days in (401, 300, 0, -1):
        assert look(NOW - timedelta(days=days)) == ()
    ledger = read_ledger(Home(home), f"file://{source}")
    present = {path.rpartition("/")[2] for path in ledger.present()["file"].to_pylist()}
    assert present == {"stays.txt", "changes.txt"}
    (source / "goes.txt").write_text("It is there again")
    assert len(look(back)) == 1
    assert look(back) == ()
