"""Networks: what a model's YAML options build, and how its weights are loaded."""
