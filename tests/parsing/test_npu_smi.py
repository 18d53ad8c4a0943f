"""npu-smi's tables and queries in the layouts of all chip families."""

# ruff: noqa: RUF001  (full-width characters are what is tested)

from __future__ import annotations

import pytest

from harness.parsing.npu_smi import parse, to_json
from harness.parsing.text import ParseError
from tests.parsing.transcripts import NPU_950, NPU_A3, NPU_BOARD, NPU_COMMON, NPU_DUO, NPU_MAP, NPU_USAGES


def test_two_chips_under_one_npu_id_have_device_ids_of_their_own() -> None:
    rows = to_json(parse(NPU_DUO))["rows"]
    assert [(row["npu"], row["chip"], row["device"]) for row in rows] == [(4, 0, 2), (4, 1, 3)]
    assert rows[0]["mem"] == [1529, 44280]


def test_what_is_not_reported_is_absent_and_its_word_is_shown() -> None:
    first, second = parse(NPU_DUO).rows
    assert first.power_w is None
    assert dict(first.not_reported) == {"power": "NA"}
    assert (second.bus_id, second.memory_mb, second.aicore_percent) == (None, None, 7)
    shown = second.to_json()
    assert (shown["bus"], shown["mem"], shown["power"]) == ("NA", "NA", "NA")
    assert "hbm" not in shown


def test_dies_with_physical_ids_and_hbm() -> None:
    parsed = parse(NPU_A3)
    first, second = parsed.rows
    assert (first.phy_id, first.device_id, first.hbm_mb, first.memory_mb) == (0, None, (46536, 65536), (0, 0))
    assert (second.power_w, second.health, dict(second.not_reported)) == (None, "Warning", {"power": "-"})
    assert (parsed.npu_smi_version, parsed.driver_version) == ("25.3.rc1", "25.3.rc1")
    assert [finding.code for finding in parsed.findings] == ["unhealthy"]


def test_processes_and_idle_npus() -> None:
    parsed = parse(NPU_A3)
    assert [(process.pid, process.name, process.memory_mb, process.container_pid) for process in parsed.processes] == [
        (1333928, "", 37709, None),
        (485946, "pytest", 5175, 101),
    ]
    assert parsed.idle == ((1, None),)
    busy, idle, unknown = parsed.processes_on(0), parsed.processes_on(1), parsed.processes_on(2)
    assert busy is not None
    assert len(busy) == 2
    assert idle == ()
    assert unknown is None  # the table does not say that an NPU it does not list is idle
    assert parse(NPU_DUO).processes_on(4, 0) == ()


def test_950_with_a_cell_each_for_id_and_name() -> None:
    parsed = parse(NPU_950)
    (row,) = parsed.rows
    assert (row.npu_id, row.name, row.health, row.chip_id) == (3, "Ascend950PR", "Alarm", None)
    assert (row.aicore_percent, row.hbm_mb, row.power_w) == (20, (2048, 131072), 195.7)
    assert [process.to_json() for process in parsed.processes] == [
        {"npu": 3, "pid": 1001, "name": "python", "memory": 256}
    ]


def test_older_and_newer_910_without_a_device_column() -> None:
    text = (
        "| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|\n"
        "| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |\n"
        "+===========================+===============+====================================================+\n"
        "| 2     910B4               | OK            | 88.9        39                15   / 969           |\n"
        "| 0                         | 0000:C2:00.0  | 0           2411 / 15665      2858 / 32768         |\n"
    )
    assert to_json(parse(text))["rows"] == [
        {
            "npu": 2,
            "name": "910B4",
            "health": "OK",
            "power": 88.9,
            "temp": 39,
            "hugepages": [15, 969],
            "chip": 0,
            "bus": "0000:C2:00.0",
            "aicore": 0,
            "mem": [2411, 15665],
            "hbm": [2858, 32768],
        }
    ]


def test_oldest_910_with_a_device_column_and_no_hugepages() -> None:
    text = (
        "| NPU     Name      | Health  | Power(W)   Temp(C)                          |\n"
        "| Chip    Device    | Bus-Id  | AICore(%)  Memory-Usage(MB)  HBM-Usage(MB)  |\n"
        "+===================+=========+=============================================+\n"
        "| 1       910A      | OK      | 66.6       37                               |\n"
        "| 0       5         | 0000:C1:00.0  | 0    1236 / 15171     0 / 32768      |\n"
    )
    (row,) = parse(text).rows
    assert (row.device_id, row.phy_id, row.hbm_mb, row.hugepages) == (5, None, (0, 32768), None)
    assert parse(text).findings == ()


def test_chip_named_by_digits_alone() -> None:
    text = "| 0       310      | OK     | 12.8   61    0  / 969  |\n| 0   0  | 0000:01:00.0  | 0   577  / 7759  |\n"
    (row,) = parse(text).rows
    assert (row.name, row.device_id, row.memory_mb) == ("310", 0, (577, 7759))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "".join(f"        {line}\n" for line in text.split("\n")),
        lambda text: "".join(f"{count} {line}\n" for count, line in enumerate(text.split("\n"), 10)),
        lambda text: text.replace("|", "｜"),
        lambda text: text.replace("-+-", "-|-").replace("=+=", "=|="),
        lambda text: "".join(line.rstrip("|\n ") + "\n" for line in text.split("\n")),
        lambda text: "\n".join(line for line in text.split("\n") if "---" not in line and "===" not in line) + "\n",
        lambda text: "回显如下：\n```\n" + text + "```\n",
    ],
)
@pytest.mark.parametrize("table", [NPU_DUO, NPU_A3])
def test_dress_does_not_matter(table: str, wrap) -> None:
    plain, dressed = parse(table), parse(wrap(table))
    assert dressed.rows == plain.rows
    assert dressed.idle == plain.idle
    assert dressed.processes == plain.processes


def test_a_table_cut_within_a_row_keeps_its_whole_cells() -> None:
    cut = parse(NPU_DUO[: NPU_DUO.index("43693") + 3])
    assert cut.rows[0].memory_mb == (1529, 44280)
    assert cut.rows[1].device_id == 3
    assert cut.rows[1].memory_mb is None
    cut = parse(NPU_DUO[: NPU_DUO.index(" 44280") + 4])
    assert cut.rows[0].bus_id == "0000:01:00.0"
    assert cut.rows[0].aicore_percent is None


def test_rows_of_several_chips_out_of_order_are_not_joined_by_guess() -> None:
    lines = NPU_DUO.split("\n")
    lines[6], lines[7], lines[9], lines[10] = lines[7], lines[6], lines[10], lines[9]
    parsed = parse("\n".join(lines))
    assert [row.chip_id for row in parsed.rows] == [None, None]
    assert [finding.code for finding in parsed.findings] == ["out_of_order"]


def test_used_above_total_and_several_tables_are_flagged() -> None:
    codes = [finding.code for finding in parse(NPU_DUO.replace("1529 /", "91529 /")).findings]
    assert codes == ["used_above_total"]
    assert [finding.code for finding in parse(NPU_DUO + NPU_DUO).findings] == ["several_tables"]


def test_usages_end_each_chip_with_its_id() -> None:
    card, first, second = parse(NPU_USAGES).readings
    assert card.number("chip_count") == 2
    assert [(chip.npu_id, chip.chip_id, chip.number("aicore_percent")) for chip in (first, second)] == [
        (1, 0, 41.0),
        (1, 1, 0.0),
    ]
    assert to_json(parse(NPU_USAGES))["cmd"] == "npu-smi info -t usages"


def test_common_begins_each_chip_with_its_id_and_keeps_the_mcu_apart() -> None:
    _, chip, mcu = parse(NPU_COMMON).readings
    assert (chip.number("temperature_c"), chip.number("power_w"), chip.number("aicore_mhz")) == (43.0, None, 960.0)
    assert (mcu.chip_id, mcu.word("name"), mcu.number("temperature_c"), mcu.number("power_w")) == (
        None,
        "mcu",
        41.0,
        13.4,
    )


@pytest.mark.parametrize("text", [NPU_USAGES, NPU_COMMON])
def test_blank_lines_may_be_lost(text: str) -> None:
    squeezed = "".join(f"{line}\n" for line in text.split("\n") if line)
    values = [
        (chip.chip_id, dict(chip.values)) for chip in parse(text).readings if "chip_count" not in dict(chip.values)
    ]
    found = [(chip.chip_id, {k: v for k, v in chip.values if k != "chip_count"}) for chip in parse(squeezed).readings]
    assert found == values


def test_temperature_and_power_queries() -> None:
    text = "\tNPU ID  : 0\n\tChip Count  : 1\n\n\tNPU Temperature (C)            : 39\n\tChip ID      : 0\n\n"
    assert parse(text).readings[1].number("temperature_c") == 39.0
    text = "\tRated Power Dissipation(W)     : 12.8\n\tNPU Real-time Power(W)         : NA\n"
    (reading,) = parse(text).readings
    assert (reading.number("rated_power_w"), reading.number("power_w")) == (12.8, None)


def test_board_gives_versions() -> None:
    (reading,) = parse(NPU_BOARD).readings
    assert (reading.word("driver_version"), reading.word("firmware_version")) == ("25.5.1", "7.8.0.6.201")
    assert reading.word("model") is None
    assert to_json(parse(NPU_BOARD))["cmd"] == "npu-smi info -t board"


def test_list_of_cards() -> None:
    text = "\tTotal Count       : 2\n\n\tNPU ID   : 4\n\tChip Count  : 2\n\n\tNPU ID  : 12\n\tChip Count : 1\n"
    parsed = parse(text)
    assert [(card.npu_id, card.number("chip_count")) for card in parsed.readings[1:]] == [(4, 2.0), (12, 1.0)]
    assert to_json(parsed)["cmd"] == "npu-smi info -l"


def test_health() -> None:
    text = "\tHealth Status                  : OK\n\tError Code                     : NA\n\tError Information   : NA\n"
    assert to_json(parse(text))["readings"] == [{"health": "OK"}]


def test_mapping_with_physical_ids() -> None:
    assert to_json(parse(NPU_MAP))["map"] == [
        {"npu": 0, "chip": 0, "logic": 0, "name": "Ascend 910", "phy": 4},
        {"npu": 0, "chip": 1, "logic": 1, "name": "Ascend 910", "phy": 5},
        {"npu": 0, "chip": 2, "logic": None, "name": "Mcu"},
    ]


def test_mapping_without_its_heading_is_not_guessed_at() -> None:
    with pytest.raises(ParseError):
        parse("4   0   0   Ascend 310P3\n4   1   -   Mcu\n")


def test_processes_of_the_query() -> None:
    text = (
        "\tNPU ID                         : 2\n\tChip Count                     : 1\n\n"
        "\tProcess id:4711                Process name:python3            Process memory(MB):1024\n"
        "\tChip ID                        : 0\n"
    )
    assert [process.to_json() for process in parse(text).processes] == [
        {"npu": 2, "chip": 0, "pid": 4711, "name": "python3", "memory": 1024}
    ]


def test_a_device_held_by_another_container() -> None:
    text = "DrvMngGetConsoleLogLevel failed. (g_conLogLevel=3)\n"
    text += "dcmi model initialized failed, because the device is used. ret is -8020\n"
    failure = parse(text).failure
    assert failure is not None
    assert (failure.reason, failure.message) == ("device_busy", text.split("\n")[1])


def test_a_value_at_the_end_of_a_cut_query_is_left_out() -> None:
    text = "\tNPU ID                         : 0\n\tTemperature (C)                : 4"
    parsed = parse(text)
    assert parsed.readings[0].number("temperature_c") is None
    assert [finding.code for finding in parsed.findings] == ["truncated"]
    with pytest.raises(ParseError):
        parse("\tTemperature (C)                : 4")


@pytest.mark.parametrize(
    "text",
    ["| 1 | 2 |\n", "| model | OK | 5.24 16.74 |\n", "a: b\n", "| 4 | 17 | name | 8 |\n", "| 1 Gelu | OK | x |\n"],
)
def test_other_tables_are_not_taken_for_its_own(text: str) -> None:
    with pytest.raises(ParseError, match="npu-smi"):
        parse(text)
