"""Tracking: fills MLflow from records, again and again without doubling anything. Reads records only.

``python -m harness.publish`` in a process of its own is how a sweep publishes; MLflow takes seconds
to import and is imported nowhere else.
"""
