"""Describes and exports OpenMMLab's networks in the Python that has them: 3.7 to 3.13, torch 1.8 on, mmcv-full 1.x.

``python export_worker.py REQUESTS ANSWERS``: two file descriptors that carry one JSON document a line. ``describe``
reads a configuration, which is Python and runs as such; ``build`` makes its network and names the parameters;
``export`` fills them, computes reference outputs and writes the graph. A failure is answered as ``{"failure": ...}``.
Nothing of the harness is imported; the two files beside this one depend on torch alone, like it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
import warnings
from typing import Any, Dict, List, Optional

LIBRARIES = {"mmseg": "segmentors", "mmaction": "recognisers"}
HERE = os.path.dirname(os.path.abspath(__file__))


class Refused(Exception):
    """What the user can mend: ``kind`` says where it happened, ``facts`` what is known."""

    def __init__(self, kind: str, words: str, **facts: Any) -> None:
        super().__init__(words)
        self.facts = dict(facts, kind=kind, words=" ".join(words.split()))


def imported(name: str) -> Any:
    """A module of the environment; whatever its import raises (AssertionError for versions, OSError) is a refusal."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        traceback.print_exc()
        words = "{}: {}".format(type(error).__name__, error)
        raise Refused("import", words, package=name, versions=versions()) from error


def beside(name: str) -> Any:
    """A file that lies beside this one, as a module."""
    specification = importlib.util.spec_from_file_location(name, os.path.join(HERE, name + ".py"))
    if specification is None or specification.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def versions() -> Dict[str, str]:
    """Versions of what is imported so far; ``python`` is always there."""
    found = {"python": sys.version.split()[0]}
    for name in ("torch", "torchvision", "numpy", "mmcv", *LIBRARIES):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found[name] = str(version)
    return found


def read_config(path: str) -> Any:
    """The configuration as mmcv reads it, bases included."""
    mmcv = imported("mmcv")
    if not hasattr(mmcv, "Config"):
        raise Refused("mmcv2", "mmcv has no Config", package="mmcv", versions=versions())
    try:
        config = mmcv.Config.fromfile(path)
    except ImportError as error:
        raise Refused("config", "it imports what is not there ({})".format(error)) from error
    except Exception as error:
        raise Refused("config", "{}: {}".format(type(error).__name__, error)) from error
    if not isinstance(config.get("model"), dict) or "type" not in config.model:
        raise Refused("config", "it has no model with a type")
    newer = [key for key in ("default_scope", "test_dataloader", "test_evaluator") if key in config]
    if newer or "data_preprocessor" in config.model:
        named = ", ".join(newer) or "model.data_preprocessor"
        raise Refused(
            "config",
            "it is of OpenMMLab's newer line ({}); those of mmsegmentation 0.x and mmaction2 0.x are read".format(
                named
            ),
        )
    return config


def library_of(config: Any) -> str:
    """``mmseg`` or ``mmaction``: whose classes the model's type belongs to."""
    kind = str(config.model["type"]).split(".")[-1]
    if "Recognizer" in kind:
        return "mmaction"
    if "EncoderDecoder" in kind or "decode_head" in config.model:
        return "mmseg"
    raise Refused(
        "config",
        "its model is a {}; segmentors of mmsegmentation and recognisers of mmaction2 are exported".format(kind),
    )


def plain(value: Any) -> Any:
    """A configuration's value as JSON: what JSON has no word for, as Python prints it."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)


def describe(path: str) -> Dict[str, Any]:
    """What the configuration says of its network and of the data that it wants."""
    config = read_config(path)
    library = library_of(config)
    imported("torch")
    imported(library + ".models")
    model = config.model
    heads = model.get("decode_head") or model.get("cls_head") or {}
    head = heads[-1] if isinstance(heads, (list, tuple)) else heads
    data = config.get("data") or {}
    steps: Any = (data.get("test") or {}).get("pipeline") or config.get("test_pipeline") or []
    training: Any = (data.get("train") or {}).get("pipeline") or config.get("train_pipeline") or []
    crops = [each.get("crop_size") for each in training if isinstance(each, dict) and each.get("type") == "RandomCrop"]
    text = json.dumps(plain(dict(config._cfg_dict)), sort_keys=True)  # pretty_text needs an old yapf
    return {
        "library": library,
        "type": str(model["type"]),
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "versions": versions(),
        "num_classes": head.get("num_classes"),
        "test_cfg": plain(dict(model.get("test_cfg") or config.get("test_cfg") or {})),
        "pipeline": plain(steps),
        "crop_size": plain(config.get("crop_size") or next(iter(crops), None)),
    }


def without_pretraining(value: Any) -> None:
    """Take out of a model's configuration what would download weights, in place."""
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        without_pretraining(each)
    if isinstance(value, dict):
        if isinstance(value.get("pretrained"), str):
            value["pretrained"] = None
        initial = value.get("init_cfg")
        if isinstance(initial, dict) and initial.get("type") == "Pretrained":
            value["init_cfg"] = None


def build(path: str) -> Any:
    """The network in eval mode, its training-only head left out, as a module from pictures or views to scores."""
    config = read_config(path)
    library = library_of(config)
    torch, models = imported("torch"), imported(library + ".models")
    without_pretraining(config.model)
    config.model.train_cfg = None
    config.model.pop("auxiliary_head", None)
    if library == "mmaction":
        register_swin3d(config.model)
    make = getattr(models, "build_segmentor" if library == "mmseg" else "build_model")
    try:
        network = make(config.model, test_cfg=config.get("test_cfg"))
    except KeyError as error:
        raise Refused("registry", str(error.args[0]), package=library, versions=versions()) from error
    except ImportError as error:
        raise Refused("import", str(error), package=library, versions=versions()) from error
    network = beside("exporter_gaps").plain_norms(torch, network).eval().requires_grad_(False)

    class Scores(torch.nn.Module):  # type: ignore[misc, name-defined]
        """One tensor in, one tensor out."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, data: Any) -> Any:
            if library == "mmseg":
                return self.network.encode_decode(data, None)
            return self.network.forward_dummy(data)[0]

    return Scores().eval()


def register_swin3d(model: Dict[str, Any]) -> None:
    """Give mmaction2 the backbone of the Video-Swin-Transformer repository, where it has none and one is asked for."""
    registry = importlib.import_module("mmaction.models.builder").BACKBONES
    if (model.get("backbone") or {}).get("type") == "SwinTransformer3D" and "SwinTransformer3D" not in registry:
        registry.register_module(module=beside("swin_transformer3d").SwinTransformer3D)


def read_checkpoint(torch: Any, path: str) -> Dict[str, Any]:
    """Tensors by name and the data set that they were trained on; nothing in the file is run where torch can do so."""
    safe = {"weights_only": True} if "weights_only" in inspect.signature(torch.load).parameters else {}
    try:
        loaded = torch.load(path, map_location="cpu", **safe)
    except Exception as error:
        raise Refused("checkpoint", "it cannot be read ({})".format(str(error).split("\n")[0])) from error
    loaded = loaded if isinstance(loaded, dict) else {}
    tensors = loaded.get("state_dict", loaded)
    meta = loaded.get("meta")
    named = {name: value for name, value in tensors.items() if hasattr(value, "shape")}
    if not named or len(named) != len(tensors):
        raise Refused("checkpoint", "it holds no state_dict")
    if all(name.startswith("module.") for name in named):
        named = {name[len("module.") :]: value for name, value in named.items()}
    return {"tensors": named, "dataset": meta.get("dataset") if isinstance(meta, dict) else None}


def write_graph(torch: Any, network: Any, data: Any, request: Dict[str, Any]) -> None:
    """Trace the network with TorchScript's exporter, static shapes and constants folded."""
    legacy = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings(), beside("exporter_gaps").gaps_filled(torch, request["opset"]):
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                network,
                (data,),
                request["target"],
                input_names=request["inputs"],
                output_names=request["outputs"],
                opset_version=request["opset"],
                **legacy,
            )
        except MemoryError:
            raise
        except Exception as error:
            traceback.print_exc()
            if "is not installed" in str(error) or isinstance(error, ImportError):
                raise Refused("import", str(error), package="onnx", versions=versions()) from error
            raise Refused("export", str(error).strip().split("\n")[0], versions=versions()) from error


def export(torch: Any, network: Any, tensors: Optional[Dict[str, Any]], request: Dict[str, Any]) -> None:
    """Fill the network, keep what torch computes for the first samples, write the graph."""
    numpy = imported("numpy")
    if tensors is None:
        with numpy.load(request["weights"]) as stored:
            tensors = {name: torch.from_numpy(stored[name]) for name in stored.files}
    network.network.load_state_dict(tensors, strict=False)
    with torch.no_grad():
        if request["reference"]:
            with numpy.load(request["samples"]) as stored:
                samples = stored[stored.files[0]]
            rows = [network(torch.from_numpy(samples[at : at + 1])).numpy() for at in range(len(samples))]
            numpy.savez(request["reference"], numpy.concatenate(rows))
        with numpy.load(request["data"]) as stored:
            data = torch.from_numpy(stored[stored.files[0]])
        write_graph(torch, network, data, request)


def serve(requests: Any, answer: Any) -> None:
    """Answer requests until there are none."""
    network: Any = None
    tensors: Optional[Dict[str, Any]] = None
    for line in requests:
        request = json.loads(line)
        if request["do"] == "describe":
            answer(describe(request["config"]))
        elif request["do"] == "build":
            network = build(request["config"])
            read = read_checkpoint(sys.modules["torch"], request["checkpoint"]) if request["checkpoint"] else {}
            tensors = read.get("tensors")
            state = network.network.state_dict()
            answer(
                {
                    "parameters": {name: list(value.shape) for name, value in state.items()},
                    "floating": [name for name, value in state.items() if value.is_floating_point()],
                    "checkpoint": {name: list(value.shape) for name, value in (tensors or {}).items()},
                    "dataset": read.get("dataset") if isinstance(read.get("dataset"), str) else None,
                    "versions": versions(),
                }
            )
        else:
            export(sys.modules["torch"], network, tensors, request)
            answer({"ok": True})


def main(arguments: List[str]) -> int:
    """Serve; the last answer of a failure is ``{"failure": {...}}``."""
    with os.fdopen(int(arguments[1]), "w") as answers, os.fdopen(int(arguments[0])) as requests:

        def answer(document: Dict[str, Any]) -> None:
            answers.write(json.dumps(document) + "\n")
            answers.flush()

        try:
            serve(requests, answer)
        except Refused as error:
            answer({"failure": error.facts})
            return 1
        except Exception as error:
            traceback.print_exc()
            words = "{}: {}".format(type(error).__name__, str(error).strip().split("\n")[0])
            memory = isinstance(error, MemoryError) or "can't allocate memory" in str(error)
            answer({"failure": {"kind": "memory" if memory else "bug", "words": words, "versions": versions()}})
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
