"""Do the intervals hold what they promise? `python benchmarks/coverage.py [--noise FILE] [--seeds N]`.

Runs the project's estimators on simulated devices with known truth (``noise.json``, which explains itself) and prints,
per scenario: how often the paired 95 % interval covers the true ratio (k = 5 and 10), how often identical cells are
called different, how often a true 3 % difference is found at the rounds that the tool asks for after a pilot of five,
and how often the slow processes are all pointed out. The estimators see per-process times and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from harness.timing.statistics import log_ratios, outlying, paired_ratio, required_rounds

FloatArray = npt.NDArray[np.float64]

ITERATIONS = 64
PILOT = 5
ROUNDS = (5, 10)
DIFFERENCE = 0.03
SLOW = 1.3
REQUIRED = {"mean coverage": 0.93, "coverage": 0.915, "false alarms": 0.07, "power": 0.85, "pointed out": 0.80}
NOISE = Path(__file__).resolve().parents[2] / "shared" / "golden" / "noise.json"


class Device:
    """One simulated sweep's device: the draws of one seed in one scenario."""

    def __init__(self, scenario: dict[str, Any], index: int, seed: int) -> None:
        self.scenario = scenario
        self.generator = np.random.Generator(np.random.PCG64([seed, index]))

    def sweep(self, rounds: int, effect: float) -> tuple[FloatArray, FloatArray]:
        """Cells A and B over ``rounds``: latencies in ms, float64 of shape (2, rounds, iterations), and process terms.

        ``effect`` multiplies B's latency. The terms, of shape (2, rounds), tell which processes really were slow.
        """
        drift = self._drift(2 * rounds)
        times, factors = np.empty((2, rounds, ITERATIONS)), np.empty((2, rounds))
        slot = 0
        for number in range(rounds):
            for cell in (0, 1) if number % 2 == 0 else (1, 0):
                process = self._process()
                own = self.scenario["base_ms"] * (effect if cell else 1.0) * (1 + drift[slot]) * process
                times[cell, number] = own * self._iterations()
                factors[cell, number] = process
                slot += 1
        return times, factors

    def _drift(self, slots: int) -> FloatArray:
        kind, size = self.scenario["drift"]
        if kind == "walk":
            return np.cumsum(self.generator.normal(0, size, slots))
        return np.linspace(0, size, slots) if kind == "ramp" else np.zeros(slots)

    def _process(self) -> float:
        kind, size = self.scenario["process"]
        draw = self.generator.normal(0, size)
        if kind == "rare_slow" and self.generator.random() < 0.05:
            return float(np.exp(draw) * SLOW)
        return float(np.exp(abs(draw) if kind == "skewed" else draw))

    def _iterations(self) -> FloatArray:
        rho, within = self.scenario["rho"], self.scenario["within"]
        shocks = self.generator.normal(0, within, ITERATIONS)
        shocks[1:] *= np.sqrt(1 - rho**2)  # so that every a_i has the standard deviation `within`
        wave: FloatArray = lfilter([1.0], [1.0, -rho], shocks)
        spikes = np.where(self.generator.random(ITERATIONS) < self.scenario["spike_p"], 3.0, 1.0)
        times: FloatArray = np.exp(wave) * spikes
        return times


def throughputs(times: FloatArray) -> FloatArray:
    """Per cell and round, in batches/s: float64 of shape (2, rounds)."""
    rates: FloatArray = 1000 / times.mean(axis=2)
    return rates


def judge(scenario: dict[str, Any], index: int, seeds: range) -> dict[str, float]:
    """The shares that the scenario's row shows, over all seeds."""
    hits: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        hits.setdefault(name, []).append(value)

    for seed in seeds:
        for rounds in ROUNDS:
            for effect in (1.0, 1 + DIFFERENCE):
                times, factors = Device(scenario, index, seed).sweep(rounds, effect)
                cells = throughputs(times)
                ratio = paired_ratio(cells[1], cells[0])
                assert ratio.low is not None
                assert ratio.high is not None
                note(f"coverage k={rounds}", ratio.low <= 1 / effect <= ratio.high)
                if effect == 1.0:
                    note(f"false alarms k={rounds}", ratio.word() != "~")
                    slow = factors > SLOW * 0.9 if scenario["process"][0] == "rare_slow" else factors > np.inf
                    named = np.zeros_like(slow)
                    for cell in (0, 1):
                        named[cell, list(outlying(np.median(times[cell], axis=1)))] = True
                    if slow.any():
                        note(f"pointed out k={rounds}", bool(named[slow].all()))
                    note(f"named wrongly k={rounds}", bool(named[~slow].any()))
        device = Device(scenario, index, seed)
        pilot = throughputs(device.sweep(PILOT, 1 + DIFFERENCE)[0])
        asked = required_rounds(log_ratios(pilot[1], pilot[0]), DIFFERENCE)
        found = throughputs(device.sweep(asked, 1 + DIFFERENCE)[0])
        note("power", paired_ratio(found[1], found[0]).word() == "slower")
        note("rounds asked", asked)
    return {name: float(np.mean(values)) for name, values in hits.items()} | {
        "rounds asked": float(np.median(hits["rounds asked"]))
    }


def main() -> int:
    """Print the table and the requirements that are not met; the exit status says whether there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--noise", type=Path, default=NOISE, help="the simulated devices")
    parser.add_argument("--seeds", type=int, default=1000)
    arguments = parser.parse_args()
    scenarios = json.loads(arguments.noise.read_text())["scenarios"]
    rows = {
        scenario["name"]: judge(scenario, index, range(arguments.seeds)) for index, scenario in enumerate(scenarios)
    }
    columns = sorted({name for row in rows.values() for name in row}, key=lambda name: name.split("=")[0])
    print(f"{'':<20}" + "".join(f"{name:>12}" for name in rows))
    for column in columns:
        print(
            f"{column:<20}"
            + "".join(f"{row[column]:>12.3f}" if column in row else f"{'-':>12}" for row in rows.values())
        )
    missed = [problem for k in ROUNDS for problem in shortfalls(rows, k)]
    missed += [
        f"power {row['power']:.3f} in {name}"
        for name, row in rows.items()
        if name != "rare_slow" and row["power"] < REQUIRED["power"]
    ]
    print("\n".join(f"MISSED: {problem}" for problem in missed) or "all requirements met")
    return 1 if missed else 0


def shortfalls(rows: dict[str, dict[str, float]], k: int) -> list[str]:
    """What the issue asks at ``k`` rounds and the rows do not give."""
    problems = []
    mean = float(np.mean([row[f"coverage k={k}"] for row in rows.values()]))
    if mean < REQUIRED["mean coverage"]:
        problems.append(f"mean coverage {mean:.3f} at k={k}")
    for name, row in rows.items():
        if row[f"coverage k={k}"] < REQUIRED["coverage"]:
            problems.append(f"coverage {row[f'coverage k={k}']:.3f} in {name} at k={k}")
        if row[f"false alarms k={k}"] > REQUIRED["false alarms"]:
            problems.append(f"false alarms {row[f'false alarms k={k}']:.3f} in {name} at k={k}")
        if row.get(f"pointed out k={k}", 1.0) < REQUIRED["pointed out"]:
            problems.append(f"slow processes pointed out {row[f'pointed out k={k}']:.3f} in {name} at k={k}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
