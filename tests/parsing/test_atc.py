"""atc's stdout: status, codes in their order, operators, and what newer toolkits put between."""

from __future__ import annotations

import pytest

from harness.parsing.atc import parse, to_json
from harness.parsing.text import ParseError
from tests.parsing.transcripts import ATC_FAILED

START = "ATC start working now, please wait for a moment.\n"
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information\n"
SUCCESS = "ATC run success, welcome to the next use.\n"


def test_process_id_and_time_stamp_are_no_part_of_the_message() -> None:
    (report,) = parse(ATC_FAILED).errors
    assert (report.code, report.pid, report.time) == ("E10016", 10490, "2025-03-18-09:02:18.501.341")
    assert report.message == "Opname [input1] specified in [--input_shape] is not found in the model."
    assert to_json(parse(ATC_FAILED))["errors"][0]["hint"]


def test_time_stamp_without_a_process_id() -> None:
    (report,) = parse(f"{START}{FAILED}E10007: 2023-01-01-00:00:00.000.001 [--framework] is required.\n").errors
    assert (report.message, report.pid) == ("[--framework] is required.", None)


def test_named_codes_of_cann_8() -> None:
    text = (
        f"{START}{FAILED}[PID: 59] 2025-05-27-07:20:02.123.456 Unsupported_Operator(EZ3003): No supported Ops kernel "
    )
    text += "and engine are found for [Conv_1], optype [Conv2D].\n"
    log = parse(text)
    assert (log.codes, log.operators) == (("EZ3003",), (("Conv_1", "Conv2D"),))
    assert (log.errors[0].pid, log.errors[0].time) == (59, "2025-05-27-07:20:02.123.456")


def test_codes_keep_their_order_and_stand_once() -> None:
    text = f"{START}{FAILED}E19999: Inner Error!\nE10016: a\nE19999: Unknown error occurred. Please check the log.\n"
    log = parse(text)
    assert log.codes == ("E19999", "E10016")
    assert len(log.errors) == 3


def test_warnings_after_success_do_not_make_it_a_failure() -> None:
    text = f"{START}ModuleNotFoundError: No module named 'x'\n{SUCCESS}W11001: High-priority service of op[a].\n"
    log = parse(text)
    assert (log.status, log.failure) == ("success", None)
    assert [report.code for report in log.warnings] == ["W11001"]
    assert log.errors == ()


def test_a_log_that_ends_before_atc_did() -> None:
    log = parse(START + "....\n")
    assert log.status == "incomplete"
    assert [finding.code for finding in log.findings] == ["truncated"]


def test_an_excerpt_with_errors_only_is_a_failure() -> None:
    log = parse("E19010: No parser is registered for Op [model1 div node, optype [ai.onnx::23::Div]].\n")
    assert (log.status, log.operators) == ("failed", (("model1 div node", "ai.onnx::23::Div"),))
    assert [finding.code for finding in log.findings] == ["status_line_missing"]
    assert log.failure is not None
    assert (log.failure.outcome, log.failure.reason) == ("unsupported", "operator_unsupported")


def test_success_and_failure_in_one_log_are_flagged() -> None:
    log = parse(START + SUCCESS + START + FAILED + "E10001: x\n")
    assert log.status == "failed"
    assert "several_runs" in {finding.code for finding in log.findings}


def test_lines_joined_without_breaks() -> None:
    text = (START + FAILED).replace(
        "\n", ""
    ) + "EZ3003: No supported Ops kernel and engine are found for [M_1], optype [M]."
    log = parse(text)
    assert (log.status, log.codes, log.operators) == ("failed", ("EZ3003",), (("M_1", "M"),))


def test_missing_driver_library_is_a_failure_of_atc() -> None:
    log = parse("atc.bin: error while loading shared libraries: libascend_hal.so: cannot open shared object file\n")
    assert log.status == "failed"
    assert log.failure is not None
    assert log.failure.reason == "driver_missing"


def test_a_code_that_the_end_of_the_log_cuts_is_not_reported() -> None:
    text = START + FAILED + "E10016"
    assert parse(text).codes == ()
    assert parse(text[:-2]).codes == ()


@pytest.mark.parametrize("text", ["hello\n", "RE12345: x\n", "size:E10016\n", "E1001: x\n"])
def test_what_is_no_output_of_atc_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="atc"):
        parse(text)
