"""Devices: who they are, their versions, and one reading of their state."""
