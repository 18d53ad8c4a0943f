"""NPUs through a npu-smi that prints what real ones print: names, device ids, identity, and one reading."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.devices import npu, registry
from harness.errors import HarnessError

A2 = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 23.0.rc3                 Version: 23.0.rc3                                             |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 4     910B4               | OK            | 83.5        41                0    / 0             |
| 0                         | 0000:C1:00.0  | 7           0    / 0          4162 / 32768         |
+===========================+===============+====================================================+
"""
MAP = """\
NPU ID                         Chip ID                        Chip Logic ID                  Chip Name
4                              0                              2                              Ascend910B4
4                              1                              -                              Mcu
"""
P310 = """\
| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===================+=================+======================================================+
| 2144    310P3     | OK              | NA           47                0    / 0              |
| 0       0         | 0000:86:00.0    | 0            1807 / 21527                            |
+===================+=================+======================================================+
"""
Fake = Callable[..., dict[str, str]]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """An environment whose npu-smi prints the answers given by their command; others are not supported."""

    def made(**answers: str) -> dict[str, str]:
        folder = tmp_path / f"tools{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, text in answers.items():
            (folder / f"{name}.txt").write_text(text)
        script = 'name=$(echo "$*" | sed "s/ -i .*//; s/[ -]/_/g")\n'
        script += f'if [ -f "{folder}/$name.txt" ]; then cat "{folder}/$name.txt"\n'
        script += "else echo 'This device does not support querying it.'; exit 1; fi\n"
        (folder / "npu-smi").write_text(f"#!/bin/sh\n{script}")
        (folder / "npu-smi").chmod(0o755)
        return {"PATH": f"{folder}:/usr/bin:/bin"}

    return made


def test_every_published_table_gives_its_chips(shared: Path, fake: Fake) -> None:
    index = shared / "samples" / "INDEX.tsv"
    lines = index.read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    seen = set()
    for row in (row for row in rows if row["kind"] == "npu_smi_info" and row["expected"]):
        wanted = json.loads(row["expected"]).get("rows", [])
        known = fake(info=(shared / "samples" / row["file"]).read_text(encoding="utf-8"))
        found = npu.chips(known)
        assert [chip.device_id for chip in found] == sorted(each["device"] for each in wanted), row["file"]
        assert {chip.soc_version for chip in found} == {npu.soc_version(each["name"]) for each in wanted}
        assert registry.detect(known) == found[0].soc_version
        seen |= {chip.soc_version for chip in found}
    assert "Ascend310P3" in seen


def test_a_table_without_device_ids_asks_for_the_mapping(fake: Fake) -> None:
    known = fake(info=A2, info__m=MAP)
    (chip,) = npu.chips(known)
    assert (chip.soc_version, chip.device_id) == ("Ascend910B4", 2)
    sample = npu.reader("Ascend910B4", known).read()
    assert (sample.power_w, sample.temperature_c, sample.utilisation_percent) == (83.5, 41, 7)
    assert sample.memory_used_bytes == 4162 * 2**20
    assert sample.clock_mhz is None


def test_what_a_310p_does_not_report_is_absent(fake: Fake) -> None:
    known = fake(info=P310)
    sample = npu.reader("Ascend310P3", known).read()
    assert sample.power_w is None
    assert sample.temperature_c == 47
    known = fake(info=P310, info__t_common="Aicore Freq(MHZ) : 1080\nAicore curFreq(MHZ) : 960\nChip ID : 0\n")
    assert npu.reader("Ascend310P3", known).read().clock_mhz == 960


def test_no_npu_smi_is_no_npu_and_a_broken_one_says_why(fake: Fake) -> None:
    assert npu.present({"PATH": "/nowhere"}) == ()
    assert registry.trouble({"PATH": "/nowhere"}) is None
    broken = fake(info="dcmi model initialized failed, because the device is used. ret is -8020\n")
    assert registry.detect(broken) == "cpu"
    assert "because the device is used" in (registry.trouble(broken) or "")
    with pytest.raises(HarnessError) as failed:
        registry.present("Ascend310P3", broken)
    assert failed.value.reason == "device_busy"


def test_a_device_id_that_is_not_there_is_refused(fake: Fake) -> None:
    with pytest.raises(HarnessError, match=r"device=3: no Ascend310P3 has this device id \(known: 0\)"):
        npu.chosen("Ascend310P3", fake(info=P310), 3)
