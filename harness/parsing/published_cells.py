"""What a cell of a published table says: chips, a batch size, a throughput with its unit, accuracies. No guesses."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from harness.records.references import BASELINE

_CHIP = re.compile(
    r"(?<![A-Za-z0-9.])(?:Ascend[ _-]?)?"
    r"(310P[1357]?|310B[1-4]?|310|710|910[AB]?[1-4]?|T4|P4|P40|A10|A30|A40|A100|H100|V100|L4|L20|L40S?"
    r"|RTX ?\d{4}(?: ?Ti)?)"
    r"(?=$|[^0-9A-Za-z]|Throughput|FPS|CARD)",
    re.IGNORECASE,
)
_ASCEND = re.compile(r"(310|710|910)")
SOME_GPU = "GPU"
"""A graphics card that the table does not name."""
_OLD_NAMES = {"Ascend710": "Ascend310P"}
"""What chips were called before they were sold."""

_BASELINE = re.compile(r"基准|基线|baseline", re.IGNORECASE)
_SOME_GPU = re.compile(r"(?<![A-Za-z])GPU(?![A-Za-z])", re.IGNORECASE)
_LABELLED_BATCH = re.compile(
    r"(?<![A-Za-z])(?:bs|batch(?:[ _-]?size)?)\s*[:=_]?\s*(\d{1,5})(?!\d)|(?<![\w.])(\d{1,5})\s*bs\b", re.IGNORECASE
)
_AROUND = " _-:,;/*("
_BEST = re.compile(r"最优|最佳|最好|\bbest\b", re.IGNORECASE)
_MISSING = frozenset({"", "-", "--", "---", "/", "\\", "na", "n/a", "nan", "none", "无", "暂无", "?"})
_TOO_LARGE = re.compile(r"内存|显存|out of memory|\boom\b", re.IGNORECASE)

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_UNIT = (
    r"fps|frames?/s(?:ec)?|qps|(?:samples?|images?|imgs?|crops?|videos?|sentences?|it|张|帧|条)/(?:s|sec|秒)|ms|s|秒"
)
_VALUE = re.compile(
    rf"(?:(?P<before>fps|qps)\s*[:=]?\s*)?(?P<number>{_NUMBER})\s*(?P<unit>{_UNIT})?"
    r"\s*(?:\(\s*(?P<aside>bs\s*\d+|batch\s*\d+|all)\s*\))?",
    re.IGNORECASE,
)
_IN_HEADER = re.compile(r"(?<![A-Za-z])(fps|qps|samples/s|images/s|it/s|ms)(?![A-Za-z])", re.IGNORECASE)
_TIMES = frozenset({"ms", "s", "秒"})

_METRIC = re.compile(r"([A-Za-z][A-Za-z0-9@_ .()-]*?)\s*[:=]?\s*(\d+(?:\.\d+)?)\s*%")
_LONGEST = 1000
"""Characters of a cell in which metrics are looked for."""
_METRIC_NAMES = {
    "miou": "mIoU",
    "macc": "mAcc",
    "aacc": "aAcc",
    "map": "mAP",
    "boxap": "box AP",
    "top1acc": "top1",
    "top5acc": "top5",
    "acc1": "top1",
    "acc5": "top5",
    "acctop1": "top1",
    "acctop5": "top5",
    "top1": "top1",
    "top5": "top5",
}


@dataclass(frozen=True)
class Chip:
    """``name`` as the project spells it (``Ascend310P3``), ``stated`` as the table does."""

    name: str
    stated: str


@dataclass(frozen=True)
class Value:
    """A throughput in ``unit`` (None: not stated), or ``too_large`` for what did not fit into memory; ``text`` as is.

    ``number`` is None where the cell states a time per batch. ``batchsize`` is one that stands beside the number.
    """

    text: str
    number: float | None = None
    unit: str | None = None
    too_large: bool = False
    batchsize: int | None = None


@functools.lru_cache(maxsize=4096)
def chips_in(text: str) -> tuple[Chip, ...]:
    """The chips that a text names, each once; ``710(310P)`` is one chip under two names, ``基准`` the baseline."""
    found: dict[str, Chip] = {}
    for match in _CHIP.finditer(text):
        name = match[1].upper()
        if _ASCEND.match(name):
            name = _OLD_NAMES.get(f"Ascend{name}", f"Ascend{name}")
        found.setdefault(name, Chip(name, match[0].strip()))
    if not found and _BASELINE.search(text):
        found[BASELINE] = Chip(BASELINE, text.strip())
    if not found and _SOME_GPU.search(text):
        found[SOME_GPU] = Chip(SOME_GPU, text.strip())
    return tuple(found.values())


@functools.lru_cache(maxsize=4096)
def is_ratio(header: str) -> bool:
    """Whether a header divides two chips: ``310P/T4``, ``310P/基线性能``, ``ratio``, ``倍``; not ``310 (FPS/Card)``."""
    top, slash, bottom = header.partition("/")
    both = bool(slash and chips_in(top) and chips_in(bottom))
    return both or bool(re.search(r"ratio|加速比|倍", header, re.IGNORECASE))


def batch_in(text: str, *, bare: bool) -> int | None:
    """The batch size that a text names (``bs16``, ``batch 4``, ``BERT(bs8)``), or is, where ``bare`` numbers count."""
    found = _LABELLED_BATCH.search(text)
    if found:
        return int(found[1] or found[2]) or None
    return int(text) or None if bare and re.fullmatch(r"\d{1,5}", text.strip()) else None


def without_batch(text: str) -> str:
    """What a row's label says beside its batch size: ``bs1-head`` says head; a label without one says all of itself."""
    rest, found = _LABELLED_BATCH.subn("", text)
    return rest.replace("()", "").strip(_AROUND) if found else text


def model_in(label: str) -> str:
    """The model that a row's label names: what stands before its batch size, as in ``BERT(bs8)``; else all of it."""
    found = _LABELLED_BATCH.search(label)
    return label[: found.start()].strip(_AROUND) if found else "" if batch_in(label, bare=True) else label


def is_too_large(text: str) -> bool:
    """Whether a cell says, without a number, that something did not fit into memory."""
    return bool(_TOO_LARGE.search(text)) and not re.search(r"\d", text)


def is_best(text: str) -> bool:
    """Whether a text speaks of the best batch size."""
    return bool(_BEST.search(text))


def is_missing(text: str) -> bool:
    """Whether a cell says that there is nothing to say."""
    return text.strip().casefold() in _MISSING


def value_in(text: str, header: str = "") -> Value | None:
    """The throughput in a cell, None where it says that there is none; ``header`` may name the unit.

    Raises:
        ValueError: it holds several numbers, or none that can be read, in words for a person.
    """
    cell = text.strip()
    if is_missing(cell) or re.fullmatch(r"(?:fps|qps)?\s*[:=]?\s*[-/]*", cell, re.IGNORECASE):
        return None
    if is_too_large(cell):
        return Value(cell, too_large=True)
    match = _VALUE.fullmatch(cell)
    if not match:
        numbers = re.findall(_NUMBER, cell, re.IGNORECASE)
        what = f"holds {len(numbers)} numbers" if len(numbers) > 1 else "is not one number with a unit"
        raise ValueError(what)
    in_header = _IN_HEADER.search(header)
    unit = match["unit"] or match["before"] or (in_header[1] if in_header else None)
    unit = unit.lower() if unit else None
    number = float(match["number"].replace(",", ""))
    if not number > 0 or number == float("inf"):
        raise ValueError("is not a throughput")
    beside = batch_in(match["aside"] or "", bare=False)
    return Value(cell, None if unit in _TIMES else number, unit, batchsize=beside)


def metrics_in(text: str, header: str) -> dict[str, float]:
    """Accuracies in per cent, by name; only those printed with a % sign, as no other is certain to be one.

    A cell with nothing but a number takes its name from the header: ``mIoU(NPU)`` is mIoU; below ``mIoU %``
    the sign need not be repeated.
    """
    if re.fullmatch(r"\d+(?:\.\d+)?\s*%" + ("?" if "%" in header else ""), text.strip()):
        name = _named(header)
        return {name: float(text.strip().rstrip("% "))} if name else {}
    return {name: float(number) for found, number in _METRIC.findall(text[:_LONGEST]) if (name := _named(found))}


def _named(text: str) -> str | None:
    found = re.findall(r"[A-Za-z][A-Za-z0-9@_ .-]*", re.sub(r"\(.*?\)", "", text))
    words = found[-1].strip(" .-") if found else ""
    return _METRIC_NAMES.get(re.sub(r"[^a-z0-9]", "", words.casefold()), words or None)
