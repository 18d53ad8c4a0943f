"""The stand-in of ais_bench: batches, padding, outputs, what it refuses, and the output of every generation."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.parsing.ais_bench import parse
from tests.simulator.conftest import Tool, expected


@pytest.fixture
def inputs(folder: Path) -> tuple[Path, Path]:
    """Six samples of one row each in two folders: a batch of four and a partial one."""
    made = []
    for number, name in enumerate(("x", "y")):
        place = folder / name
        place.mkdir(mode=0o755)
        for sample in range(6):
            file = place / f"s{sample}-0,1.bin"
            np.full((1, 4), sample + 10 * number, np.float32).tofile(file)
            file.chmod(0o644)
        made.append(place)
    return made[0], made[1]


def test_folders_with_a_partial_last_batch(
    tool: Tool, folder: Path, converted: Path, inputs: tuple[Path, Path]
) -> None:
    done = tool(
        *(
            "ais_bench",
            "--model",
            str(converted),
            "--input",
            f"{inputs[0]},{inputs[1]}",
            "--output",
            str(folder / "out"),
        ),
        *("--output_dirname", "run", "--outfmt", "NPY", "--display_all_summary", "1"),
    )
    log = parse(done.stdout)
    assert log.file_batches[0].files_per_batch == 4
    assert log.file_batches[0].run_count == 2
    assert not [finding for finding in log.findings if finding.level == "problem"]
    written = sorted(path.name for path in (folder / "out" / "run").iterdir())
    assert written == [f"s{sample}-0,1_{output}.npy" for sample in range(6) for output in range(2)]
    out, total = expected(np.full((1, 4), 5, np.float32), np.full((1, 4), 15, np.float32))
    np.testing.assert_allclose(np.load(folder / "out" / "run" / "s5-0,1_0.npy"), out, rtol=1e-6)
    np.testing.assert_allclose(np.load(folder / "out" / "run" / "s5-0,1_1.npy"), total)
    summary = json.loads((folder / "out" / "run_summary.json").read_text())
    assert len(summary["npu_compute_time_list"]) == 2
    assert summary["filesinfo"]["4"]["infiles"] == [str(place / "s4-0,1.bin") for place in inputs]


@pytest.mark.parametrize(
    ("generation", "known"),
    [("G1", "G1"), ("G2", "G2-G3"), ("G3", "G2-G3"), ("G5", "G4+")],
)
def test_every_generation_is_read(tool: Tool, folder: Path, converted: Path, generation: str, known: str) -> None:
    words = (
        "--model",
        str(converted),
        "--loop",
        "4",
        "--batchsize",
        "4",
        "--output",
        str(folder),
        "--output_dirname",
        "r",
    )
    done = tool("ais_bench", *words, "--display_all_summary", "1", generation=generation)
    log = parse(done.stdout)
    assert log.generation == known
    assert {"NPU_compute_time", "H2D_latency", "D2H_latency"} == {timing.name for timing in log.timings}
    place = folder / "r" / "sumary.json" if generation in {"G1", "G2"} else folder / "r_summary.json"
    summary = parse(place.read_text()).summary
    assert summary is not None
    assert len(summary.compute_ms) == (0 if generation in {"G1", "G2"} else 4)
    assert summary.samples_per_s == pytest.approx(4000 / summary.timing("NPU_compute_time").mean_ms)


REFUSED = [
    (("--loop", "0"), "2", "invalid positive int value"),
    (("--debug",), "2", "expected one argument"),
    (("--nonsense", "1"), "2", "unrecognized arguments"),
    (("--device", "256"), "2", "valid value range is [0, 255]"),
    (("--output_dirname", "a"), "RuntimeError", "error bad parameters --output_dirname"),
    (("--profiler", "1"), "RuntimeError", "miss output parameter"),
    (("--input", "{folder}/bs=4"), "2", "contains illegal char"),
    (("--input", "{folder}/open"), "2", "permission should not be over"),
    (("--input", "{folder}/link"), "2", "soft link"),
    (("--input", "{folder}/small,{folder}/small"), "RuntimeError", "arg0 tensorsize: 64 filesize: 12 not match"),
]
ONE_BY_ONE = """
import contextlib, io, json, sys
from ais_bench.infer.run import main
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            how = str(main(words))
        except SystemExit as end:
            how = str(end.code)
        except Exception as error:
            how = type(error).__name__
            print(error)
    print(json.dumps([how, said.getvalue()]))
"""


def test_what_it_refuses(tool: Tool, folder: Path, converted: Path) -> None:
    for name, mode in (("bs=4", 0o755), ("open", 0o777), ("small", 0o755)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
    (folder / "link").symlink_to(folder / "small")
    (folder / "small" / "a.bin").write_bytes(bytes(12))
    (folder / "small" / "a.bin").chmod(0o644)
    given = [["--model", str(converted), *(word.format(folder=folder) for word in words)] for words, _, _ in REFUSED]
    done = tool(sys.executable, "-c", ONE_BY_ONE, json.dumps(given))
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')]
    for (words, how, said), (ended, text) in zip(REFUSED, answers, strict=True):
        assert ended == how, (words, text)
        assert said in text


def test_the_same_command_gives_the_same_times_and_another_seed_gives_others(tool: Tool, converted: Path) -> None:
    words = ("ais_bench", "--model", str(converted), "--loop", "3")
    first, second, other = (parse(tool(*words, seed=seed).stdout).throughputs[0] for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_a_device_that_fails_among_several_is_seen(tool: Tool, folder: Path, converted: Path) -> None:
    words = ("--model", str(converted), "--output", str(folder), "--output_dirname", "several")
    done = tool("ais_bench", *words, "--device", "0,1", devices=1, check=False)
    assert done.returncode == 1
    log = parse(done.stdout)
    assert log.devices is not None
    assert log.devices.result == 1
    assert len(log.devices.devices) == 1
