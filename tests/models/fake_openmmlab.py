"""Writes tiny packages that stand in for mmcv and mmsegmentation: as much of them as the worker touches."""

from __future__ import annotations

from pathlib import Path

MMCV = """
__version__ = "1.7.0"

class Values(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__

def nested(value):
    return Values({key: nested(each) for key, each in value.items()}) if isinstance(value, dict) else value

class Config(Values):
    @staticmethod
    def fromfile(path):
        found = {}
        exec(open(path).read(), found)
        config = Config(nested({key: each for key, each in found.items() if not key.startswith("__")}))
        object.__setattr__(config, "_cfg_dict", dict(config))
        return config
"""

MODELS = """
import torch
from torch import nn
from torch.nn import functional as F

class EncoderDecoder(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.SyncBatchNorm(4), nn.ReLU())
        self.decode_head = nn.Conv2d(36, classes, 1)

    def encode_decode(self, image, metas):
        maps = torch.roll(self.backbone(image), shifts=(-1, 2), dims=(2, 3))
        pooled = F.adaptive_avg_pool2d(maps, (3, 5)) + F.adaptive_max_pool2d(maps, (3, 5))
        around = F.unfold(F.interpolate(pooled, size=(8, 8)), 3, padding=1).unflatten(-1, (8, 8))
        return F.interpolate(self.decode_head(around), size=image.shape[2:], mode="bilinear")

def build_segmentor(cfg, test_cfg=None):
    if cfg["type"] != "EncoderDecoder":
        raise KeyError(cfg["type"] + " is not in the models registry")
    assert "auxiliary_head" not in cfg and cfg["backbone"]["init_cfg"] is None
    return EncoderDecoder(cfg["decode_head"]["num_classes"])
"""

CONFIG = """
model = dict(
    type="EncoderDecoder",
    backbone=dict(init_cfg=dict(type="Pretrained", checkpoint="open-mmlab://nowhere")),
    decode_head=dict(num_classes=5),
    auxiliary_head=dict(num_classes=5),
    test_cfg=dict(mode="slide", crop_size=(16, 18), stride=(12, 10)))
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="MultiScaleFlipAug", img_scale=(64, 16), flip=False, transforms=[
        dict(type="Resize", keep_ratio=True),
        dict(type="RandomFlip"),
        dict(type="Normalize", mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], to_rgb=True),
        dict(type="ImageToTensor", keys=["img"]),
        dict(type="Collect", keys=["img"])])]
"""


def write(folder: Path) -> Path:
    """The packages below ``folder``, which is then to stand in PYTHONPATH; returns a configuration for them."""
    files = {
        "mmcv/__init__.py": MMCV,
        "mmseg/__init__.py": '__version__ = "0.30.0"',
        "mmseg/models/__init__.py": MODELS,
        "tiny.py": CONFIG,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "tiny.py"
