"""PBX-X: a telephone exchange. Asterisk carries the calls, this application decides."""
