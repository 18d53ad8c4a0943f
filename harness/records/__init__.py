"""Records: the truth about every cell. Schema, reading, writing, provenance; no tracking, no tables."""
