"""The plan of segmentation: sliding windows as the official test pipeline cuts them, merged and counted per pixel."""

from __future__ import annotations

from harness.config.schema import Settings
from harness.datasets.normalise import normalisation_for
from harness.datasets.pictures import PictureSource, WindowedPictures
from harness.datasets.windows import sliding_for
from harness.errors import ConfigError
from harness.evaluate.gallery import segmentation_draw
from harness.evaluate.merge import WindowMerger
from harness.evaluate.outputs import SampleFormat
from harness.evaluate.plan import TOP, Findings, Plan, check_classes
from harness.evaluate.tables import segmentation_tables
from harness.evaluate.tasks import segmentation
from harness.metrics.confusion import most_confused
from harness.metrics.scores import worst
from harness.metrics.segmentation import SegmentationResult


def segmentation_plan(settings: Settings, source: PictureSource) -> Plan[SegmentationResult]:
    """The plan for a network with one input (batch, 3, height, width) and scores (batch, classes, height, width).

    Raises:
        ConfigError: the input has another shape, or the model's options name another number of classes.
    """
    model = settings.model
    shape = model.inputs[0].shape if len(model.inputs) == 1 else ()
    if len(shape) != 4 or shape[1] != 3:
        given = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in model.inputs) or "none that is known"
        raise ConfigError(
            f"dataset={source.name}: pictures need one input [batch, 3, height, width], and {model.name} has {given}"
        )
    check_classes(model, source.name, source.class_names)
    height, width = shape[2:]
    sliding = sliding_for((height, width), model.pipeline)
    normalisation = normalisation_for(model.pipeline)
    (scale_long, scale_short), (down, right) = sliding.scale, sliding.stride
    merger = WindowMerger()
    return Plan(
        dataset=WindowedPictures(source, sliding, normalisation),
        task=segmentation(source.class_names, merger),
        mode="slide",
        how=f"resized to {scale_long}x{scale_short}, windows {width}x{height}, stride {right}x{down}"
        f"{normalisation.unusual}",
        unit="images",
        sample=SampleFormat((3, height, width)),
        output=SampleFormat((1, len(source.class_names), height, width)),
        findings=_findings,
        draw=segmentation_draw(source),
        close=merger.close,
    )


def _findings(result: SegmentationResult) -> Findings:
    rows = zip(result.class_names, result.iou, result.acc, strict=True)
    return Findings(
        headline="mIoU",
        metrics={"mIoU": result.m_iou, "aAcc": result.a_acc, "mAcc": result.m_acc, "mDice": result.m_dice},
        columns=("IoU", "Acc"),
        classes=tuple((name, (float(iou), float(acc))) for name, iou, acc in rows),
        scores=result.images,
        worst=tuple(worst(result.images, TOP)),
        confused=tuple(most_confused(result.confusion, result.class_names, TOP)),
        text=segmentation_tables(result),
    )
