"""``InferenceSession``: loads an OM file onto the simulated chip and runs it."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Sequence

import numpy as np

from aclruntime._compute import Computer
from aclruntime._device import Clock, Stamps, State, close_device, copied, give_back, open_device, take_memory
from aclruntime._dynamic import Shapes
from aclruntime._log import Log, failure, log, plain
from aclruntime._om import read_om
from aclruntime._options import options as settings_of_process
from aclruntime._tensor import BaseTensor, MemorySummary, Tensor, dtype, on_device, tensor_desc


class session_options:  # noqa: N801 - the genuine name
    """What a session is opened with: ``loop`` executions a run, ``log_level`` 1 (debug) or 2, ``acl_json_path``."""

    def __init__(self) -> None:
        self.loop = 1
        self.log_level = 2
        self.acl_json_path = ""


class infer_options:  # noqa: N801 - the genuine name
    """What a pipeline is run with."""

    def __init__(self) -> None:
        self.output_dir = ""
        self.auto_dym_shape = False
        self.auto_dym_dims = False
        self.out_format = "BIN"
        self.pure_infer_mode = False


class sumary:  # noqa: N801 - the genuine name
    """The times of all executions since they were reset, in ms."""

    def __init__(self) -> None:
        self.exec_time_list: list[Stamps] = []


def model(modelPath: str, deviceId: int = 0, options: Any = None) -> InferenceSession:  # noqa: N803 - genuine names
    """Open a model."""
    return InferenceSession(modelPath, deviceId, options or session_options())


class InferenceSession:
    """An OM file on a device; see ASCEND.md, section c, for the calls that ais_bench makes."""

    def __init__(self, model_path: str, device_id: int, options: Any = None) -> None:
        self._options = options or session_options()
        Log.level = self._options.log_level
        self._device = int(device_id)
        self._path = os.fspath(model_path)
        self._open = False
        open_device(self._device)
        try:
            self._load()
        except BaseException:
            close_device(self._device)
            raise
        self._open = True

    def _load(self) -> None:
        settings = settings_of_process()
        try:
            self._model, onnx = read_om(self._path)
        except (OSError, ValueError, KeyError) as error:
            plain(f"E19999: Inner Error!\n        Load model from file failed: {error}.")
            self._refuse_load()
        chip = settings["chip"] or self._model["soc_version"]
        if settings["fail"] == "soc_version_mismatch" or chip != self._model["soc_version"]:
            plain(
                "E19999: Inner Error!\n        The soc version[{}] of the OM does not match that of the device[{}], "
                "runtime result = 507008.[FUNC:ReportCallError][FILE:log_inner.cpp][LINE:162]".format(
                    self._model["soc_version"], chip
                )
            )
            self._refuse_load()
        self._weights = self._model["weight_bytes"] + settings["memory_factor"] * self._model["live_bytes"]
        if not take_memory(self._device, self._weights):
            self._refuse_load()
        State.loaded += 1
        self._id = State.loaded
        self._buffers = 0.0
        self._sumary = sumary()
        self._clock = Clock(str(self._model["macs"]))
        self._computer = Computer(onnx, [each["name"] for each in self._model["outputs"]])
        self._shapes = Shapes(self._model)
        self._inputs = [_desc(each) for each in self._model["inputs"]]
        self._outputs = [_desc(each) for each in self._model["outputs"]]
        self._custom: list[int] | None = None
        self._update()
        log("INFO", f"load model {self._path} success")
        log("INFO", "create model description success")

    def _refuse_load(self) -> None:
        log("ERROR", f"load model from file failed, model file is {self._path}")
        log("WARN", "Check failed:processModel->LoadModelFromFile(modelPath), ret:1")
        plain("")
        log("WARN", "no model had been loaded, unload failed")
        raise failure(1)

    def get_inputs(self) -> list[tensor_desc]:
        """The inputs, in order."""
        return self._inputs

    def get_outputs(self) -> list[tensor_desc]:
        """The outputs, in order."""
        return self._outputs

    def options(self) -> Any:
        """The options, which may be changed between runs."""
        return self._options

    def sumary(self) -> sumary:
        """The times so far."""
        return self._sumary

    def reset_sumaryinfo(self) -> int:
        """Forget the times so far."""
        self._sumary = sumary()
        return 0

    def set_context(self) -> int:
        """Nothing to do here."""
        return 0

    def set_staticbatch(self) -> int:
        """Run the model at the shapes that it was converted for."""
        self._shapes.static()
        self._update()
        return 0

    def set_dynamic_batchsize(self, batchsize: int) -> int:
        """Choose one of the profiles of ``--dynamic_batch_size``."""
        self._shapes.batch(int(batchsize))
        self._update()
        return 0

    def set_dynamic_hw(self, width: int, height: int) -> int:
        """Choose one of the profiles of ``--dynamic_image_size``; ais_bench hands over height and width."""
        self._shapes.image(int(width), int(height))
        self._update()
        return 0

    def set_dynamic_dims(self, dims: str) -> int:
        """Choose one of the profiles of ``--dynamic_dims``, as ``name:1,600;...``."""
        self._shapes.dims(dims)
        self._update()
        return 0

    def set_dynamic_shape(self, shape: str) -> int:
        """Set the shapes of a model with open ones, as ``name:1,600;...``."""
        self._shapes.shape(shape)
        self._update()
        return 0

    def set_custom_outsize(self, sizes: Sequence[int]) -> int:
        """The bytes to reserve for each output of a model with open shapes."""
        self._custom = [int(size) for size in sizes]
        return 0

    def get_max_dym_batchsize(self) -> int:
        """The largest profile of ``--dynamic_batch_size``, 0 without any."""
        return max(self._shapes.profiles("dynamic_batch_size"), default=0)

    def get_dym_aipp_input_exist(self) -> int:
        """How many inputs have a dynamic AIPP: none, ATC's stand-in makes no such model."""
        return 0

    def check_dym_aipp_input_exist(self) -> int:
        """Nothing to check."""
        return 0

    def create_tensor_from_fileslist(self, desc: tensor_desc, files: Sequence[str]) -> Tensor:
        """One tensor on the device out of the files' contents, which must fill it."""
        content = b""
        for name in files:
            with open(name, "rb") as file:
                content += file.read()
        if len(content) != desc.realsize:
            log("ERROR", f"TensorBaseMalloc files size:{len(content)} tensor size:{desc.realsize} not match")
            raise failure(1004)
        tensor = Tensor(np.frombuffer(content, dtype=desc.datatype.name).reshape(desc.shape))
        tensor.to_device(self._device)
        return tensor

    def run(self, output_names: Sequence[str], feeds: Any) -> list[Tensor]:
        """Execute ``options().loop`` times; the outputs are on the device."""
        ordered = [feeds[each.name] for each in self._inputs] if isinstance(feeds, dict) else list(feeds)
        if len(ordered) != len(self._inputs):
            log("ERROR", f"Check inputs num:{len(ordered)} model inputs num:{len(self._inputs)} not match")
            raise failure(1004)
        arrays: dict[str, Any] = {}
        for index, (desc, feed) in enumerate(zip(self._inputs, ordered)):
            content = feed.content()
            if isinstance(feed, BaseTensor):
                MemorySummary._h2d.append(copied("h2d", len(content)))
            if len(content) != desc.realsize:
                log(
                    "ERROR",
                    f"Check i:{index} name:{desc.name} in size:{len(content)} needsize:{desc.realsize} not match",
                )
                raise failure(1004)
            array = np.frombuffer(content, dtype=desc.datatype.name).reshape(self._shapes.of(desc.name))
            arrays[desc.name] = array.astype(self._model["inputs"][index]["graph_dtype"])
        self._reserve()
        self._execute()
        known = {each.name: array for each, array in zip(self._outputs, self._computer.run(arrays))}
        found = []
        for name in output_names:
            if name not in known:
                log("ERROR", f"output name:{name} not found in the model")
                raise failure(1004)
            described = self._outputs[[each.name for each in self._outputs].index(name)]
            made = known[name].astype(described.datatype.name)
            self._check_custom(made, described)
            found.append(on_device(made, self._device))
        return found

    def _reserve(self) -> None:
        """Take the memory of the outputs when the model first runs at a size."""
        outputs = sum(each.realsize for each in self._outputs if each.realsize > 0)
        needed = settings_of_process()["output_factor"] * outputs + sum(each.realsize for each in self._inputs)
        if needed <= self._buffers:
            return
        if not take_memory(self._device, needed - self._buffers):
            first = self._outputs[0]
            plain(
                "[207001][Error code unknown] Malloc ptrData failed.[ERROR] MemoryHelper::MxbsMalloc failed."
                f"i:0 name:{first.name} size:{first.realsize} ret:2"
            )
            log("ERROR", "create outmemory data failed:2")
            raise failure(2)
        self._buffers = needed

    def _execute(self) -> None:
        settings = settings_of_process()
        if settings["fail"] in ("device_timeout", "aicore_exception"):
            code = 507014 if settings["fail"] == "device_timeout" else 507015
            plain("EZ9999: Inner Error!")
            if code == 507015:
                plain(
                    f"EZ9999  The error from device({self._device}), serial number is 1, "
                    "there is an aicore error, core id is 0, error code = 0x800000"
                )
            plain(f"        rtStreamSynchronize execute failed, runtime result = {code}")
            log("ERROR", f"execute model failed, modelId is {self._id}")
            log("ERROR", "acl execute failed:1")
            log("ERROR", "Execute Infer failed ret:-1")
            raise failure(-1)
        for _ in range(max(1, int(self._options.loop))):
            self._sumary.exec_time_list.append(self._clock.compute(self._model["macs"] * self._shapes.scale()))

    def _check_custom(self, made: Any, described: tensor_desc) -> None:
        if self._custom is None or not self._shapes.is_open:
            return
        room = self._custom[[each.name for each in self._outputs].index(described.name)]
        if made.nbytes > room:
            log("ERROR", f"output name:{described.name} size:{made.nbytes} custom size:{room} too small")
            raise failure(-1)

    def run_pipeline(self, *arguments: Any) -> Any:
        """Both forms: (files, infer_options, sessions) saves the outputs, (names, feeds, shapes, ...) returns them."""
        from aclruntime._pipeline import run_arrays, run_files

        if isinstance(arguments[1], infer_options):
            return run_files(self, arguments[0], arguments[1])
        return run_arrays(self, *arguments)

    def free_resource(self) -> None:
        """Unload the model."""
        if not self._open:
            return
        self._open = False
        self._computer.close()
        give_back(self._device, self._weights + self._buffers)
        log("INFO", f"unload model success, model Id is {self._id}")
        close_device(self._device)

    def finalize(self: Any = None) -> int:
        """End the session; called on the class it ends what is left of the library."""
        if self is not None:
            self.free_resource()
        return 0

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # the interpreter may be ending
            self.free_resource()

    def _update(self) -> None:
        """The sizes that follow from the shapes chosen."""
        for each in self._inputs:
            shape = self._shapes.of(each.name)
            each.realsize = _size_bytes(shape, each) if min(shape, default=1) > 0 else each.size
        for each in self._outputs:
            shape = self._shapes.output(each.shape)
            each.realsize = _size_bytes(shape, each) if min(shape, default=1) > 0 else 0

    def __str__(self) -> str:
        lines = ["<Model>", f"device:\t{self._device}"]
        for title, descs in (("input", self._inputs), ("output", self._outputs)):
            lines.append(title + ":")
            for index, each in enumerate(descs):
                shape = "({})".format(", ".join(str(size) for size in each.shape))
                lines.append(f"  #{index}    {each.name}  {shape}  {each.datatype.name}  {each.size}  {each.realsize}")
        return "\n".join(lines) + "\n"

    __repr__ = __str__


def _size_bytes(shape: Sequence[int], desc: tensor_desc) -> int:
    return int(np.prod(shape, dtype=np.int64)) * int(np.dtype(desc.datatype.name).itemsize)


def _desc(described: dict[str, Any]) -> tensor_desc:
    made = tensor_desc(described["name"], dtype[described["dtype"]], described["shape"])
    made.size = _size_bytes([max(1, size) for size in described["shape"]], made)
    made.realsize = made.size
    return made
