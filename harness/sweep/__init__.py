"""The sweep: manifest, child processes, outcomes, rounds, progress. Knows no machine learning and no Hydra."""
