"""The commands: one module each, all reading their arguments the same way."""
