"""Asterisk's configuration files: `${PBX_NAME}` is replaced, everything else stays."""

import re
from collections.abc import Mapping
from pathlib import Path

_PLACEHOLDER = re.compile(r"\$\{(PBX_[A-Z0-9_]+)\}")


class UnknownPlaceholderError(Exception):
    """A file asks for a value that nobody provides."""


def render_directory(source: Path, target: Path, values: Mapping[str, str]) -> None:
    """Write every *.conf of `source` to `target`; files the source no longer has are removed."""
    rendered = {path.name: render(path, values) for path in sorted(source.glob("*.conf"))}
    target.mkdir(parents=True, exist_ok=True)
    for stale in set(target.glob("*.conf")) - {target / name for name in rendered}:
        stale.unlink()
    for name, text in rendered.items():
        path = target / name
        path.touch(mode=0o600)  # some hold passwords
        path.write_text(text)


def render(path: Path, values: Mapping[str, str]) -> str:
    """The text of one file. Raises UnknownPlaceholderError with the file, the line and the name."""
    lines = path.read_text().splitlines(keepends=True)
    return "".join(_render_line(line, values, f"{path}:{n}") for n, line in enumerate(lines, 1))


def _render_line(line: str, values: Mapping[str, str], place: str) -> str:
    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise UnknownPlaceholderError(f"{place}: nothing provides {match[0]}") from None

    return _PLACEHOLDER.sub(value, line)


def placeholders(source: Path) -> set[str]:
    """The names that the *.conf files of a directory ask for."""
    return {
        name for path in source.glob("*.conf") for name in _PLACEHOLDER.findall(path.read_text())
    }
