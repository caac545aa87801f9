"""Postgres: the only door to it."""
