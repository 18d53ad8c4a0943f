"""The binary ``benchmark.{x86_64,aarch64}`` that came before ais_infer (G0, until 2022-06): throughput per device.

Formats: ``ave_throughputRate: 374.313samples/s, ave_latency: 2.67914ms`` of a pure inference, ``[infer]
throughputRate: ..., Interface throughputRate: 7.67, moduleLatency: ...`` of a data set run, as in 95 READMEs of
ModelZoo-PyTorch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.parsing.text import VALUE, Finding, cut_finding, is_cut, number

_PURE = re.compile(rf"ave_throughputRate:\s*({VALUE})\s*samples/s(?:,\s*ave_latency:\s*({VALUE})\s*ms)?")
_DATASET = re.compile(rf"Interface throughputRate:\s*({VALUE})")
_REL_TOLERANCE = 1e-4  # both numbers are printed with six digits


@dataclass(frozen=True, slots=True)
class LegacyThroughput:
    """One throughput of G0.

    Attributes:
        kind: ``pure`` (random input) or ``dataset`` (the interface alone, without pre- and post-processing).
        samples_per_s: per device; an Atlas 300 card with Ascend 310 has four.
        latency_ms: per sample, pure runs only.

    """

    kind: str
    samples_per_s: float
    latency_ms: float | None = None

    def to_json(self) -> dict[str, float | str]:
        """Keys ``kind throughput`` and ``latency`` where printed."""
        out: dict[str, float | str] = {"kind": self.kind, "throughput": self.samples_per_s}
        if self.latency_ms is not None:
            out["latency"] = self.latency_ms
        return out


def parse_legacy(text: str) -> tuple[list[LegacyThroughput], list[Finding]]:
    """All throughputs of G0 in cleaned text, in their order, with a remark that they are per device."""
    lines: list[tuple[int, LegacyThroughput]] = []
    findings: list[Finding] = []
    for found in _PURE.finditer(text):
        value, latency_ms = number(found[1]), number(found[2] or "")
        if value is None:
            continue
        lines.append((found.start(), LegacyThroughput("pure", value, latency_ms)))
        if latency_ms and abs(1000 / latency_ms - value) > _REL_TOLERANCE * value:
            message = f"ave_throughputRate {value:g} samples/s is not 1000 / {latency_ms:g} ms"
            findings.append(Finding("throughput_mismatch", message))
    for found in _DATASET.finditer(text):
        value = number(found[1])
        if is_cut(text, found.end()):
            findings.append(cut_finding("Interface throughputRate", found[1]))
        elif value is not None:
            lines.append((found.start(), LegacyThroughput("dataset", value)))
    if lines:
        message = "the throughput is that of one device; an Ascend 310 card has four, a 310P or 910 one"
        findings.append(Finding("per_device", message, "remark"))
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])], findings
