"""Evaluating one model file in this process: what the stages ``evaluate`` and ``reference`` have in common."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.protocol import InfersFolders, sessions
from harness.backends.registry import cell_backend
from harness.config.schema import Settings
from harness.errors import HarnessError
from harness.files import sha256_file
from harness.graph.enlarge import enlarged, left_to_host
from harness.records.schema import Accuracy, Evaluated, LeftOut
from harness.stages.request import Request, progress_file
from harness.stages.store import Store

if TYPE_CHECKING:
    from harness.backends.protocol import Session
    from harness.datasets.protocol import BadSample, Item
    from harness.evaluate import accumulate
    from harness.evaluate.gallery import Gallery, Shown
    from harness.evaluate.outputs import SampleFormat
    from harness.evaluate.plan import Findings, Plan
    from harness.evaluate.progress import Progress

LOG_EVERY_S = 10.0
SHOW_EVERY_S = 0.5


@dataclass(frozen=True)
class Found:
    """What an evaluation found, and the pictures that were drawn meanwhile."""

    accuracy: Accuracy
    findings: Findings
    examples: Sequence[Shown]
    worst: Sequence[Shown]


def evaluate_model(request: Request, file: Path, *, draw: bool = True) -> Found:
    """Evaluate a model file as the request's settings say; prints progress and the tables, which go to the step's log.

    State and pictures are kept under the request's key, from which the next call goes on.

    Raises:
        HarnessError: samples that cannot be used, and everything that preparing, inferring and counting raise.
    """
    kept = Store(request.store).unfinished(request.stage, request.key or "unkeyed")

    def run(plan: Plan[Any], items: Sequence[Item], how: accumulate.Settings) -> accumulate.Evaluation[Any]:
        return _run(request, file, plan, items, how, kept=kept)

    place = Place(kept, request.key or "", told=progress_file(request.record, request.stage), draw=draw)
    return evaluate_with(run, request.settings, place, model_sha256=sha256_file(file))


@dataclass(frozen=True)
class Place:
    """Where an evaluation keeps what it needs to go on, for whom (``identity``), and where it says how far it is."""

    kept: Path | None = None
    identity: str = ""
    told: Path | None = None
    draw: bool = False


def evaluate_with(
    run: Callable[[Plan[Any], Sequence[Item], accumulate.Settings], accumulate.Evaluation[Any]],
    settings: Settings,
    place: Place,
    *,
    model_sha256: str = "",
) -> Found:
    """Look through the data, let ``run`` evaluate what is usable, print what came out. Raises as ``evaluate_model``."""
    from harness.datasets.check import usable
    from harness.evaluate import accumulate
    from harness.evaluate.gallery import Gallery
    from harness.evaluate.plans import opened_plan

    evaluate, kept = settings.evaluate, place.kept
    with opened_plan(settings) as plan:
        items, bad = usable(plan.dataset, settings.dataset.on_bad_sample, evaluate.workers)
        gallery: Gallery | None = None
        if kept and place.draw and plan.draw is not None and evaluate.examples + evaluate.worst:
            gallery = Gallery(kept / "gallery", plan.draw, items, examples=evaluate.examples, worst=evaluate.worst)
        how = accumulate.Settings(
            workers=evaluate.workers,
            waiting=plan.waiting,
            on_bad_sample=settings.dataset.on_bad_sample,
            state=kept / "state.npz" if kept else None,
            identity=place.identity,
            save_every=evaluate.save_every,
            progress=Reporter(place.told, plan.unit),
            observer=gallery,
        )
        done = run(plan, items, how)
        findings = plan.findings(done.result)
        accuracy = _accuracy(settings, plan, findings, done, bad=bad, model_sha256=model_sha256)
        _print(findings, accuracy)
        examples, worst = gallery.close(findings.scores) if gallery else ([], [])
    return Found(accuracy, findings, examples, worst)


def _run(
    request: Request,
    file: Path,
    plan: Plan[Any],
    items: Sequence[Item],
    how: accumulate.Settings,
    *,
    kept: Path,
) -> accumulate.Evaluation[Any]:
    from harness.evaluate.files import infer_folder
    from harness.evaluate.stream import evaluate
    from harness.evaluate.task import Model

    settings = request.settings
    runtime = cell_backend(settings)
    own = settings.evaluate.folder
    folder = Path(own).expanduser() / request.record.name if own else kept / "files"
    if settings.evaluate.mode == "files" and isinstance(runtime, InfersFolders):
        infer = functools.partial(runtime.infer_folder, file)
        return _through_files(folder, lambda _, inputs, outputs: infer(inputs, outputs), plan, items, how)
    with ExitStack() as stack:
        opened = [stack.enter_context(each()) for each in sessions(runtime, file)]
        models = [
            Model(
                CheckedRuntime(each, plan.output, settings.batchsize, left_to_host(settings.model)),
                settings.model.inputs[0].name,
                settings.batchsize,
            )
            for each in opened
        ]
        if settings.evaluate.mode == "stream":
            return evaluate(plan.dataset, items, models, plan.task, how)

        def infer_files(names: Sequence[str], inputs: Path, outputs: Path) -> None:
            infer_folder(models[0], names, inputs, outputs, plan.sample, resume=own is None, progress=how.progress)

        return _through_files(folder, infer_files, plan, items, how)


def _through_files(
    folder: Path,
    infer: Callable[[Sequence[str], Path, Path], None],
    plan: Plan[Any],
    items: Sequence[Item],
    how: accumulate.Settings,
) -> accumulate.Evaluation[Any]:
    from harness.evaluate.files import check_room, count_samples, evaluate_outputs, write_inputs

    each_bytes = plan.sample.size_bytes + plan.output.size_bytes
    check_room(folder, count_samples(plan.dataset, items, how) * each_bytes)
    names = write_inputs(plan.dataset, items, folder / "inputs", how)
    infer(names, folder / "inputs", folder / "outputs")
    return evaluate_outputs(plan.dataset, items, folder / "outputs", output=plan.output, task=plan.task, settings=how)


class CheckedRuntime:
    """A session whose outputs are looked at: a model of other classes would otherwise give a number all the same."""

    def __init__(self, session: Session, output: SampleFormat, batchsize: int, enlarges: bool = False) -> None:
        self._session = session
        self._enlarges = enlarges
        self._shape = (batchsize * output.shape[0], *output.shape[1:])

    def run(self, inputs: Mapping[str, Any]) -> Sequence[Any]:
        """Infer one batch. Raises HarnessError when the first output has another shape than the data set needs."""
        outputs = self._session.run(inputs)
        if self._enlarges:
            outputs = [enlarged(outputs[0], self._shape), *outputs[1:]]
        if outputs[0].shape != self._shape:
            raise HarnessError(
                f"the model's first output has shape {list(outputs[0].shape)}, and the data set needs "
                f"{list(self._shape)}: another number of classes, or another network than the settings say"
            )
        return outputs


def _accuracy(
    settings: Settings,
    plan: Plan[Any],
    findings: Findings,
    done: accumulate.Evaluation[Any],
    *,
    bad: Sequence[BadSample],
    model_sha256: str,
) -> Accuracy:
    return Accuracy(
        task=settings.model.task,
        dataset=settings.dataset.name,
        split=settings.dataset.split,
        limit=settings.dataset.limit,
        mode=plan.mode,
        how=plan.how,
        method=settings.evaluate.mode,
        unit=plan.unit,
        headline=findings.headline,
        device=Evaluated(
            metrics={name: value for name, value in findings.metrics.items() if not math.isnan(value)},
            items=done.items,
            samples=done.samples,
            batchsize=settings.batchsize,
            soc_version=settings.soc_version.name,
            backend=settings.backend.name,
            precision=settings.precision.name,
            model_sha256=model_sha256,
            elapsed_s=done.elapsed_s,
        ),
        bad=tuple(LeftOut(each.item_id, each.reason) for each in (*bad, *done.bad)),
        data_sha256=plan.dataset.fingerprint(),
    )


def _print(findings: Findings, accuracy: Accuracy) -> None:
    from harness.datasets.text import printable
    from harness.evaluate.tables import confused_table, worst_table

    device = accuracy.device
    print(
        f"{accuracy.dataset} {accuracy.split}: {device.items} {accuracy.unit}, {device.samples} samples; {accuracy.how}"
    )
    for each in accuracy.bad:
        print(printable(f"left out: {each.item}: {each.reason}"))
    print(findings.text)
    print(f"\nworst {accuracy.unit}:\n{worst_table(findings.worst)}")
    print(f"\nmost confused classes:\n{confused_table(findings.confused)}", flush=True)


class Reporter:
    """Says how far an evaluation is: now and then in the log, more often in a file that the parent process shows."""

    def __init__(self, file: Path | None, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._unit, self._clock = file, unit, clock
        self._logged = self._shown = float("-inf")

    def __call__(self, progress: Progress) -> None:
        """Take a reading; most are not passed on."""
        from harness.evaluate.progress import progress_line

        now, last = self._clock(), progress.done == progress.total
        if now - self._shown < SHOW_EVERY_S and not last:
            return
        self._shown = now
        line = progress_line(progress, self._unit)
        if self._file is not None:  # whole for its reader, and worth no wait for the disk
            unfinished = self._file.with_name(f"{self._file.name}.part")
            unfinished.write_text(line, encoding="utf-8")
            unfinished.replace(self._file)
        if now - self._logged >= LOG_EVERY_S or last:
            self._logged = now
            print(line, flush=True)
