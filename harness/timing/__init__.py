"""Timing: the bare measured loop, warm-up and statistics. Numbers only."""
