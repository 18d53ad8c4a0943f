"""Report: tables for people, from records only."""
