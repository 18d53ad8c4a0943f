"""The shapes that a session runs at: those of the OM, or the profile or shape that was chosen."""

from __future__ import annotations

from typing import Any, Sequence

from aclruntime._log import failure, log


class Shapes:
    """The current shape of each input; ``is_open`` where the model was converted without fixed shapes or profiles."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._model = model
        self._own = {each["name"]: list(each["shape"]) for each in model["inputs"]}
        self._now = {name: list(shape) for name, shape in self._own.items()}
        self.is_open = self._dynamic() and not model["profiles"]

    def _dynamic(self) -> bool:
        return any(size < 1 for shape in self._own.values() for size in shape)

    def profiles(self, kind: str) -> list[Any]:
        """The profiles of a kind, none where the model has another or none."""
        return list(self._model["profiles"].get(kind, []))

    def of(self, name: str) -> list[int]:
        """The shape of an input now; -1 where it has not been chosen."""
        return self._now[name]

    def output(self, shape: Sequence[int]) -> list[int]:
        """The shape of an output now: an open first dimension follows the first input's."""
        first = next(iter(self._now.values()), [1])
        return [first[0] if index == 0 and size < 1 and first else size for index, size in enumerate(shape)]

    def scale(self) -> float:
        """How much more there is to compute than the OM's description says, which counts open dimensions once."""
        scale = 1.0
        for name, own in self._own.items():
            for size, now in zip(own, self._now[name]):
                if size < 1 and now > 0:
                    scale *= now
            return scale
        return scale

    def static(self) -> None:
        """Take the OM's own shapes."""
        self._now = {name: list(shape) for name, shape in self._own.items()}

    def batch(self, batchsize: int) -> None:
        """Fill the open dimensions with a profile of ``--dynamic_batch_size``."""
        self._demand("dynamic_batch_size", batchsize)
        self._fill([batchsize])

    def image(self, height: int, width: int) -> None:
        """Fill the two open dimensions with a profile of ``--dynamic_image_size``."""
        self._demand("dynamic_image_size", [height, width])
        self._fill([height, width])

    def dims(self, text: str) -> None:
        """Fill the open dimensions with a profile of ``--dynamic_dims``, given as whole shapes."""
        asked = self._read(text)
        opened = [size for name, own in self._own.items() for size, fixed in zip(asked.get(name, []), own) if fixed < 1]
        self._demand("dynamic_dims", opened)
        self._now = dict(self._now, **asked)

    def shape(self, text: str) -> None:
        """Set the shapes of a model with open ones."""
        if not self.is_open:
            log("ERROR", "set dynamic shape failed: the model is not dynamic shape model")
            raise failure(-1)
        self._now = dict(self._now, **self._read(text))

    def _demand(self, kind: str, value: Any) -> None:
        if value not in self.profiles(kind):
            log("ERROR", f"{kind}:{value} is not in the profiles {self.profiles(kind)} of the model")
            raise failure(-1)

    def _fill(self, values: list[int]) -> None:
        for name, own in self._own.items():
            left = list(values)
            self._now[name] = [size if size > 0 else (left.pop(0) if len(left) > 1 else left[0]) for size in own]

    def _read(self, text: str) -> dict[str, list[int]]:
        found = {}
        for part in text.split(";"):
            name, _, sizes = part.rpartition(":")
            own = self._own.get(name)
            shape = [int(size) for size in sizes.split(",")]
            if own is None or len(own) != len(shape):
                log("ERROR", f"shape {part} does not fit the inputs of the model")
                raise failure(-1)
            if any(fixed > 0 and fixed != size for fixed, size in zip(own, shape)):
                log("ERROR", f"shape {part} does not fit {own}")
                raise failure(-1)
            found[name] = shape
        return found
