"""What all training scripts share: the loop, storing a checkpoint under its hash, and the facts about a training."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.config.locate import PACKAGE
from harness.files import sha256_file
from harness.models.weights import TOLERATED_SUFFIXES

PEAK_RATE, WEIGHT_DECAY, LARGEST_GRADIENT = 2e-3, 0.01, 1.0


def begin(arguments: Sequence[str], *, steps: int, batch: int) -> tuple[int, int, int, Path]:
    """Read ``steps= batch= threads= out=``, make torch deterministic, and return the four; raises SystemExit."""
    given = dict(argument.split("=", 1) for argument in arguments)
    steps, batch, threads = (
        int(given.pop(key, usual)) for key, usual in (("steps", steps), ("batch", batch), ("threads", 1))
    )
    folder = Path(given.pop("out", PACKAGE / "models" / "shipped"))
    if given:
        raise SystemExit(f"{next(iter(given))}: no such option; known: steps, batch, threads, out")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    return steps, batch, threads, folder


def fit(
    module: nn.Module,
    batches: Iterator[tuple[Tensor, Tensor]],
    loss_of: Callable[[Tensor, Tensor], Tensor],
    steps: int,
    peak_rate: float = PEAK_RATE,
    rising: float = 0.1,
) -> dict[str, int]:
    """AdamW with a rate that rises and falls; prints the mean loss of every 20 steps, and returns the seconds it took.

    ``batches`` gives inputs and what ``loss_of`` compares the outputs with; the rate rises for a share of ``rising``.
    """
    module.train()
    optimiser = torch.optim.AdamW(module.parameters(), peak_rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak_rate, total_steps=steps, pct_start=rising)
    started, processor_started, losses = time.monotonic(), time.process_time(), []
    for step in range(1, steps + 1):
        inputs, truth = next(batches)
        loss = loss_of(module(inputs), truth)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 20 == 0 or step == steps:
            passed = time.monotonic() - started
            left = passed / step * (steps - step)
            print(f"step {step}/{steps}  loss {np.mean(losses):.3f}  {passed:.0f} s, {left:.0f} s left", flush=True)
            losses.clear()
    processor_s = time.process_time() - processor_started
    return {"training_s": round(time.monotonic() - started), "training_processor_s": round(processor_s)}


def store(module: nn.Module, folder: Path, name: str, facts: Mapping[str, Any]) -> tuple[Path, str]:
    """Write ``NAME-XXXXXXXX.pth``, called after the SHA-256 that is returned with it; parameters as float16."""
    kept = {name: value for name, value in module.state_dict().items() if not name.endswith(TOLERATED_SUFFIXES)}
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{name}.pth"
    torch.save({"meta": dict(facts), "state_dict": {name: value.half() for name, value in kept.items()}}, written)
    sha256 = sha256_file(written)
    return written.replace(folder / f"{name}-{sha256[:8]}.pth"), sha256


def write_card(
    folder: Path, name: str, checkpoint: Path, sha256: str, facts: Mapping[str, Any], *, threads: int
) -> None:
    """Write and print ``NAME.json``: which file, what came out, and what it was made with."""
    card = {
        "file": checkpoint.name,
        "sha256": sha256,
        "size_bytes": checkpoint.stat().st_size,
        **facts,
        "threads": threads,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }
    (folder / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card, indent=2))
