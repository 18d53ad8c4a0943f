"""The harness's Hydra plug-ins: launcher, sweeper and search path. Imported at every start, so they import little."""
