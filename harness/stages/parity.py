"""Stage parity: torch, the exported and the simplified file must agree, or the cell fails before it is measured."""

from __future__ import annotations
