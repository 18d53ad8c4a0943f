"""What runs in another Python: a folder of its own, as Python puts a script's folder in front of its path."""
