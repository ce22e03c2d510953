"""What containers may use: groups of both versions, nested, seen from inside and from outside."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources import machine
from resources.control_groups import (
    cores_of_quota,
    group_folders,
    memory_of_limit,
    reclaimable,
    second_quota,
)

SECOND = "35 31 0:30 {root} {point} rw,nosuid shared:9 master:1 - cgroup2 cgroup2 rw,nsdelegate\n"
FIRST = "33 32 0:31 {root} {point} ro,nosuid - cgroup cgroup rw,{controllers}\n"
NAMES = st.text("abc-. é", min_size=1, max_size=6).filter(lambda name: set(name) != {"."})


class Kernel:
    """Files as the kernel shows them."""

    def __init__(self, groups: str, mounts: str, files: dict[str, str]) -> None:
        self._files = {"/proc/self/cgroup": groups, "/proc/self/mountinfo": mounts, **files}

    def __call__(self, path: Path) -> str:
        try:
            return self._files[str(path)]
        except KeyError:
            raise FileNotFoundError(path) from None


def in_container(files: dict[str, str]) -> Kernel:
    """A container of version 2: its own group is all that it sees."""
    mounts = SECOND.format(root="/", point="/sys/fs/cgroup")
    return Kernel("0::/\n", mounts, {f"/sys/fs/cgroup/{name}": files[name] for name in files})


@given(st.lists(st.tuples(NAMES, st.none() | st.integers(1_000, 10**7)), max_size=5), st.data())
def test_the_least_quota_of_all_nested_groups_holds(groups, data):
    period, folder, files = 100_000, "/sys/fs/cgroup", {}
    for name, quota in groups:
        folder += f"/{name}"
        files[f"{folder}/cpu.max"] = f"{quota or 'max'} {period}\n"
    # beside the groups of this process there are others, which say nothing about it
    files[f"{folder}/below/cpu.max"] = "1000 100000\n"
    path = "".join(f"/{name}" for name, _ in groups) or "/"
    kernel = Kernel(f"0::{path}\n", SECOND.format(root="/", point="/sys/fs/cgroup"), files)
    quotas = [quota / period for _, quota in groups if quota]
    assert cores_of_quota(kernel) == (min(quotas) if quotas else None)


@given(st.text(), st.text(), st.sampled_from(["cpu", "memory"]))
def test_any_text_in_the_place_of_groups_is_no_error(groups, mounts, controller):
    group_folders(groups, mounts, controller)
    second_quota(groups)
    reclaimable(mounts)


def test_groups_of_version_1_as_a_container_sees_them_from_outside_of_its_namespace():
    mounts = FIRST.format(root="/", point="/elsewhere", controllers="memory") + FIRST.format(
        root="/docker/ab", point=r"/sys/fs/c\040group/cpu", controllers="cpu,cpuacct"
    )
    groups = "4:memory:/docker/ab\n3:cpuacct,cpu:/docker/ab/worker\n0::/docker/ab\n"
    folder = "/sys/fs/c group/cpu"
    files = {
        f"{folder}/worker/cpu.cfs_quota_us": "-1\n",
        f"{folder}/worker/cpu.cfs_period_us": "100000\n",
        f"{folder}/cpu.cfs_quota_us": "150000\n",
        f"{folder}/cpu.cfs_period_us": "100000\n",
        "/elsewhere/docker/cpu.max": "1000 100000",
    }
    assert cores_of_quota(Kernel(groups, mounts, files)) == 1.5


def test_a_group_outside_of_what_is_mounted_is_seen_as_far_as_it_is_mounted():
    mounts = SECOND.format(root="/", point="/sys/fs/cgroup")
    for path in ("/../outer", "/other/../.."):
        assert group_folders(f"0::{path}\n", mounts, "cpu") == [Path("/sys/fs/cgroup")]
    inside = SECOND.format(root="/pod", point="/sys/fs/cgroup")
    assert group_folders("0::/pods/a\n", inside, "cpu") == [Path("/sys/fs/cgroup")]
    assert group_folders("0::/pod/a\n", "", "cpu") == []


def test_memory_that_is_left_counts_files_that_would_make_room():
    files = {
        "memory.max": f"{4 << 30}\n",
        "memory.high": "max\n",
        "memory.current": f"{3 << 30}\n",
        "memory.stat": f"anon 7\ninactive_file {1 << 30}\nactive_file {1 << 29}\nfile {9 << 30}\n",
    }
    assert memory_of_limit(in_container(files)) == (4 << 30) - (3 << 29)
    held_up = files | {"memory.high": f"{1 << 30}\n"}
    assert memory_of_limit(in_container(held_up)) == 0
    assert memory_of_limit(in_container(files | {"memory.max": "max\n"})) is None
    assert memory_of_limit(in_container({"memory.max": f"{4 << 30}\n"})) == 4 << 30


def test_memory_of_version_1_counts_the_groups_below():
    mounts = FIRST.format(root="/", point="/m", controllers="memory")
    files = {
        "/m/pod/memory.limit_in_bytes": "1000\n",
        "/m/pod/memory.usage_in_bytes": "900\n",
        "/m/pod/memory.stat": "inactive_file 1\ntotal_inactive_file 300\ntotal_active_file 100\n",
        "/m/memory.limit_in_bytes": "9223372036854771712\n",
    }
    assert memory_of_limit(Kernel("4:memory:/pod\n", mounts, files)) == 500


@pytest.mark.parametrize(("quota", "cores"), [(None, 64), (2.0, 2), (1.5, 2), (0.1, 1), (99.0, 64)])
def test_no_more_cores_are_used_than_the_container_has(monkeypatch, quota, cores):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr(machine, "cores_of_quota", lambda: quota)
    monkeypatch.setattr(machine, "memory_of_limit", lambda: 5)
    assert machine.usable_cores() == cores
    assert machine.usable_memory() == 5
