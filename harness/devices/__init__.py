"""Devices: who they are, their versions, and one reading of their state."""

from harness.devices.registry import conditions, describe, detect, present, reader, trouble

__all__ = ["conditions", "describe", "detect", "present", "reader", "trouble"]
