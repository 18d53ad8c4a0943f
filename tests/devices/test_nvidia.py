"""GPUs through the stand-in of NVML: names, which ones CUDA sees, identity, readings, and a driver that is absent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config.compose import compose_settings
from harness.config.locate import conf_dir
from harness.config.simulator import SimulatorSettings
from harness.devices import nvidia, nvml, registry
from harness.devices.idle import TellsHolders, look
from harness.devices.nvidia_names import PRODUCTS, soc_version
from harness.devices.physical import physical_name
from harness.errors import HarnessError, UnsupportedError
from harness.simulator.environment import NVIDIA_MODULES, environment


def settings(**given: Any) -> SimulatorSettings:
    return SimulatorSettings(**{"name": "nvidia", "kind": "nvidia", "chip": "T4", "memory_mb": 15360, **given})


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in of pynvml in this very process, told by keywords what to show."""

    def told(**given: Any) -> None:
        known = environment(settings(**given))
        monkeypatch.setenv("HARNESS_SIMULATOR", known["HARNESS_SIMULATOR"])
        monkeypatch.syspath_prepend(str(NVIDIA_MODULES))
        monkeypatch.delitem(sys.modules, "pynvml", raising=False)
        nvml._library.cache_clear()

    yield told
    nvml._library.cache_clear()
    sys.modules.pop("pynvml", None)


@pytest.mark.parametrize(
    ("product", "name"),
    [
        ("Tesla T4", "T4"),
        ("NVIDIA A10", "A10"),
        ("NVIDIA A10G", "A10G"),
        ("A100-SXM4-40GB", "A100"),
        ("NVIDIA A100 80GB PCIe", "A100"),
        ("Tesla V100-PCIE-32GB", "V100"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "H100"),
        ("NVIDIA GeForce RTX 4090", "RTX4090"),
        ("GeForce RTX 3090 Ti", "RTX3090Ti"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX6000Ada"),
    ],
)
def test_a_product_is_named_as_people_name_the_chip(product: str, name: str) -> None:
    assert soc_version(product) == name


def test_every_product_has_its_own_name_back() -> None:
    assert {name: soc_version(product) for name, product in PRODUCTS.items()} == {name: name for name in PRODUCTS}
    assert {"T4", "A10", "A100", "H100"} <= set(PRODUCTS)


def test_without_nvml_there_is_no_gpu() -> None:
    if nvml.gpus():
        pytest.skip("this machine has a GPU")
    assert nvidia.present() == ()
    assert registry.trouble() is None


def test_a_gpu_comes_before_the_cpu_and_tells_who_it_is() -> None:
    known = environment(settings(devices=2))
    assert registry.detect(known) == "T4"
    facts = registry.describe("T4", known, 1)
    assert (facts["product"], facts["device_id"], facts["devices"], facts["kind"]) == ("Tesla T4", 1, 2, "gpu")
    assert facts["memory_total_bytes"] == 15360 * 2**20
    assert (facts["power_limit_w"], facts["cuda_version"], facts["driver_version"]) == (70, "12.4", "550.54.15")
    assert (facts["persistence_mode"], facts["ecc_mode"]) == ("enabled", "enabled")
    assert "mig_mode" not in facts, "a T4 has none"
    assert facts["uuid"] != registry.describe("T4", known)["uuid"]
    assert physical_name("T4", known, 1) == facts["uuid"], "what it is called in a container too"


def test_a_chip_that_is_not_the_one_here_is_refused() -> None:
    known = environment(settings(chip="A10"))
    assert registry.present("A10", known)
    assert not registry.present("T4", known)
    with pytest.raises(UnsupportedError, match="soc_version=T4: this machine has A10, not T4"):
        registry.describe("T4", known)
    with pytest.raises(UnsupportedError, match=r"device=3: no A10 has this device id \(known: 0: A10\)"):
        nvidia.chosen("A10", known, 3)
    with pytest.raises(UnsupportedError, match=r"^no T4 here \(known: 0: A10\)"):
        nvidia.chosen("T4", known)


def test_a_driver_that_does_not_answer_says_so() -> None:
    known = environment(settings(fail="driver_not_loaded"))
    assert registry.detect(known) == "cpu"
    assert "Driver Not Loaded" in (registry.trouble(known) or "")
    with pytest.raises(HarnessError, match="Driver Not Loaded") as failed:
        registry.present("T4", known)
    assert failed.value.reason == "nvidia_driver"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("2,0", [2, 0]),
        ("1,-1,0", [1]),
        ("7,0", []),
        ("GPU-00000000-0000-0000-0000-000000000052", [1]),
        ("GPU-0", []),  # the beginning of three
        ("1,1", [1]),
        ("NoDevFiles", []),
    ],
)
def test_cuda_visible_devices_decides_what_there_is_and_the_ids(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: list[int]
) -> None:
    stand_in(devices=3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = nvidia.visible()
    assert [each.gpu.index for each in found] == expected
    assert [each.device_id for each in found] == list(range(len(expected)))


def test_a_reading_has_what_the_gpu_tells(stand_in: Any) -> None:
    stand_in()
    sample = nvidia.reader("T4").read()
    assert (sample.power_w, sample.temperature_c, sample.clock_mhz) == (9.5, 36, 300)
    assert (sample.utilisation_percent, sample.memory_used_bytes) == (0, 930 * 2**20)
    assert sample.nominal_mhz is None, "an idle GPU lowers its clock by itself"
    assert sample.throttle_reasons == ()


def test_a_slowed_gpu_says_why(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(fail="device_busy")
    library = nvml._library()
    assert nvml.sample(0).nominal_mhz == 585
    monkeypatch.setattr(library, "nvmlDeviceGetCurrentClocksEventReasons", lambda _: 0x40 | 0x4)
    assert nvml.sample(0).throttle_reasons == ("hw_thermal_slowdown", "sw_power_cap")
    assert nvml.sample(0).nominal_mhz is None
    # Drivers before 535 know the question under another name only.
    monkeypatch.delattr(library, "nvmlDeviceGetCurrentClocksEventReasons")
    monkeypatch.setattr(library, "nvmlDeviceGetCurrentClocksThrottleReasons", lambda _: 0x8, raising=False)
    assert nvml.sample(0).throttle_reasons == ("hw_slowdown",)


def test_a_gpu_that_is_in_use_is_not_idle(stand_in: Any) -> None:
    profile = compose_settings("model=swin98_tiny", "soc_version=cpu", "measure.idle_watch_s=0.01").measure
    stand_in(fail="device_busy")
    reader = nvidia.reader("T4")
    assert isinstance(reader, TellsHolders)
    found = look(reader, profile, None)
    assert "python3 (pid 4711) holds 2048 MB" in found.reasons["device_held"]
    assert "87 % busy" in found.reasons["device_busy"]


def test_a_partitioned_gpu_is_not_taken_for_the_whole(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(chip="A100")
    monkeypatch.setattr(nvml._library(), "nvmlDeviceGetMigMode", lambda _: [1, 1])
    assert nvidia.present() == ("A100_MIG",)


def test_the_stand_in_is_as_strict_as_nvml(stand_in: Any) -> None:
    stand_in(chip="T4")
    import pynvml

    with pytest.raises(pynvml.NVMLError, match="Uninitialized"):
        pynvml.nvmlDeviceGetCount()
    pynvml.nvmlInit()
    with pytest.raises(pynvml.NVMLError, match="Invalid Argument"):
        pynvml.nvmlDeviceGetHandleByIndex(1)
    with pytest.raises(pynvml.NVMLError, match="Invalid Argument"):
        pynvml.nvmlDeviceGetName(0)
    with pytest.raises(pynvml.NVMLError, match="Not Supported"):
        pynvml.nvmlDeviceGetMigMode(pynvml.nvmlDeviceGetHandleByIndex(0))
    pynvml.nvmlShutdown()
    with pytest.raises(pynvml.NVMLError, match="Uninitialized"):
        pynvml.nvmlDeviceGetCount()


def test_the_stand_in_has_the_names_of_the_real_module(stand_in: Any) -> None:
    import importlib.metadata

    real = Path(str(importlib.metadata.distribution("nvidia-ml-py").locate_file("pynvml.py"))).read_text("utf-8")
    stand_in()
    import pynvml

    shown = [name for name in vars(pynvml) if name.startswith(("nvml", "NVML_"))]
    assert len(shown) > 30
    assert [name for name in shown if name not in real] == []


def test_chips_of_the_simulator_are_those_of_its_kind() -> None:
    with pytest.raises(ValueError, match=r"simulator\.chip=Ascend310P3: simulator\.kind=nvidia shows an NVIDIA one"):
        settings(chip="Ascend310P3")
    with pytest.raises(ValueError, match="shows an Ascend chip"):
        SimulatorSettings(name="cann", kind="cann", chip="T4")
    assert conf_dir().joinpath("simulator", "nvidia.yaml").is_file()
