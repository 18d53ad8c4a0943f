"""Metrics: numbers from predictions and truths, each with ``update / merge / result``; no files, no models."""
