"""What went wrong in an OpenMMLab environment, in one line: the package, its version, and the line that installs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO, Any

from harness.errors import ConfigError, HarnessError, OutOfMemoryError, UnsupportedError

MMCV = "'mmcv-full==1.7.0' --no-build-isolation"
INSTALLS = {
    "mmcv": MMCV,
    "mmcv._ext": MMCV,
    "mmcv.ops": MMCV,
    "mmseg": "'mmsegmentation==0.30.0'",
    "mmaction": "'mmaction2==0.24.1'",
    "mmcls": "'mmcls==0.25.0'",
    "cv2": "'opencv-python-headless<5'",
    "pkg_resources": "'setuptools<81'",
    "torch": "torch torchvision",
    "yaml": "pyyaml",
    "PIL": "pillow",
}
"""By the module that cannot be imported, what installs it, where that is not its own name."""

SYMPTOMS = (
    (r"used but incompatible", MMCV),
    (r"libGL|libgthread", "'opencv-python-headless<5'"),
    (r"undefined symbol|_ext.*cannot open", f"--force-reinstall --no-deps --no-cache-dir {MMCV}"),
    (r"numpy.*has no attribute|NumPy 1\.x|_ARRAY_API|numpy\.core\.multiarray", "'numpy<2'"),
    (r"torchvision::nms", "a torchvision that belongs to this torch"),
    (r"[Oo]nnx is not installed|[Oo]nnxscript is not installed", "onnx"),
)
"""What the words of a failed import look like, and what installs a remedy."""

NAMED = {"mmcv": "mmcv-full", "mmseg": "mmsegmentation", "mmaction": "mmaction2"}
"""What modules are called when they are installed."""
DOCUMENT = "docs/openmmlab.md"


def explained(failure: Mapping[str, Any], python: str, config: str, checkpoint: str | None) -> HarnessError:
    """The error for a failure as the worker answers it (``kind``, ``words``, ``package``, ``versions``)."""
    kind, words = failure["kind"], failure.get("words", "")
    package, versions = failure.get("package", ""), failure.get("versions", {})
    has = _listed(versions)
    if kind == "import":
        mend = remedy(package, words, python)
        return ConfigError(f"openmmlab.python={python}: cannot import {package} ({words}; it has {has}): {mend}")
    if kind == "mmcv2":
        return ConfigError(
            f"openmmlab.python={python}: mmcv {versions.get('mmcv', '2.x')} is of the line 2.x, and configurations of "
            f"mmsegmentation 0.x and mmaction2 0.x need mmcv-full 1.x: {python} -m pip uninstall mmcv; "
            f"{python} -m pip install {MMCV}"
        )
    if kind == "config":
        return ConfigError(f"model.config={config}: {words}")
    if kind == "registry":
        return ConfigError(
            f"model.config={config}: {words} of {NAMED.get(package, package)} {versions.get(package, '')} (it has "
            f"{has}); the configuration belongs to another version or repository, whose package it must import "
            "(custom_imports)"
        )
    if kind == "checkpoint":
        return HarnessError(f"model.checkpoint={checkpoint}: {words}; give a .pth file of {config}")
    if kind == "memory":
        return OutOfMemoryError(f"model.config={config}: too little memory in its interpreter ({words})")
    if kind == "export":
        return UnsupportedError(
            f"model.config={config}: torch {versions.get('torch', '')} cannot export it ({words})",
            hint="another export.opset may have what is missing (export.opset=13), where the device's tools read it",
        )
    return HarnessError(
        f"model.config={config}: it fails in {python} ({words}; it has {has}); the step's log has the traceback",
        reason="openmmlab_environment",
    )


def remedy(package: str, words: str, python: str) -> str:
    """The line that installs what an import misses: by the module that is named in ``words``, else by what they say."""
    install = f"{python} -m pip install"
    missing = re.search(r"No module named '([\w.]+)'", words)
    if missing:
        module = missing[1]
        top = module.partition(".")[0]
        if module.startswith(("mmcv._ext", "mmcv.ops")):
            return (
                f"mmcv is there without its compiled operators, which only mmcv-full has: {python} -m pip uninstall "
                f"mmcv; {install} {MMCV}"
            )
        return f"{install} {INSTALLS.get(module) or INSTALLS.get(top, top)}"
    for pattern, what in SYMPTOMS:
        if re.search(pattern, words):
            return f"{install} {what}"
    return f"{install} {INSTALLS.get(package.partition('.')[0], package)}, or see {DOCUMENT}"


def last_words(log: IO[bytes]) -> str:
    """The last line that the interpreter printed."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{NAMED.get(name, name)} {version}" for name, version in versions.items()) or "nothing of them"
