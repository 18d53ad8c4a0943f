"""What free memory and the kernel's kills are read from: machine, control groups of both versions, namespaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sweep.memory import available_bytes, memory_groups, oom_kills

MEMINFO = "MemTotal:       24684096 kB\nMemFree:         1000000 kB\nMemAvailable:    2000000 kB\n"
V1_MOUNT = "35 31 0:32 {top} /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory\n"
V2_MOUNT = "41 31 0:38 {top} /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
OTHER_MOUNTS = (
    "23 1 254:0 / / rw - ext4 /dev/root rw\n34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\nnonsense\n"
)


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"proc/meminfo": MEMINFO, "proc/vmstat": "nr_free 5\noom_kill 3\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def v2(root: Path, groups: dict[str, dict[str, str]], path: str = "/jobs/mine", top: str = "/") -> Path:
    files = {"proc/self/cgroup": f"0::{path}\n", "proc/self/mountinfo": OTHER_MOUNTS + V2_MOUNT.format(top=top)}
    for group, content in groups.items():
        files |= {f"sys/fs/cgroup{group}/{name}": text for name, text in content.items()}
    return machine(root, files)


def test_without_control_groups_it_is_what_the_machine_has(tmp_path: Path) -> None:
    assert available_bytes(machine(tmp_path, {})) == 2_000_000 * 1024


def test_elsewhere_than_on_linux_nothing_is_known(tmp_path: Path) -> None:
    assert available_bytes(tmp_path) is None
    assert oom_kills(tmp_path) is None


def test_the_tightest_group_above_the_process_counts_and_its_file_cache_is_free(tmp_path: Path) -> None:
    root = v2(
        tmp_path,
        {
            "/jobs/mine": {"memory.max": "max\n", "memory.current": "700\n"},
            "/jobs": {
                "memory.max": "1000000\n",
                "memory.current": "600000\n",
                "memory.stat": "anon 5\ninactive_file 100000\n",
            },
            "": {"memory.stat": "anon 5\n"},
        },
    )
    assert available_bytes(root) == 500_000


def test_a_soft_limit_bounds_too_because_beyond_it_the_process_is_throttled(tmp_path: Path) -> None:
    group = {"memory.max": "1000\n", "memory.high": "800\n", "memory.current": "300\n"}
    assert available_bytes(v2(tmp_path, {"/jobs/mine": group})) == 500


def test_a_group_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    assert available_bytes(v2(tmp_path, {"/jobs/mine": {"memory.max": "100", "memory.current": "300"}})) == 0


def test_version_1_and_its_number_for_no_limit(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "9:name=systemd:/\n4:memory:/docker/ab\n1:cpu:/\n0::/\n",
        "proc/self/mountinfo": OTHER_MOUNTS + V1_MOUNT.format(top="/docker/ab"),  # no namespace: the group is the mount
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
    }
    root = machine(tmp_path, files)
    assert available_bytes(root) == 2_000_000 * 1024
    (root / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text("5000\n")
    (root / "sys/fs/cgroup/memory/memory.stat").write_text("cache 1\ntotal_inactive_file 400\n")
    assert available_bytes(root) == 4400


@pytest.mark.parametrize("path", ["/../elsewhere", "/not/mounted/here"])
def test_a_path_that_a_namespace_hides_falls_back_to_the_mount(tmp_path: Path, path: str) -> None:
    root = v2(tmp_path, {"": {"memory.max": "5000", "memory.current": "1000"}}, path=path)
    assert [*memory_groups(root)] == [root / "sys/fs/cgroup"]
    assert available_bytes(root) == 4000


def test_kills_of_the_machine_and_of_the_own_group_are_counted(tmp_path: Path) -> None:
    root = v2(tmp_path, {"/jobs/mine": {"memory.events": "low 0\noom 4\noom_kill 2\n"}})
    assert oom_kills(root) == 5


@given(st.dictionaries(st.sampled_from(["cgroup", "mountinfo"]), st.text(max_size=200)), st.text(max_size=50))
def test_files_that_make_no_sense_are_no_reason_to_stop(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str], meminfo: str
) -> None:
    root = tmp_path_factory.mktemp("root")
    machine(root, {f"proc/self/{name}": text for name, text in files.items()} | {"proc/meminfo": meminfo})
    available_bytes(root)
    assert oom_kills(root) == 3


def test_this_machine_answers() -> None:
    if not Path("/proc/meminfo").exists():
        pytest.skip("needs Linux")
    available = available_bytes()
    assert available is not None
    assert available > 0
