"""`orchestrate tidy`: what nobody needs goes, and a home still runs, explains and reports after."""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.schemas.tables import BATCH_TABLES
from resources import fact_packs
from resources.home import Home

POLICY = """
version: 2
content: {keep: true}
services:
  stopwords: {implementation: stopwords}
  declared_title: {implementation: declared_title}
  central_sentence: {implementation: central_sentence}
tasks:
  language:
    question: In which language is it written?
    kind: label
    labels: [en, fr, de]
    default: {model: sequential, services: [stopwords]}
  title:
    question: What is its title?
    kind: text
    default: {model: parallel, services: [declared_title, central_sentence]}
"""
STAYS = {"content_manifest", "disagreement_report"}


class Place:
    def __init__(self, folder: Path) -> None:
        self.source, self.home = folder / "source", folder / "home"
        self.policy = folder / "policy.yaml"
        self.policy.write_text(POLICY)
        self.source.mkdir()

    def call(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        more = ["--home", str(self.home), "--policy", str(self.policy), "--json"]
        with redirect_stdout(StringIO()) as printed:
            code = main([*arguments, *more])
        return code, json.loads(printed.getvalue())

    def run(self) -> str:
        code, summary = self.call("run", str(self.source))
        assert code == 0
        (batch,) = summary["batches"]
        return batch

    def files(self) -> dict[Path, bytes]:
        return {
            p: p.read_bytes()
            for p in self.home.rglob("*")
            if p.is_file() and p.name != "lock.mdb" and "dagster" not in p.parts
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """Three batches: the first one replaced by the second, and a third of other content."""
    place = Place(tmp_path_factory.mktemp("tidy"))
    (place.source / "log.txt").write_text("The first version of the log says that it rained.\n")
    place.first = place.run()
    (place.source / "log.txt").write_text("The second version of the log says that it was dry.\n")
    place.second = place.run()
    (place.source / "other.txt").write_text("This is another text, about the price of barley.\n")
    place.third = place.run()
    return place


def kept_of(home: Home, batch: str) -> list[frozenset[str]]:
    """The tables of each fact about a batch that stands together with others."""
    packs = [path.read_text() for path in home.tables.derived.glob("*/packs/*.facts")]
    lines = (line.partition("\t") for pack in packs for line in pack.splitlines())
    return [fact_packs.tables_of(fact) for about, _, fact in lines if about == batch]


def test_what_taught_services_knew_when_a_batch_began_stays_while_the_batch_does(place) -> None:
    models = Home(place.home).models
    going, *staying = (models.store("taught.pupil", {}, {"n": n}).version for n in range(3))
    models.promote("taught.pupil", staying[1])
    for batch, version in ((place.first, going), (place.second, staying[0])):
        models.store("taught_starts.pupil", {}, {"version": version}, f"batch-{batch}")
    _, told = place.call("tidy", "--keep-batches", "0", "--older-than", "0")
    assert [one for one in told["models"] if one[0].startswith("taught")] == [
        ["taught.pupil", going],
        ["taught_starts.pupil", f"batch-{place.first}"],
    ]
    for version in (going, *staying):
        models.delete("taught.pupil", version)
    for batch in (place.first, place.second):
        models.delete("taught_starts.pupil", f"batch-{batch}")


def test_first_it_only_says_what_would_go_then_it_goes_and_the_home_goes_on(
    place, monkeypatch
) -> None:
    home = Home(place.home)
    with monkeypatch.context() as patched:
        patched.setattr(fact_packs, "FEWEST", 1)
        fact_packs.pack_facts(home.tables)
    assert any(not tables <= STAYS for tables in kept_of(home, place.first))
    models = home.models
    used = models.store("calibration.no_task", {"a": np.ones(3)}, {"n": 1}).version
    models.promote("calibration.no_task", used)
    unused = models.store("calibration.no_task", {"a": np.zeros(3)}, {"n": 2}).version
    home.answers.put_many({"0" * 32: b"nothing refers to it"})
    (place.home / "tables" / "resolutions" / ".half-written.parquet.x1").write_bytes(b"half")
    before = place.files()
    everything = ("--keep-batches", "0", "--older-than", "0")
    code, told = place.call("tidy", *everything)
    assert code == 0 and not told["deleted"] and place.files() == before
    folders = {one.name for one in place.home.iterdir() if one.is_dir()}
    assert folders >= {"tables", "claims"} and set(told["bytes_before"]) == folders
    assert told["batches"] == [place.first]
    assert set(told["batches_kept"]) == {place.second, place.third}
    assert told["models"] == sorted(
        [["calibration.no_task", unused], ["neighbour_index", place.first]]
    )
    assert told["caches"]["answers"]["entries"] >= 1
    assert told["portions"]["files of writers that died"]["count"] == 1
    assert told["portions"]["kept contents of old batches"]["count"] == 1

    code, done = place.call("tidy", *everything, "--yes")
    assert code == 0 and done["deleted"] and done["portions"] == told["portions"]
    stored = {name for name in BATCH_TABLES if home.tables.exists(name, place.first)}
    assert stored == STAYS
    # so stays what was derived of these alone
    assert set().union(*kept_of(home, place.first)) == STAYS
    assert sum(done["bytes_after"].values()) < sum(done["bytes_before"].values())
    assert models.versions("calibration.no_task") == [used]
    assert not home.answers.get_many(["0" * 32])
    index = (place.home / "reports" / "index.html").read_text()
    assert place.first in index and f"{place.first}.html" not in index
    assert f"{place.second}.html" in index
    # nothing is left to tidy
    code, again = place.call("tidy", *everything)
    assert again["batches"] == [] and not any(p["count"] for p in again["portions"].values())

    # it still lists, runs, explains and reports; nothing is computed or asked again
    code, summary = place.call("run", str(place.source))
    assert code == 0 and summary["batches"] == []
    (place.source / "new.txt").write_text("A new text after tidying, about the harvest of rye.\n")
    place.run()
    for job in ("corpus_reports", "calibrate"):
        assert place.call("job", job)[0] == 0
    for name in ("log.txt", "other.txt", "new.txt"):
        _, shown = place.call("explain", name)
        assert shown["states"][-1]["to_state"] == "resolved"
        assert all("reused" in line for line in shown["next_run"])
    ledger = home.tables.read("content_ledger").to_pylist()
    assert {row["path"]: row["versions"] for row in ledger}["log.txt"] == 2
    report = home.tables.read("corpus_report")["batch"].to_pylist()
    assert place.first in report and len(report) == 4
    # the first version comes back: it is the content of a known batch, and is answered again
    (place.source / "log.txt").write_text("The first version of the log says that it rained.\n")
    code, summary = place.call("run", str(place.source))
    assert code == 0
    _, shown = place.call("explain", "log.txt")
    assert shown["states"][-1]["to_state"] == "resolved"


def test_the_newest_batches_and_what_is_young_stay(place) -> None:
    for options in (("--keep-batches", "9", "--older-than", "0"), ("--keep-batches", "0")):
        _, told = place.call("tidy", *options)
        assert told["batches"] == [] and told["batches_kept"] == {}


@pytest.mark.parametrize(
    ("option", "value"), [("--keep-batches", "-1"), ("--older-than", "-3"), ("--older-than", "x")]
)
def test_what_is_no_number_is_refused_in_one_line(place, option, value, capsys) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["tidy", option, value, "--home", str(place.home)])
    assert refused.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
