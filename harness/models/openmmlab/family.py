"""The family ``openmmlab``: a configuration's network, exported by the interpreter that has its packages."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from harness.errors import UnsupportedError
from harness.models.options import Positive, parse_options

if TYPE_CHECKING:
    from harness.models.family import ExportJob
    from harness.models.weights import WeightsInfo


@dataclass(config=ConfigDict(extra="forbid", frozen=True))
class OpenmmlabOptions:
    """What decides the network; all but ``mode`` is filled in from the configuration before a sweep starts.

    Attributes:
        mode: ``slide`` evaluates in windows what the configuration would test as whole pictures.
        digest: SHA-256 of the configuration with its bases.
        versions: of the environment's packages.
        library: ``mmseg`` or ``mmaction``.
        batch_axes: leading axes of the input that count samples: 2 for the views of a Recognizer3D.
        num_classes: classes that are told apart.
    """

    mode: Literal["auto", "slide"] = "auto"
    digest: str = ""
    versions: Mapping[str, str] | None = None
    library: Literal["mmseg", "mmaction"] | None = None
    batch_axes: Positive = 1
    num_classes: Positive | None = None


class OpenmmlabFamily:
    """Exports through ``worker/export_worker.py``; the weights are filled in as in every other network."""

    name = "openmmlab"
    ignored_checkpoint_prefixes = ("auxiliary_head.",)

    def parse_options(self, options: Mapping[str, Any]) -> OpenmmlabOptions:
        """The validated options; raises ConfigError."""
        return parse_options(OpenmmlabOptions, options, self.name)

    def batch_axes(self, options: Mapping[str, Any]) -> int:
        """What the configuration's kind of network says."""
        return self.parse_options(options).batch_axes

    def build(self, options: OpenmmlabOptions) -> NoReturn:
        """There is no network here: it exists in the other interpreter. Raises UnsupportedError."""
        raise UnsupportedError(f"openmmlab: {options.library or 'the network'} is built in its own interpreter only")

    def export(self, job: ExportJob) -> WeightsInfo:
        """Build, fill and export there; raises HarnessError, as ``Conversation.ask`` and the check of a checkpoint do.

        Random weights are those that any network gets whose parameters have these names.
        """
        import numpy as np

        from harness.models.openmmlab.environment import conversation, interpreter

        model = job.settings.model
        checkpoint = str(job.checkpoint) if job.checkpoint else None
        config, outputs = str(model.config), list(model.outputs)
        with (
            tempfile.TemporaryDirectory(dir=job.target.parent) as name,
            conversation(interpreter(job.settings.openmmlab.python), config, checkpoint) as worker,
        ):
            folder = Path(name)
            built = worker.ask(do="build", config=config, checkpoint=checkpoint)
            weights, info = _weights(built, job, folder, self.ignored_checkpoint_prefixes)
            np.savez(folder / "data.npz", **dict(job.arrays))
            np.savez(folder / "samples.npz", **dict(job.samples))
            worker.ask(
                do="export",
                weights=weights,
                data=str(folder / "data.npz"),
                samples=str(folder / "samples.npz"),
                inputs=list(job.arrays),
                outputs=outputs,
                opset=job.opset,
                target=str(job.target),
                reference=str(job.reference) if job.reference else None,
            )
        return info

    def source_files(self) -> tuple[Path, ...]:
        """What runs in the other interpreter, and what asks it."""
        here = Path(__file__)
        return (here, *sorted((here.parent / "worker").glob("*.py")))


def _weights(
    built: Mapping[str, Any], job: ExportJob, folder: Path, ignored: tuple[str, ...]
) -> tuple[str | None, WeightsInfo]:
    """The file of random weights, or None where the checkpoint's are taken, which then fit; and what they are."""
    import numpy as np

    from harness.files import sha256_file
    from harness.models.weights import WeightsInfo, check_parameters, random_values

    wanted = {name: tuple(shape) for name, shape in built["parameters"].items()}
    if job.checkpoint is None:
        seed = job.settings.model.seed
        file = folder / "weights.npz"
        np.savez(file, **{name: random_values(name, wanted[name], seed) for name in built["floating"]})  # type: ignore[arg-type]
        return str(file), WeightsInfo(kind="random", seed=seed, sha256=None, name=None, trained=False)
    found = {name: tuple(each) for name, each in built["checkpoint"].items() if not name.startswith(ignored)}
    check_parameters(job.checkpoint, wanted, found)
    return None, WeightsInfo(
        kind="checkpoint",
        seed=None,
        sha256=sha256_file(job.checkpoint),
        name=job.checkpoint.name,
        trained=True,
        dataset=built["dataset"],
    )


FAMILY = OpenmmlabFamily()
