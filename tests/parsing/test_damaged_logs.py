"""Cut, shuffled, thinned and littered logs: what is left is read, or refused in one clean error, never read wrongly."""

from __future__ import annotations

import importlib
import json
import random
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.parsing.text import ParseError
from tests.parsing import transcripts
from tests.parsing.test_samples import CHOSEN, HERE, KINDS

COMPOSED = {
    "ais_bench": [
        transcripts.ais_bench_run([59.518001556396484, 60.25, 59.730499267578125], 16),
        transcripts.MULTI_DEVICE,
        transcripts.OOM_OUTPUT,
        transcripts.OOM_LOAD,
        json.dumps({"NPU_compute_time": {"min": 12.25, "mean": 13.125, "percentile(99%)": 14.5}, "throughput": 76.19}),
    ],
    "npu_smi": [
        transcripts.NPU_DUO,
        transcripts.NPU_A3,
        transcripts.NPU_950,
        transcripts.NPU_USAGES,
        transcripts.NPU_COMMON,
        transcripts.NPU_MAP,
        transcripts.NPU_BOARD,
    ],
    "atc": [transcripts.ATC_FAILED],
    "trtexec": [transcripts.TRT7, transcripts.TRT10],
}
LOGS: list[tuple[str, str]] = [(kind, text) for kind, texts in COMPOSED.items() for text in texts]
LOGS += [(KINDS[sample["kind"]], (HERE / name).read_bytes().decode("utf-8")) for name, sample in sorted(CHOSEN.items())]

# Derived from the whole text, not values read from it; a message may be cut where its line is.
DERIVED = {
    "findings",
    "failure",
    "class",
    "fatal",
    "status",
    "format",
    "cmd",
    "generation",
    "json_compute_mean",
    "where",
    "message",
}


def values(entry: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(entry, dict):
        for name, inner in entry.items():
            if name not in DERIVED:
                yield from values(inner, name)
    elif isinstance(entry, list):
        for inner in entry:
            yield from values(inner, key)
    elif entry is not None:
        yield key, repr(entry)


def read(kind: str, text: str) -> set[tuple[str, str]] | None:
    """The values understood, or None where the text is refused; any other end of the parser fails the test."""
    module: ModuleType = importlib.import_module(f"harness.parsing.{kind}")
    try:
        understood = module.to_json(module.parse(text))
    except ParseError as error:
        if len(str(error).splitlines()) != 1:
            raise AssertionError(str(error)) from error
        return None
    json.dumps(understood, allow_nan=False)
    return set(values(understood))


@pytest.mark.parametrize(("kind", "text"), LOGS)
def test_cut_at_any_byte_no_value_is_wrong(kind: str, text: str) -> None:
    data = text.encode("utf-8")
    whole = read(kind, text)
    assert whole is not None
    step = max(1, len(data) // 150)
    for end in range(0, len(data), step):
        found = read(kind, data[:end].decode("utf-8", errors="replace"))
        assert found is None or found <= whole, end


@settings(max_examples=80, deadline=None)
@given(log=st.sampled_from(LOGS), share=st.floats(0, 1))
def test_cut_anywhere(log: tuple[str, str], share: float) -> None:
    kind, text = log
    data = text.encode("utf-8")
    found = read(kind, data[: int(share * len(data))].decode("utf-8", errors="replace"))
    assert found is None or found <= (read(kind, text) or set())


@settings(max_examples=80, deadline=None)
@given(log=st.sampled_from(LOGS), seed=st.integers(0, 2**32))
def test_shuffled_lines_are_read_or_refused(log: tuple[str, str], seed: int) -> None:
    kind, text = log
    lines = text.splitlines()
    random.Random(seed).shuffle(lines)
    read(kind, "\n".join(lines) + "\n")


@pytest.mark.parametrize(("kind", "text"), [log for log in LOGS if log[0] in ("ais_bench", "trtexec", "atc")])
def test_shuffled_lines_give_no_wrong_value(kind: str, text: str) -> None:
    whole = read(kind, text) or set()
    for seed in range(25):
        lines = text.splitlines()
        random.Random(seed).shuffle(lines)
        found = read(kind, "\n".join(lines) + "\n")
        assert found is None or found <= whole, seed


@pytest.mark.parametrize("table", [transcripts.NPU_DUO, transcripts.NPU_A3])
def test_shuffled_tables_never_join_two_chips(table: str) -> None:
    from harness.parsing.npu_smi import parse

    whole = {(row.npu_id, row.temperature_c): row for row in parse(table).rows}
    for seed in range(120):
        lines = table.splitlines()
        random.Random(seed).shuffle(lines)
        for row in parse("\n".join(lines) + "\n").rows:
            assert row.chip_id in (None, whole[row.npu_id, row.temperature_c].chip_id), seed


@settings(max_examples=80, deadline=None)
@given(log=st.sampled_from(LOGS), kept=st.lists(st.booleans(), min_size=80, max_size=80))
def test_missing_lines_give_no_wrong_value(log: tuple[str, str], kept: list[bool]) -> None:
    kind, text = log
    lines = text.splitlines()
    found = read(kind, "\n".join(line for line, keep in zip(lines, kept * 2, strict=False) if keep) + "\n")
    if kind in ("ais_bench", "atc"):  # their lines name what they state, those of the others only as a whole
        assert found is None or found <= (read(kind, text) or set())


@settings(max_examples=80, deadline=None)
@given(
    log=st.sampled_from(LOGS),
    litter=st.lists(st.tuples(st.floats(0, 1), st.text(max_size=12)), max_size=6),
)
def test_litter_is_read_around_or_refused(log: tuple[str, str], litter: list[tuple[float, str]]) -> None:
    kind, text = log
    for share, words in litter:
        position = int(share * len(text))
        text = text[:position] + words + text[position:]
    read(kind, text)


@settings(max_examples=80, deadline=None)
@given(
    log=st.sampled_from([log for log in LOGS if log[0] in ("ais_bench", "atc")]),
    litter=st.lists(st.tuples(st.floats(0, 1), st.text(max_size=40)), max_size=6),
)
def test_unknown_lines_change_nothing(log: tuple[str, str], litter: list[tuple[float, str]]) -> None:
    kind, text = log
    whole = read(kind, text) or set()
    lines = text.split("\n")
    for share, words in litter:
        plain = "".join(character for character in words if character not in "\r\n\x85\u2028\u2029=:{}[],")
        lines.insert(1 + int(share * (len(lines) - 2)) if len(lines) > 2 else 0, f"note {plain}")
    found = read(kind, "\n".join(lines))
    if not text.lstrip().startswith(("{", '"NPU')):
        assert found is not None
        assert {entry for entry in whole if entry[0] != "op"} <= found


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(sorted(COMPOSED)), text=st.text())
def test_any_text_is_read_or_refused(kind: str, text: str) -> None:
    read(kind, text)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(COMPOSED)),
    pieces=st.lists(st.sampled_from([line for _, text in LOGS for line in text.splitlines()]), max_size=30),
    joint=st.sampled_from(["\n", "", " ", "\r", "|"]),
)
def test_lines_of_all_tools_in_any_mixture(kind: str, pieces: list[str], joint: str) -> None:
    read(kind, joint.join(pieces))


@pytest.mark.parametrize("kind", sorted(COMPOSED))
@pytest.mark.parametrize(
    "text",
    [
        "|" * 50_000,
        "=" * 50_000 + "x",
        "[" * 50_000,
        "{" * 25_000,
        "1 " * 50_000,
        "throughput 1000*batchsize(" * 5_000,
        "NPU_compute_time (ms): min = 1," * 3_000,
        "E10016: " * 5_000,
        "GPU Compute Time: min = 1 ms, " * 3_000,
        "[I] GPU Compute\n[I] min: 1 ms\n" * 3_000,
        "NPU ID : 1\n" * 5_000,
        "| 0 310P3 | OK | 1 2 0/0 |\n" * 5_000,
        "9" * 50_000,
        " " * 50_000 + "ms",
        "\x1b[" * 25_000,
        "\n" * 50_000 + "x",
        "soc_version ONNX libascendcl.so [E] " * 3_000,
        "Process id:1 Process name:" * 3_000,
        "import a\n" * 5_000,
    ],
)
def test_hostile_length_takes_no_hostile_time(kind: str, text: str) -> None:
    start = time.process_time()
    read(kind, text)
    assert time.process_time() - start < 5  # milliseconds when linear; hours where a pattern backtracks


def test_helpers_see_a_wrong_value() -> None:
    first, second = (read("ais_bench", transcripts.ais_bench_run([time_ms])) or set() for time_ms in (1.5, 2.5))
    compare: Callable[[set[tuple[str, str]]], bool] = lambda found: found <= first  # noqa: E731
    assert compare(first)
    assert not compare(second)
