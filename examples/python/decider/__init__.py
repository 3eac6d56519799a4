"""A decider: decide.py says what it decides."""
