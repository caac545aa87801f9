"""Stories: what callers live through, told with the words of `call/`."""
