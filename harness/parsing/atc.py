"""ATC: stdout of a conversion to status, coded messages in their order and the operators they name.

Protocol of GE's ``api/atc/main_impl``: a start line, then either the success line and warnings after it, or the
failure line and the error report after that; foreign prints (TBE, numpy, AMCT) may stand anywhere between. The status
here is what the text says; whether the conversion succeeded also takes exit status 0 and the OM file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from harness.parsing.codes import CODE, Report, parse_reports
from harness.parsing.failures import Failure, classify_cleaned
from harness.parsing.text import Finding, clean, not_understood

_START = re.compile(r"ATC start working now")
_SUCCESS = re.compile(r"ATC run success")
_FAILED = re.compile(r"ATC run failed")
#: The protocol's own sentences, after which a code may follow without a line break (logs joined by scripts).
_SENTENCES = re.compile(
    r"(ATC start working now, please wait for a moment\.|ATC run success, welcome to the next use\."
    r"|for more information)"
    rf"(?={CODE}:|ATC run )"
)
_OPERATOR = re.compile(
    r"(?:Op|for)\s*\[([^\[\]\n,]+)\s*(?:,\s*optype\s*\[([^\[\]\n]+)\]\s*\]|\],\s*optype\s*\[([^\[\]\n]+)\])",
    re.IGNORECASE,
)
_HINTS = {
    "E10001": "the value of this argument is invalid, or the file it names is missing",
    "E10002": "write --input_shape as name:dim,dim;name:dim,dim",
    "E10009": "give only one of dynamic_batch_size, dynamic_image_size, dynamic_dims and a shape range",
    "E10016": "take the input's name from the ONNX graph",
    "E10047": "the two arguments exclude each other",
    "E16005": "the ONNX file has several opset domains: keep one",
    "E19010": "the operator's version is unknown to this toolkit: export with a lower opset",
    "W11001": "the operator runs on a slower path",
}


@dataclass(frozen=True, slots=True)
class AtcLog:
    """What one log of atc says.

    Attributes:
        status: ``success``, ``failed``, or ``incomplete`` where it started and the log ends before it did.
        reports: all coded messages, errors and warnings, in their order.
        operators: pairs (operator name, type) that messages name, in their order, each once.
        failure: how it failed, as far as the text alone tells.
        findings: contradictions and remarks.

    """

    status: str
    reports: tuple[Report, ...]
    operators: tuple[tuple[str, str], ...]
    failure: Failure | None
    findings: tuple[Finding, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes in the order of their first message, each once."""
        return tuple(dict.fromkeys(report.code for report in self.reports))

    @property
    def errors(self) -> tuple[Report, ...]:
        """The messages with an error code."""
        return tuple(report for report in self.reports if not report.is_warning)

    @property
    def warnings(self) -> tuple[Report, ...]:
        """The messages with a warning code; a successful conversion may have them."""
        return tuple(report for report in self.reports if report.is_warning)


def hint_for(code: str) -> str | None:
    """What to do about a code, where more can be said than its message does."""
    return _HINTS.get(code)


def parse(text: str) -> AtcLog:
    """What a log of atc says.

    Raises:
        ParseError: nothing of atc was recognised.

    """
    cleaned = _SENTENCES.sub(r"\1\n", clean(text))
    reports = parse_reports(cleaned)
    started, succeeded, failed = (pattern.search(cleaned) for pattern in (_START, _SUCCESS, _FAILED))
    failure = classify_cleaned(cleaned, None)
    if not (started or succeeded or failed or reports or failure):
        raise not_understood("atc", cleaned, "its start, success or failure line, or coded messages (E10016: ...)")
    findings = []
    if succeeded and failed:
        findings.append(
            Finding("several_runs", "the text holds a success line and a failure line: several runs in one log")
        )
    elif not (succeeded or failed) and (reports or failure):
        findings.append(Finding("status_line_missing", "errors without the line that says how atc ended", "remark"))
    if succeeded and not failed:
        status, failure = "success", None
    elif failed or failure is not None or any(not report.is_warning for report in reports):
        status = "failed"
    else:
        status = "incomplete"
        findings.append(Finding("truncated", "atc started, and the log ends before it says how it ended"))
    operators = [(found[1].strip(), (found[2] or found[3]).strip()) for found in _OPERATOR.finditer(cleaned)]
    return AtcLog(status, tuple(reports), tuple(dict.fromkeys(operators)), failure, tuple(findings))


def to_json(log: AtcLog) -> dict[str, Any]:
    """The log as JSON values; keys ``status codes op``, and ``errors warnings failure findings`` beside them."""
    out: dict[str, Any] = {
        "status": log.status,
        "codes": list(log.codes),
        "op": [list(pair) for pair in log.operators],
        "errors": [_report_json(report) for report in log.errors],
        "warnings": [_report_json(report) for report in log.warnings],
    }
    if log.failure is not None:
        out["failure"] = log.failure.to_json()
    out["findings"] = [finding.to_json() for finding in log.findings]
    return out


def _report_json(report: Report) -> dict[str, str | int]:
    hint = hint_for(report.code)
    return report.to_json() if hint is None else {**report.to_json(), "hint": hint}
