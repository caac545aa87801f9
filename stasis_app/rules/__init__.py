"""Decisions: pure functions, no await, no I/O."""
