"""Data sets: they yield items (model-ready samples and their truth) and say which of their files cannot be used."""
