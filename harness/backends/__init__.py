"""Backends: turn an ONNX file into the device's format and run it."""
