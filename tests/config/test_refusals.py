"""What is wrong is refused in one line that names it and the nearest right thing, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

REFUSED = [
    # words, what the line must contain
    (["batchsz=4"], ["batchsz: no such key", "did you mean 'batchsize'?"]),
    (["modle=swin98"], ["modle: no such key", "did you mean 'model'?"]),
    (["sweeep=swin98_batchsizes"], ["sweeep: no such key", "did you mean 'sweep'?"]),
    (["measure.roundz=3"], ["measure.roundz: no such key", "did you mean 'rounds'?"]),
    (["measure.deep.er=3"], ["measure.deep: no such key", "rounds"]),
    (["measure.roundz=3,5", "-m"], ["measure.roundz: no such key", "did you mean 'rounds'?"]),
    (["model=swin89"], ["model=swin89: no such choice", "did you mean 'swin98'?"]),
    (["model=swin98_tiny,swin89", "-m"], ["model=swin89: no such choice", "did you mean 'swin98'?"]),
    (["batchsize=1,4", "model=swin89"], ["model=swin89: no such choice"]),
    (["model=5"], ["model=5", "the name of a choice"]),
    (["model=swin98_tiny,5"], ["model=5", "the name of a choice"]),
    (["backend=onnxruntim"], ["backend=onnxruntim: no such choice", "did you mean 'onnxruntime'?"]),
    (["sweep=swin98_batchsize"], ["sweep=swin98_batchsize: no such choice", "did you mean 'swin98_batchsizes'?"]),
    (["batchsize=abc"], ["batchsize=abc: expected a whole number"]),
    (["batchsize=0"], ["batchsize=0: expected at least 1"]),
    (["batchsize=1.5"], ["batchsize=1.5: expected a whole number"]),
    (["batchsize=1,x", "-m"], ["batchsize=x: expected a whole number"]),
    (["batchsize=null"], ["batchsize=null: expected a whole number"]),
    (["tracking=server"], ["tracking.uri is taken from MLFLOW_TRACKING_URI, which is not set", "tracking.uri=VALUE"]),
    (["tracking.enabled=perhaps"], ["tracking.enabled=perhaps: expected true or false"]),
    (["precision.dtype=float61"], ["precision.dtype=float61", "did you mean 'float16'?"]),
    (["limits.memory_gb=lots"], ["limits.memory_gb=lots: expected a number or 'auto' or 'none'"]),
    (["limits.memory_gb=-1"], ["limits.memory_gb=-1: expected more than 0"]),
    (["export.opset=99"], ["export.opset=99: expected at most 21"]),
    (["measure=5"], ["measure=5", "the name of a choice"]),
    (["model.inputs=5"], ["model.inputs=5: expected a list"]),
    (["model.inputs.0.dtype=float33"], ["model.inputs.0.dtype=float33", "did you mean 'float32'?"]),
    (["model.inputs.7.low=1"], ["model.inputs.7.low"]),
    (["+foo=1"], ["foo: no such key"]),
    (["++foo=1"], ["foo: no such key"]),
    (["+measure.roundz=1"], ["measure.roundz: no such key", "did you mean 'rounds'?"]),
    (["+batchsize=2"], ["batchsize", "without the +"]),
    (["~backend"], ["backend is missing"]),
    (["model=[1,2"], ["model=[1,2: not readable as key=value"]),
    (["model"], ["model: expected key=value"]),
    (["report"], ["report: expected key=value"]),
    (["--multirn"], ["--multirn: no such flag", "did you mean --multirun?"]),
    (["--cfg", "jop"], ["--cfg jop", "did you mean job?"]),
    (["--config-dir"], ["--config-dir: a value must follow"]),
    (["--config-dir", "/no/such/folder"], ["/no/such/folder", "not found"]),
    (["--cfg", "job", "batchsize=1,2"], ["batchsize=1,2", "give one value"]),
    (["--cfg", "job", "batchsz=2"], ["batchsz: no such key", "did you mean 'batchsize'?"]),
    (["hydra.mode=RUN"], ["hydra.mode=RUN", "sweep"]),
    (["hydra.sweeper.paramz.batchsize=1"], ["hydra.sweeper.paramz.batchsize"]),
    (["hydra/launcher=teleport"], ["hydra/launcher=teleport: no such choice", "harness"]),
    (["model.options.embed_dim=96"], ["model.options.embed_dim", "embed_dims"]),
    (["model.options.window_size=0"], ["model.options.window_size=0"]),
    (["backend.options.arenaa=true"], ["backend.options.arenaa: no such key", "did you mean 'arena'?"]),
    (["backend.options.intra_op_threads=many"], ["backend.options.intra_op_threads=many: expected a whole number"]),
    (["dataset=ade20"], ["dataset=ade20: no such choice; did you mean 'ade20k'?"]),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=lambda value: " ".join(value) if value else "")
def test_one_line_names_what_is_wrong_and_nothing_starts(command, empty_folder: Path, words, told) -> None:
    ran = command(*words)
    assert ran.status == 2
    assert ran.manifests == []
    assert ran.out == ""
    (line,) = ran.err.splitlines()
    assert line.startswith("harness: ")
    for part in told:
        assert part in line
    assert list(empty_folder.iterdir()) == []


OWN_FILES = [
    (["model=typo"], ["model.task=segmentaton", "did you mean 'segmentation'?", "(in model=typo)"]),
    (["model=incomplete"], ["model.task is missing", "(in model=incomplete)"]),
    (["model=extra"], ["model.checkpont: no such key", "did you mean 'checkpoint'?", "(in model=extra)"]),
    (["model=broken"], ["broken.yaml:2:", "not readable as YAML"]),
    (["model=list"], ["model=", "expected keys with values", "(in model=list)"]),
    (["model=empty"], ["model.name is missing", "(in model=empty)"]),
    (["model=dangling"], ["model.inputs[0].shape[0]", "batchsiz", "(in model=dangling)"]),
    (["model=required"], ["model.checkpoint must be given"]),
    (["model=stranger"], ["model.kind=upernet_swim", "did you mean 'upernet_swin'?"]),
    (["model=mime"], ["model=mime: no such choice", "did you mean 'mine'?"]),
    (["soc_version=odd"], ["backend=teleport: no such choice"]),
    (["model=mine", "soc_version=K80"], ["soc_version=K80: there is no K80 here"]),
]


@pytest.mark.parametrize(("words", "told"), OWN_FILES, ids=lambda value: " ".join(value) if value else "")
def test_a_mistake_in_a_users_own_file_names_key_and_file(command, empty_folder: Path, config_dir: Path, words, told):
    ran = command(*words, "--config-dir", str(config_dir))
    assert ran.status == 2
    assert ran.manifests == []
    (line,) = ran.err.splitlines()
    for part in told:
        assert part in line
    assert list(empty_folder.iterdir()) == []


def test_a_detected_device_without_a_file_is_explained(command, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.devices

    monkeypatch.setattr(harness.devices, "detect", lambda: "T9000")
    ran = command("model=swin98_tiny")
    assert ran.status == 2
    assert "soc_version=auto: this machine has T9000" in ran.err
    assert command("model=swin98_tiny", "soc_version=cpu").status == 0


@pytest.mark.parametrize("variable", ["HARNESS_DEBUG", "HYDRA_FULL_ERROR"])
def test_a_traceback_is_shown_on_request(command, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    from harness.errors import ConfigError

    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigError, match="swin98") as raised:
        command("model=swin89")
    assert raised.value.__cause__ is not None


def test_an_error_of_the_run_itself_is_not_called_a_refusal(command, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.config.freeze
    from harness.errors import HarnessError

    def full(*_: object, **__: object) -> None:
        raise HarnessError("the disk is full")

    monkeypatch.setattr(harness.config.freeze, "freeze", full)
    ran = command("model=swin98_tiny")
    assert (ran.status, ran.err) == (1, "harness: the disk is full\n")


def test_a_bug_keeps_its_traceback(command, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.config.freeze

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(harness.config.freeze, "freeze", broken)
    with pytest.raises(ZeroDivisionError):
        command("model=swin98_tiny")
