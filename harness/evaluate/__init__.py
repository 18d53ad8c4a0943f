"""The streaming evaluation: one loop for every task, its resume, its files mode, and what it shows."""
