"""A model family and a backend that an installed package adds to the harness."""
