"""The data types of the interface: tensors, their descriptions, and the log of copies."""

from __future__ import annotations

import ctypes
import enum
from typing import Any

import numpy as np

from aclruntime._log import failure, log


class dtype(enum.Enum):  # noqa: N801 - the genuine name
    """The types of a tensor, as the genuine enumeration prints them: ``dtype.float32``."""

    uint8 = 4
    int8 = 2
    uint16 = 7
    int16 = 6
    uint32 = 8
    int32 = 3
    int64 = 9
    uint64 = 10
    float16 = 1
    float32 = 0
    float64 = 11
    bool = 12

    def __str__(self) -> str:
        return "dtype." + self.name


class tensor_desc:  # noqa: N801 - the genuine name
    """Name, type, shape (-1: open) and sizes in bytes of one input or output; ``format`` 2 is ND, 0 is NCHW."""

    def __init__(self, name: str = "", datatype: Any = None, shape: Any = (), size: int = 0) -> None:
        self.name = name
        self.datatype = datatype
        self.format = 0 if len(shape) == 4 else 2
        self.shape = list(shape)
        self.size = size
        self.realsize = size


class MemorySummary:
    """The times of all copies of this process, in ms; every instance is the same one, as in the library."""

    _h2d: list[float] = []
    _d2h: list[float] = []

    @property
    def H2D_time_list(self) -> list[float]:  # noqa: N802 - the genuine name
        """Copies to the device."""
        return MemorySummary._h2d

    @property
    def D2H_time_list(self) -> list[float]:  # noqa: N802 - the genuine name
        """Copies from the device."""
        return MemorySummary._d2h

    def reset(self) -> None:
        """Forget all copies."""
        MemorySummary._h2d = []
        MemorySummary._d2h = []


class BaseTensor:
    """Memory of the caller: its address and its size in bytes."""

    def __init__(self, buf: int, size: int) -> None:
        self.buf = buf
        self.size = size

    def content(self) -> bytes:
        """The bytes there now."""
        return ctypes.string_at(self.buf, self.size)


class Tensor:
    """An array on the host or on a device; ``numpy.array(tensor)`` copies it."""

    def __init__(self, array: Any) -> None:
        self._array = np.array(array, order="C")
        self._device: int | None = None
        self._timing: Any = None

    @property
    def shape(self) -> list[int]:
        """The sizes of its dimensions."""
        return list(self._array.shape)

    @property
    def device(self) -> int:
        """The device that it lies on, -1 for the host."""
        return -1 if self._device is None else self._device

    @property
    def dtype(self) -> Any:
        """The type of its elements."""
        return dtype[self._array.dtype.name]

    def to_device(self, device_id: int) -> None:
        """Copy it to the device."""
        from aclruntime._device import copied

        if self._device is None:
            MemorySummary._h2d.append(copied("h2d", self._array.nbytes))
        self._device = device_id

    def to_host(self) -> None:
        """Copy it to the host."""
        from aclruntime._device import copied

        if self._device is not None:
            MemorySummary._d2h.append(copied("d2h", self._array.nbytes))
        self._device = None

    def content(self) -> bytes:
        """Its bytes in C order."""
        return self._array.tobytes()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self._device is not None:
            log("ERROR", "tensor is on device, please call to_host first")
            raise failure(1004)
        return self._array.astype(dtype) if dtype is not None else self._array.copy()

    def __str__(self) -> str:
        where = "host" if self._device is None else f"device {self._device}"
        return f"<Tensor> shape:{tuple(self.shape)} dtype:{self._array.dtype.name} {where}"

    __repr__ = __str__


def on_device(array: Any, device_id: int) -> Tensor:
    """A tensor that was made on the device, without a copy."""
    made = Tensor.__new__(Tensor)
    made._array = array
    made._device = device_id
    made._timing = None
    return made
