"""The pipeline of ais_bench: copying, computing and saving overlapped in the real library, one after the other here."""

from __future__ import annotations

import os
from typing import Any, Sequence

import numpy as np


def run_files(session: Any, infiles: Sequence[Sequence[Sequence[str]]], options: Any) -> None:
    """Run each list of files, one file an input, and save each output as ``<stem>_<index>.<format>``."""
    for number, files in enumerate(infiles):
        tensors = []
        for desc, names in zip(session.get_inputs(), files):
            given = [names] if isinstance(names, str) else list(names)
            if options.pure_infer_mode:
                from aclruntime._tensor import Tensor

                tensor = Tensor(np.zeros(desc.shape, dtype=desc.datatype.name))
                tensor.to_device(0)
            else:
                tensor = session.create_tensor_from_fileslist(desc, given)
            tensors.append(tensor)
        outputs = session.run([each.name for each in session.get_outputs()], tensors)
        for index, output in enumerate(outputs):
            output.to_host()
            if not options.output_dir:
                continue
            first = files[0] if isinstance(files[0], str) else files[0][0]
            stem = "pure_infer_data" if options.pure_infer_mode else os.path.basename(first).split(".")[0]
            name = os.path.join(options.output_dir, f"{stem}_{index}.{options.out_format.lower()}")
            array = np.array(output)
            if options.out_format == "NPY":
                np.save(name, array)
            elif options.out_format == "TXT":
                with open(name, "ab") as file:
                    np.savetxt(file, array.reshape(-1, array.shape[-1]))
            else:
                array.tofile(name)
        del number


def run_arrays(
    session: Any,
    names: Sequence[str],
    feeds_list: Sequence[Any],
    shapes_list: Sequence[Any],
    dymshape: bool,
    dymdims: bool,
) -> list[list[Any]]:
    """Run each list of feeds; the outputs are on the host."""
    made = []
    for feeds, shapes in zip(feeds_list, shapes_list):
        if dymshape or dymdims:
            text = ";".join(
                "{}:{}".format(desc.name, ",".join(str(size) for size in shape))
                for desc, shape in zip(session.get_inputs(), shapes)
            )
            (session.set_dynamic_shape if dymshape else session.set_dynamic_dims)(text)
        outputs = session.run(names, feeds)
        for output in outputs:
            output.to_host()
        made.append(outputs)
    return made
