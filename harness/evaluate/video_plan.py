"""The plan of video classification: views as the official test pipeline cuts them, averaged after a softmax."""

from __future__ import annotations

from harness.config.schema import Settings
from harness.datasets.normalise import normalisation_for
from harness.datasets.videos import VideoSource, ViewedVideos
from harness.datasets.views import Sampling
from harness.errors import ConfigError
from harness.evaluate.contact_sheet import video_draw
from harness.evaluate.outputs import SampleFormat
from harness.evaluate.plan import TOP, Findings, Plan, check_classes
from harness.evaluate.tables import classification_tables
from harness.evaluate.tasks import classification
from harness.metrics.classification import ClassificationResult
from harness.metrics.confusion import most_confused
from harness.metrics.scores import worst

WAITING = 2
"""Videos that are prepared ahead: one of Video Swin's takes 231 MB."""


def video_plan(settings: Settings, source: VideoSource) -> Plan[ClassificationResult]:
    """The plan for a network with one input (batch, views, 3, frames, size, size) and scores (batch * views, classes).

    Raises:
        ConfigError: the input has another shape, or the model's options name another number of classes.
    """
    model = settings.model
    shape = model.inputs[0].shape if len(model.inputs) == 1 else ()
    if len(shape) != 6 or shape[2] != 3 or shape[4] != shape[5]:
        given = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in model.inputs) or "none that is known"
        raise ConfigError(
            f"dataset={source.name}: videos need one input [batch, views, 3, frames, size, size], and {model.name} has "
            f"{given}"
        )
    check_classes(model, source.name, source.class_names)
    _, views, _, frames, size, _ = shape
    wants = model.pipeline
    crops = wants.crops or (1 if views % 3 else 3)
    short = wants.short if wants.short != size else None
    sampling = Sampling(frames, wants.interval or source.interval, views // crops, crops, size, short)
    normalisation = normalisation_for(wants)
    resized = f" out of {short}" if short else ""
    return Plan(
        dataset=ViewedVideos(source, sampling, normalisation),
        task=classification(source.class_names),
        mode=f"{views} views",
        how=f"{sampling.clips} clips of {frames} frames, 1 in {sampling.interval}, {crops} crops of "
        f"{size}x{size}{resized}{normalisation.unusual}",
        unit="videos",
        sample=SampleFormat(shape[1:]),
        output=SampleFormat((views, len(source.class_names))),
        findings=_findings,
        draw=video_draw(source, sampling),
        waiting=WAITING,
    )


def _findings(result: ClassificationResult) -> Findings:
    rows = zip(result.class_names, result.acc, strict=True)
    return Findings(
        headline="top1",
        metrics={"top1": result.top1, "top5": result.top5, "mean_class_accuracy": result.mean_class_accuracy},
        columns=("Acc",),
        classes=tuple((name, (float(acc),)) for name, acc in rows),
        scores=result.items,
        worst=tuple(worst(result.items, TOP)),
        confused=tuple(most_confused(result.confusion, result.class_names, TOP)),
        text=classification_tables(result),
    )
