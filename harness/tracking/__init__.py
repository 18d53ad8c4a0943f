"""Tracking: fills MLflow from records, idempotently. Reads records only."""
