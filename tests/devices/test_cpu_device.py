"""The CPU as a device: its identity and readings, against a prepared /proc and /sys and against this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.devices import host, registry
from harness.devices.cpu import CpuReader
from harness.errors import UnsupportedError

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz
flags\t\t: fpu vme sse4_2 avx512f{flag}

processor\t: 1
model name\t: second processor
"""


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def server(root: Path) -> Path:
    cpufreq = "sys/devices/system/cpu/cpu{}/cpufreq/{}".format
    write(
        root,
        **{
            "proc/cpuinfo": CPUINFO.format(flag=""),
            cpufreq(0, "base_frequency"): "2500000\n",
            cpufreq(0, "cpuinfo_max_freq"): "3900000\n",
            cpufreq(0, "scaling_governor"): "powersave\n",
            cpufreq(0, "scaling_cur_freq"): "3000000\n",
            cpufreq(1, "scaling_cur_freq"): "2000000\n",
            "sys/devices/system/node/node0/cpulist": "0",
            "sys/devices/system/node/node1/cpulist": "1",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/memory.max": "8589934592\n",
        },
    )
    return root


def test_identity_of_a_bare_server(tmp_path):
    found = host.identity(server(tmp_path))
    expected = {
        "cpu_model": "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz",
        "base_mhz": 2500,
        "max_mhz": 3900,
        "governor": "powersave",
        "numa_nodes": 2,
        "hypervisor": False,
        "cgroup_cpus": 1.5,
        "cgroup_memory_bytes": 8 << 30,
    }
    assert {name: found.get(name) for name in expected} == expected


def test_what_a_virtual_machine_does_not_say_is_absent(tmp_path):
    write(tmp_path, **{"proc/cpuinfo": CPUINFO.format(flag=" hypervisor"), "sys/fs/cgroup/cpu.max": "max 100000\n"})
    found = host.identity(tmp_path)
    assert found["hypervisor"] is True
    assert not {"base_mhz", "max_mhz", "governor", "numa_nodes", "cgroup_cpus", "cgroup_memory_bytes"} & set(found)
    assert host.current_mhz(tmp_path) is None


def test_clock_is_the_mean_over_cores(tmp_path):
    assert host.current_mhz(server(tmp_path)) == 2500


def test_identity_of_this_machine_is_json_and_quick():
    begin = time.perf_counter()
    found = registry.describe("cpu")
    assert time.perf_counter() - begin < 5
    assert json.loads(json.dumps(found)) == found
    assert found["name"] == "cpu"
    assert found["memory_total_bytes"] == psutil.virtual_memory().total


def test_the_cpu_is_present_and_nothing_else_is_claimed():
    assert registry.detect() == "cpu"
    assert registry.present("cpu")
    assert not registry.present("T4")
    with pytest.raises(UnsupportedError, match="soc_version=T4: this machine has cpu, not T4"):
        registry.describe("T4")
    with pytest.raises(UnsupportedError):
        registry.reader("Ascend310P3")


def test_a_kind_in_front_of_the_cpu_is_preferred(monkeypatch):
    class Npu:
        @staticmethod
        def present(_=None):
            return ("Ascend310P3",)

        @staticmethod
        def describe(name, _=None, __=None):
            return {"name": name, "kind": "npu"}

    monkeypatch.setattr(registry, "MODULES", (Npu, *registry.MODULES))
    assert registry.detect() == "Ascend310P3"
    assert registry.present("cpu")
    assert registry.describe("Ascend310P3")["kind"] == "npu"


def test_detection_imports_no_framework():
    code = (
        "import sys; from harness.devices import registry; registry.detect(); registry.describe('cpu');"
        "print(sorted({'torch', 'onnx', 'onnxruntime', 'mlflow', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_readings_have_rates_only_from_the_second_on():
    reader = registry.reader("cpu")
    first = reader.read()
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    second = reader.read()
    assert first.utilisation_percent is None
    assert 0 < second.utilisation_percent <= 100
    assert second.time_s > first.time_s
    assert 0 < second.memory_used_bytes < psutil.virtual_memory().total
    assert second.host_load == pytest.approx(psutil.getloadavg()[0], abs=0.5)


def rapl(root: Path, *energies_uj: int, wrap: int = 1_000_000_000) -> None:
    for number, energy in enumerate(energies_uj):
        zone = f"sys/class/powercap/intel-rapl:{number}"
        write(
            root,
            **{
                f"{zone}/name": f"package-{number}\n",
                f"{zone}/energy_uj": f"{energy}\n",
                f"{zone}/max_energy_range_uj": f"{wrap}\n",
                f"sys/class/powercap/intel-rapl:{number}:0/name": "core\n",
                f"sys/class/powercap/intel-rapl:{number}:0/energy_uj": f"{energy // 2}\n",
                f"sys/class/powercap/intel-rapl:{number}:0/max_energy_range_uj": f"{wrap}\n",
            },
        )


def test_power_is_the_energy_of_all_packages_over_time_across_a_wrap(tmp_path, monkeypatch):
    moments = iter([100.0, 102.0])
    monkeypatch.setattr("harness.devices.cpu.time.monotonic", lambda: next(moments))
    rapl(tmp_path, 999_000_000, 5_000_000)
    reader = CpuReader(tmp_path)
    assert reader.read().power_w is None
    rapl(tmp_path, 39_000_000, 65_000_000)  # 40 J past the wrap, and 60 J, in 2 s
    assert reader.read().power_w == pytest.approx(50)


def test_power_is_absent_where_the_counter_is_not_readable(tmp_path):
    rapl(tmp_path, 1)
    reader = CpuReader(tmp_path)
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()
    assert [reader.read().power_w, reader.read().power_w] == [None, None]


def test_conditions_say_what_may_disturb_a_repeat():
    found = registry.conditions()
    assert json.loads(json.dumps(found)) == found
    assert 0 <= found["cpu_utilisation_percent"] <= 100
    assert len(found["load_average"]) == 3
    assert found["affinity"] == psutil.Process().cpu_affinity()
    assert 0 < found["memory_available_bytes"] <= psutil.virtual_memory().total
