"""The border: composing, validating and freezing configuration. Only ``compose`` and the launcher know Hydra."""
