"""The accuracy table: published beside own reference beside device, batch sizes that agree or not, what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.records.schema import Accuracy, Evaluated, LeftOut, PublishedAccuracy, Record
from harness.report.accuracy import accuracy_table
from tests.report.test_cells import record


def evaluated(m_iou: float, **changes: Any) -> Evaluated:
    base = Evaluated(
        metrics={"mIoU": m_iou, "aAcc": 0.8},
        items=2000,
        samples=3686,
        batchsize=1,
        soc_version="Ascend310P3",
        backend="ascend",
        precision="fp16",
        model_sha256="ab",
        elapsed_s=60.0,
    )
    return replace(base, **changes)


def accurate(m_iou: float, batchsize: int = 1, **changes: Any) -> Record:
    base = Accuracy(
        task="segmentation",
        dataset="ade20k",
        split="validation",
        limit=None,
        mode="slide",
        how="windows 512x512",
        method="stream",
        unit="images",
        headline="mIoU",
        device=evaluated(m_iou, batchsize=batchsize),
        reference=evaluated(0.4795, backend="onnxruntime"),
        published=PublishedAccuracy("whole", {"mIoU": 47.72}, "mmsegmentation"),
    )
    return record(batchsize, accuracy=replace(base, **changes))


def told(*records: Record) -> str:
    table = accuracy_table(records)
    assert table is not None
    return table.markdown()


def test_the_change_is_against_the_own_reference_and_the_published_value_names_its_mode():
    text = told(accurate(0.47921))
    assert "| 47.72 (whole) | 47.95 (slide) | 47.92 (slide) | -0.03 |" in text
    assert "in whole mode; slide mode alone moves it" in text


def test_a_device_that_is_the_reference_shows_no_change():
    same = evaluated(0.4795)
    assert "| is own fp32 |" in told(accurate(0.4795, reference=same, reference_is_device=True, published=None))
    assert "| - | - | 47.95 (slide) | - |" in told(accurate(0.4795, reference=None, published=None))


def test_batch_sizes_that_agree_are_said_to_and_those_that_do_not_as_well():
    assert "batch sizes 1 and 4 agree within 1e-4 (mIoU differs by 5.0e-05)" in told(
        accurate(0.47920), accurate(0.47925, 4)
    )
    assert "batch sizes 1, 4 and 8 do NOT agree within 1e-4" in told(
        accurate(0.4792), accurate(0.4793, 4), accurate(0.4794, 8)
    )
    assert "agree" not in told(accurate(0.4792))
    assert "agree" not in told(accurate(0.4792), accurate(0.4792, 4, data_sha256="other data"))


def test_what_is_left_out_is_counted_and_named_and_no_text_of_a_file_is_markup():
    bad = tuple(LeftOut(f"<b>|{number}", "is empty") for number in range(25))
    text = told(accurate(0.4792, bad=bad, limit=100))
    assert "25 images of ade20k could not be used and left out" in text
    assert "&lt;b&gt;\\|0: is empty" in text
    assert "and 5 more" in text
    assert "a fixed subset" in text
    assert "<b>" not in text


def test_there_is_no_table_without_accuracy():
    assert accuracy_table([record()]) is None
