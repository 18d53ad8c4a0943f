"""Stages: the steps from hashed inputs to files, their order, their cache and the store of artifacts."""
