"""What the control groups of Linux leave this process: containers have their limits there.

The kernel counts no quota in the cores that it names, and no limit of a container in the memory
that is free. Of nested groups each holds, so the least of all of them counts. Groups of both
versions are read (https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup-v1/memory.html and
scheduler/sched-bwc.html); where there are none, nothing is limited.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

Number = TypeVar("Number", int, float)
Read = Callable[[Path], str]
"""The text of a file; raises OSError where there is none."""
_GROUPS: Final = Path("/proc/self/cgroup")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_DIGITS: Final = 20
"""As many as a number of 64 bits has."""
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_NAMED_MOUNT_FIELDS: Final = 6
"""Fields of a mount before the optional ones, which a hyphen ends."""


def read_text(path: Path) -> str:
    """The file as it is now. Raises OSError."""
    return path.read_text("utf-8", "surrogateescape")


def cores_of_quota(read: Read = read_text) -> float | None:
    """Cores whose whole time this process may use, such as 0.5 or 2; None without a quota."""
    return _least(_quota(folder, read) for folder in _folders("cpu", read))


def memory_of_limit(read: Read = read_text) -> int | None:
    """Bytes that its groups may still take, files in memory that would make room counted as free;
    at least 0, None without a limit."""
    return _least(_left(folder, read) for folder in _folders("memory", read))


def group_folders(groups: str, mounts: str, controller: str) -> list[Path]:
    """The folders of the groups that a process is in and that limit what the controller names
    (``cpu``, ``memory``), the innermost first.

    ``groups`` and ``mounts`` are /proc/self/cgroup and /proc/self/mountinfo. Of a group that lies
    outside what is mounted here, only what is mounted can be seen.
    """
    found: list[Path] = []
    for line in groups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_second = number == "0" and not controllers
        if not is_second and controller not in controllers.split(","):
            continue
        places = list(_mounted(mounts, None if is_second else controller))
        for root, point in places:
            if (here := _below(path, root)) is not None:
                found += [point / here, *(point / one for one in here.parents)]
                break
        else:
            found += [point for _, point in places[:1]]
    return list(dict.fromkeys(found))


def second_quota(text: str) -> float | None:
    """Cores that a ``cpu.max`` allows ("200000 100000"); None for "max" and what is no quota."""
    quota, _, period = text.strip().partition(" ")
    return _cores(quota, period)


def first_quota(quota_us: str, period_us: str) -> float | None:
    """Cores of ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``; None for -1 and for what is no
    quota."""
    return _cores(quota_us.strip(), period_us.strip())


def reclaimable(statistics: str) -> int:
    """Bytes of files in memory, by a ``memory.stat``; of version 1 with those of groups below."""
    found = {}
    for line in statistics.splitlines():
        name, _, value = line.partition(" ")
        found[name] = _number(value) or 0
    first = "total_" if "total_inactive_file" in found else ""
    return sum(found.get(f"{first}{name}", 0) for name in ("inactive_file", "active_file"))


def _folders(controller: str, read: Read) -> list[Path]:
    try:
        return group_folders(read(_GROUPS), read(_MOUNTS), controller)
    except OSError:
        return []


def _mounted(mounts: str, controller: str | None) -> Iterator[tuple[PurePosixPath, Path]]:
    """Which group is the root of each mount, and where; ``controller`` is None for version 2."""
    for line in mounts.splitlines():
        fields = line.split(" ")
        try:
            end = fields.index("-", _NAMED_MOUNT_FIELDS)
            kind, options = fields[end + 1], fields[end + 3].split(",")
        except (ValueError, IndexError):
            continue
        is_wanted = kind == "cgroup2" if controller is None else kind == "cgroup"
        if is_wanted and (controller is None or controller in options):
            root, point = (_plain(fields[number]) for number in (3, 4))
            yield PurePosixPath(root), Path(point)


def _below(path: str, root: PurePosixPath) -> PurePosixPath | None:
    """The group relative to the root of a mount; None where it does not lie in there."""
    group = PurePosixPath(path)
    # a group outside the namespace of this process is named from its root, over its parents
    if ".." in group.parts or not group.is_relative_to(root):
        return None
    return group.relative_to(root)


def _plain(field: str) -> str:
    """A path of a mount, in which spaces and the like are written as octal numbers."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), field)


def _quota(folder: Path, read: Read) -> float | None:
    if (text := _read_or_none(folder / "cpu.max", read)) is not None:
        return second_quota(text)
    quota = _read_or_none(folder / "cpu.cfs_quota_us", read)
    period = _read_or_none(folder / "cpu.cfs_period_us", read)
    return None if quota is None or period is None else first_quota(quota, period)


def _left(folder: Path, read: Read) -> int | None:
    """Bytes left to a group; above ``memory.high`` the kernel holds its processes up."""
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    limit = _least(_number(_read_or_none(folder / name, read)) for name in names)
    if limit is None:
        return None
    used = None
    for name in ("memory.current", "memory.usage_in_bytes"):
        used = _number(_read_or_none(folder / name, read)) if used is None else used
    files = reclaimable(_read_or_none(folder / "memory.stat", read) or "")
    return max(0, limit - max(0, (used or 0) - files))


def _cores(quota: str, period: str) -> float | None:
    quota_us, period_us = _number(quota), _number(period)
    return quota_us / period_us if quota_us and period_us else None


def _number(text: str | None) -> int | None:
    """A number of a file of the kernel; None for "max", -1 and anything else."""
    plain = (text or "").strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= _DIGITS else None


def _read_or_none(path: Path, read: Read) -> str | None:
    try:
        return read(path)
    except OSError:
        return None


def _least(numbers: Iterable[Number | None]) -> Number | None:
    return min((number for number in numbers if number is not None), default=None)
