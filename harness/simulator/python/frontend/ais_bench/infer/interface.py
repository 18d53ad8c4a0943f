"""``InferSession`` and its company: the Python interface of ais_bench (ASCEND.md, section c)."""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import Any, Sequence

import aclruntime
import numpy as np

from ais_bench.infer.paths import MODEL_BYTES, check_readable

MODES = ("static", "dymbatch", "dymhw", "dymdims", "dymshape")
SCALARS = (
    np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.float16, np.float32, np.float64,
)  # fmt: skip


class InferSession:
    """An OM file on a device."""

    def __init__(
        self,
        device_id: int,
        model_path: str,
        acl_json_path: str | None = None,
        debug: bool = False,
        loop: int = 1,
    ) -> None:
        check_readable(model_path, "model", ".om", MODEL_BYTES)
        if not isinstance(device_id, int) or not 0 <= device_id <= 255:
            raise ValueError(f"device:{device_id} is invalid. valid value range is [0, 255]")
        if not isinstance(loop, int) or loop < 1:
            raise ValueError(f"loop:{loop} is invalid, expected a positive integer")
        self.device_id = device_id
        self.model_path = model_path
        self.options = aclruntime.session_options()
        if acl_json_path is not None:
            self.options.acl_json_path = os.fspath(acl_json_path)
        self.options.log_level = 1 if debug else 2
        self.options.loop = loop
        self.session = aclruntime.InferenceSession(model_path, device_id, self.options)
        self.outputs_names = [each.name for each in self.session.get_outputs()]

    @staticmethod
    def finalize() -> None:
        """End what is left of the library; call ``free_resource`` of every session first."""
        aclruntime.InferenceSession.finalize()

    @staticmethod
    def convert_tensors_to_host(tensors: Sequence[Any]) -> None:
        """Copy tensors from the device."""
        for tensor in tensors:
            tensor.to_host()

    @staticmethod
    def convert_tensors_to_arrays(tensors: Sequence[Any]) -> list[Any]:
        """Tensors on the host as arrays."""
        return [np.array(tensor) for tensor in tensors]

    def get_inputs(self) -> list[Any]:
        """Name, datatype, format, shape, size and realsize of each input."""
        return list(self.session.get_inputs())

    def get_outputs(self) -> list[Any]:
        """The same of each output."""
        return list(self.session.get_outputs())

    def set_loop_count(self, loop: int) -> None:
        """How often a run executes."""
        self.session.options().loop = loop

    def create_tensor_from_fileslist(self, desc: Any, files: Sequence[str]) -> Any:
        """A tensor on the device out of files."""
        return self.session.create_tensor_from_fileslist(desc, files)

    def create_tensor_from_arrays_to_device(self, array: Any) -> Any:
        """A tensor on the device out of an array."""
        tensor = aclruntime.Tensor(array)
        tensor.to_device(self.device_id)
        return tensor

    def run(self, feeds: Sequence[Any], out_array: bool = False) -> list[Any]:
        """Execute; tensors on the device, or arrays."""
        if feeds and isinstance(feeds[0], np.ndarray):
            inputs = [aclruntime.BaseTensor(each.__array_interface__["data"][0], each.nbytes) for each in feeds]
        else:
            inputs = list(feeds)
        outputs = self.session.run(self.outputs_names, inputs)
        if not out_array:
            return list(outputs)
        self.convert_tensors_to_host(outputs)
        return self.convert_tensors_to_arrays(outputs)

    def infer(
        self, feeds: Sequence[Any], mode: str = "static", custom_sizes: Any = 100000, out_array: bool = True
    ) -> list[Any]:
        """Execute once with arrays, NumPy scalars, tensors or torch tensors.

        Raises:
            RuntimeError: a mode or a feed that is none, or what the library refuses.
        """
        if mode not in MODES:
            raise RuntimeError("wrong infer_mode:{}, only support {}".format(mode, ",".join(MODES)))
        inputs = [self._feed(feed) for feed in feeds]
        self._prepare(mode, [list(each.shape) for each in inputs], custom_sizes)
        return self.run(inputs, out_array)

    def infer_pipeline(self, feeds_list: Sequence[Any], mode: str = "static", custom_sizes: Any = 100000) -> list[Any]:
        """Execute for each list of feeds."""
        return [self.infer(feeds, mode, custom_sizes) for feeds in feeds_list]

    def infer_iteration(
        self,
        feeds: Sequence[Any],
        in_out_list: Sequence[int] | None = None,
        iteration_times: int = 1,
        mode: str = "static",
        custom_sizes: Any = 100000,
    ) -> list[Any]:
        """Execute several times, outputs fed back: input ``i`` takes output ``in_out_list[i]``, unless that is -1."""
        inputs = [self._feed(feed) for feed in feeds]
        self._prepare(mode, [list(each.shape) for each in inputs], custom_sizes)
        outputs = self.run(inputs, out_array=True)
        for _ in range(iteration_times - 1):
            for index, reused in enumerate(in_out_list or []):
                if reused >= 0:
                    inputs[index] = outputs[reused]
            outputs = self.run(inputs, out_array=True)
        return outputs

    def summary(self) -> Any:
        """The times since they were reset: ``exec_time_list`` unpacks to pairs (start, end) in ms."""
        return self.session.sumary()

    def sumary(self) -> Any:
        """The same under its earlier name."""
        return self.session.sumary()

    def reset_summaryinfo(self) -> None:
        """Forget the times so far."""
        self.session.reset_sumaryinfo()

    def free_resource(self) -> None:
        """Unload the model."""
        self.session.free_resource()

    @staticmethod
    def _feed(feed: Any) -> Any:
        if isinstance(feed, np.ndarray):
            return np.ascontiguousarray(feed) if not feed.flags.c_contiguous else feed
        if isinstance(feed, SCALARS):
            return np.array([feed])
        if isinstance(feed, aclruntime.Tensor):
            return feed
        if hasattr(feed, "type") and hasattr(feed, "numpy"):
            return np.ascontiguousarray(feed.numpy())
        raise RuntimeError(f"type:{type(feed)} invalid")

    def _prepare(self, mode: str, shapes: Sequence[Sequence[int]], custom_sizes: Any) -> None:
        descs = self.get_inputs()
        if mode != "static" and len(shapes) != len(descs):
            raise RuntimeError("input datas and intensors nums not matched!")
        if mode == "static":
            self.session.set_staticbatch()
        elif mode == "dymbatch":
            sizes = [now for desc, shape in zip(descs, shapes) for own, now in zip(desc.shape, shape) if own < 0]
            if not sizes:
                raise RuntimeError("not a dymbatch model!")
            self.session.set_dynamic_batchsize(sizes[0])
        elif mode == "dymhw":
            for desc, shape in zip(descs, shapes):
                if len(desc.shape) == 4 and desc.shape[2] < 0 and desc.shape[3] < 0:
                    self.session.set_dynamic_hw(shape[2], shape[3])
                    return
            raise RuntimeError("not a dymhw model!")
        else:
            text = ";".join(
                "{}:{}".format(desc.name, ",".join(str(size) for size in shape)) for desc, shape in zip(descs, shapes)
            )
            if mode == "dymdims":
                self.session.set_dynamic_dims(text)
                return
            self.session.set_dynamic_shape(text)
            outputs = len(self.get_outputs())
            self.session.set_custom_outsize([custom_sizes] * outputs if isinstance(custom_sizes, int) else custom_sizes)


def _infer_in_process(model: str, device: int, feeds: Any, mode: str, sizes: Any, number: int, queue: Any) -> None:
    session = InferSession(device, model)
    start = time.time()
    outputs = session.infer(feeds, mode, sizes)
    queue.put((number, device, outputs, (time.time() - start) * 1000))
    session.free_resource()


class MultiDeviceSession:
    """One process for each list of feeds of each device."""

    def __init__(self, model_path: str, acl_json_path: str | None = None, debug: bool = False, loop: int = 1) -> None:
        del acl_json_path, debug, loop
        self.model_path = model_path
        self._times: dict[int, list[float]] = {}

    def summary(self) -> dict[int, list[float]]:
        """The wall times in ms by device."""
        return self._times

    def infer(self, device_feeds: dict[int, Any], mode: str = "static", custom_sizes: Any = 100000) -> dict[int, Any]:
        """The outputs by device, in the order of its feeds."""
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        jobs = [(device, feeds) for device, listed in device_feeds.items() for feeds in listed]
        processes = [
            context.Process(
                target=_infer_in_process, args=(self.model_path, device, feeds, mode, custom_sizes, number, queue)
            )
            for number, (device, feeds) in enumerate(jobs)
        ]
        for process in processes:
            process.start()
        answers = sorted((queue.get() for _ in jobs), key=lambda answer: answer[0])
        for process in processes:
            process.join()
        found: dict[int, Any] = {}
        self._times = {}
        for _, device, outputs, wall_ms in answers:
            found.setdefault(device, []).append(outputs)
            self._times.setdefault(device, []).append(wall_ms)
        return found


class MemorySummary:
    """The times of all copies of this process, in ms."""

    @staticmethod
    def get_h2d_time_list() -> list[float]:
        """Copies to the device."""
        return list(aclruntime.MemorySummary().H2D_time_list)

    @staticmethod
    def get_d2h_time_list() -> list[float]:
        """Copies from the device."""
        return list(aclruntime.MemorySummary().D2H_time_list)

    get_H2D_time_list = get_h2d_time_list  # noqa: N815 - the earlier name
    get_D2H_time_list = get_d2h_time_list  # noqa: N815

    @staticmethod
    def reset() -> None:
        """Forget all copies."""
        aclruntime.MemorySummary().reset()
