"""Asterisk's door: the only package that speaks ARI."""
