"""A small home with a store and records: made up, as stages and sweeps would leave it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from harness.records.schema import Artifact
from harness.stages.store import Entry, Store


@dataclass(frozen=True)
class Home:
    """``NAME.onnx`` made by a stage with a key of its own, used at a time in seconds since 1970."""

    root: Path

    @property
    def store(self) -> Store:
        return Store(self.root / "store")

    def make(self, content: str, used_s: float, stage: str = "export") -> Artifact:
        with self.store.workspace() as folder:
            (folder / "made.onnx").write_text(content)
            artifact = self.store.put(folder / "made.onnx")
        self.store.save(stage, self.key(content), Entry(artifacts={"exported": artifact}))
        for path in (self.store.path(artifact), self.key_path(content, stage)):
            os.utime(path, (used_s, used_s))
        return artifact

    @staticmethod
    def key(content: str) -> str:
        return content.encode().hex().ljust(64, "0")[:64]

    def key_path(self, content: str, stage: str = "export") -> Path:
        return self.root / "store" / "keys" / stage / f"{self.key(content)}.json"

    def record(self, name: str, *hashes: str) -> Path:
        path = self.root / "records" / name / "record.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"artifacts": hashes}))
        return path

    def step(self, name: str, *hashes: str) -> Path:
        path = self.root / "records" / name / "steps" / "convert.request.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"inputs": hashes}))
        return path

    def leave(self, name: str, used_s: float) -> Path:
        folder = self.root / "store" / name
        folder.mkdir(parents=True)
        (folder / "half").write_bytes(b"12345")
        for path in (folder / "half", folder):
            os.utime(path, (used_s, used_s))
        return folder

    def served(self, content: str, stage: str = "export") -> bool:
        return self.store.lookup(stage, self.key(content), using=False) is not None
