"""A disk that is full, in each store: one clear line, and nothing lost once there is room again.

Every store of the home lies on a file system of its own, which the kernel itself refuses to fill.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.conftest import AT_ONCE, KNOWN, Place
from tests.fuzzing import EXHAUSTIVE

pytestmark = pytest.mark.slow

ROOMY = 64 << 20
REMEDIES = ("run the same command to go on", "run it again", "is left out")
# of each kind of store the one that most depends on: LMDB, tables, pages, records, history
OFTEN = frozenset(("cache/answers", "dagster", "reports", "spending", "tables"))


def stores(home: Path) -> list[Path]:
    """The folders that a run writes to: what holds LMDB, tables, pages, records, or history."""
    below = [path for path in home.iterdir() if path.is_dir() and path.name != "cache"]
    return sorted([*below, *(path for path in (home / "cache").iterdir() if path.is_dir())])


def put_on_disks_of_their_own(place: Place) -> list[Path]:
    disks = stores(place.home)
    for disk in disks:
        aside = place.root / "aside" / disk.relative_to(place.home)
        shutil.copytree(disk, aside)
        place.commands.mounted("-t", "tmpfs", "-o", f"size={ROOMY}", "none", disk)
        assert place.commands.call("system", command=["cp", "-a", f"{aside}/.", str(disk)]) == 0
    return disks


def size(place: Place, disk: Path, more: int | None) -> None:
    """Leaves so many bytes free on a disk; None: as many as anybody needs."""
    status = os.statvfs(place.commands.seen(disk))
    used = (status.f_blocks - status.f_bfree) * status.f_frsize
    size = ROOMY if more is None else max(used, status.f_frsize) + more
    place.commands.mounted("-o", f"remount,size={size}", disk)


def test_a_full_disk_is_said_in_one_line_whichever_store_it_holds(place) -> None:
    disks = [
        disk
        for disk in put_on_disks_of_their_own(place)
        if EXHAUSTIVE or str(disk.relative_to(place.home)) in OFTEN
    ]
    problems = []
    homeless: set[str] = set()
    for disk in disks:
        place.add(1)
        size(place, disk, 0)
        command = place.run()
        code = command.end()
        size(place, disk, None)
        name = str(disk.relative_to(place.home))
        if name == "cache/answers":
            # what came while the store of answers itself was full has no other place
            homeless = {call.key for call in place.calls}
        # what only saves time may be left out, and what is written may fit into pages that are free
        if code not in (0, 1, 2) or "Traceback" in command.said:
            problems.append((name, code, command.said[-1500:]))
        elif not all(line.endswith(REMEDIES) for line in command.ours) or bool(code) > len(
            command.ours
        ):
            problems.append((name, code, command.ours))
    assert not problems, "\n\n".join(map(str, problems))
    command = place.run()
    assert command.end() == 0, command.said
    copy = replace(place, root=place.root / "seen")
    command = ["cp", "-a", str(place.home), str(copy.root) + "/"]
    copy.root.mkdir()
    assert place.commands.call("system", command=command) == 0
    assert len(place.repeated) == len(set(place.repeated)) <= AT_ONCE
    assert set(place.repeated) <= homeless
    assert len(copy.rows("resolutions")) == KNOWN + len(disks)
