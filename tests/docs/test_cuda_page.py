"""The commands of docs/cuda.md compose on any machine, and its files and options are there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from harness.config.compose import composing
from tests.docs import pages

TEXT = (pages.ROOT / "docs" / "cuda.md").read_text(encoding="utf-8")
LINES = [
    line for block in re.findall(r"^```bash\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]


def test_every_sweep_of_the_page_composes_for_a_t4() -> None:
    sweeps = [shlex.split(line)[3:-1] for line in LINES if line.startswith("python -m harness ")]
    assert len(sweeps) == 4
    with composing() as composer:
        for words in sweeps:
            single = [word.split(",")[0] for word in words]
            settings = composer.cell(["soc_version=T4", *single]).settings
            assert settings.backend.kind in {"torch", "tensorrt"}
            assert f"batchsize={settings.batchsize}" in single


def test_options_and_keys_in_the_text_exist() -> None:
    given = re.findall(r"`((?:backend\.options|limits|parity|model)\.\w+=\w+)`", TEXT)
    assert len(given) >= 5
    with composing() as composer:
        for word in given:
            composer.cell(["soc_version=cpu", "backend=torch", "model=swin98_tiny", word] if "FILE" not in word else [])


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("python -m harness.")])
def test_the_other_commands_know_their_keys(line: str) -> None:
    module, *words = shlex.split(line)[2:]
    helped = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    for word in words:
        assert f"  {word.partition('=')[0]}=" in helped.stdout
