"""What the columns of a published table are, by their headers and by what stands below them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.parsing.published_cells import batch_in, chips_in, is_best, is_missing, is_ratio
from harness.parsing.table import Table
from harness.records.references import BASELINE

_EXACT = {
    "unit": "unit",
    "单位": "unit",
    "readme": "file",
    "file": "file",
    "commit": "commit",
    "date": "date",
    "lines": "lines",
    "note": "note",
    "notes": "note",
    "备注": "note",
    "acc_metric": "other",
    "x4_in_readme": "four_devices",
}
_CHIP = re.compile(r"芯片|^(npu|gpu|chip|device|soc|soc_version|card|设备|硬件)( ?(型号|name))?$", re.IGNORECASE)
_BATCH = re.compile(r"^(npu )?(batch([ _-]?size)?|bs|批次?大小|批大小|批次)$", re.IGNORECASE)
_MODEL = re.compile(r"^(model|models|name|network|模型|模型名|模型名称|网络|名称)([ _]?name)?$", re.IGNORECASE)
_DATASET = re.compile(r"数据集|^data ?set$", re.IGNORECASE)
_ACCURACY = re.compile(
    r"精度|准确率|accuracy|(?<![a-z])acc(?![a-z])|^acc_|miou|macc|\bmap\b|\bap\b|top-?[15]|recall|precision|f1|psnr|wer\b|err\b",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"pth|开源|官网|官方|参考|基准|目标|原始|论文|在线|pytorch|torch|_ref\b|\bref\b|original|paper|gpu", re.IGNORECASE
)
_PRECISION = re.compile(r"precision|dtype|精度类型|数据类型", re.IGNORECASE)
_DTYPE = re.compile(r"(fp|float|bf|int)\d+$|mixed$", re.IGNORECASE)
_THROUGHPUT = re.compile(r"性能|吞吐|fps|throughput|thro?ughoutrate|qps|samples/s|images/s", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """The columns by what they are; ``own`` and ``original`` are accuracies. ``named`` are those that there is one of.

    ``label_is_batch``: the labels of the rows are nothing but batch sizes.
    """

    throughputs: tuple[int, ...]
    own: tuple[int, ...]
    original: tuple[int, ...]
    named: dict[str, int]
    label_is_batch: bool = False

    def first(self, kind: str) -> int | None:
        """The column of a kind, None where there is none."""
        return self.named.get(kind)


def columns_of(table: Table) -> Columns | None:
    """What the columns of a table are; None for one that states neither throughput nor accuracy of a chip."""
    named: dict[str, int] = {}
    throughputs: list[int] = []
    own: list[int] = []
    original: list[int] = []
    for at, header in enumerate(table.header):
        kind = _kind(header, at, table)
        if kind == "throughput":
            throughputs.append(at)
        elif kind == "accuracy":
            (original if _is_original(header) else own).append(at)
        elif kind != "other":
            named.setdefault(kind, at)
    has_chip = "chip" in named
    if any(not chips_in(table.header[at]) for at in throughputs) and not has_chip:
        throughputs = [at for at in throughputs if chips_in(table.header[at])]
    said = has_chip or any(chips_in(table.header[at]) for at in own) or "npu" in "".join(table.header).lower()
    if not throughputs and not ((own or original) and said):
        return None
    label = named.get("label")
    texts = [] if label is None else [row[label] for row in table.rows if not is_missing(row[label])]
    bare = bool(texts) and all(is_best(text) or batch_in(text, bare=True) for text in texts)
    return Columns(tuple(throughputs), tuple(own), tuple(original), named, bare)


def _kind(header: str, at: int, table: Table) -> str:
    head = header.strip()
    if head.casefold() in _EXACT:
        return _EXACT[head.casefold()]
    below = [row[at] for row in table.rows]
    if _PRECISION.search(head) and any(_DTYPE.match(text.strip()) for text in below):
        return "precision"
    accuracy = bool(_ACCURACY.search(head))
    if is_ratio(head) and not accuracy:
        return "other"
    if _BATCH.match(head):
        return "batch"
    if accuracy and not _THROUGHPUT.search(head):
        return "accuracy"
    if _DATASET.search(head):
        return "dataset"
    if _CHIP.search(head) and not _THROUGHPUT.search(head):
        return "chip"
    if at == 0 and _is_label(below):
        return "label"
    if _MODEL.match(head):
        return "model"
    if _THROUGHPUT.search(head) or chips_in(head):
        return "throughput"
    if at == 0:
        return "label"
    return "other"


def _is_label(below: list[str]) -> bool:
    """Whether a first column names its rows: batch sizes, ``最优batch``, words; no numbers with fraction or unit."""
    texts = [text for text in below if not is_missing(text)]
    return bool(texts) and all(
        is_best(text) or batch_in(text, bare=True) or not re.match(r"[\d.]+", text) for text in texts
    )


def _is_original(header: str) -> bool:
    """Whether an accuracy is of the model's origin: said so, and not of a chip."""
    chips = [chip for chip in chips_in(header) if chip.name != BASELINE]
    return bool(_ORIGINAL.search(header)) and not chips


def turned(table: Table) -> Table:
    """A table with a column a batch size (``batchsize | 1 | 4 | 8``, chips below) as one with a row a batch size."""
    head, *rest = table.header
    if len(rest) < 1 or not re.search(r"batch|^bs$", head, re.IGNORECASE):
        return table
    sizes = [batch_in(text, bare=True) or is_best(text) for text in rest if text]
    if not sizes or not all(sizes) or not any(chips_in(row[0]) for row in table.rows):
        return table
    grid = [table.header, *table.rows]
    flipped = list(zip(*grid, strict=True))
    return Table(tuple(flipped[0]), tuple(tuple(row) for row in flipped[1:]), table.first, table.last, table.title)
