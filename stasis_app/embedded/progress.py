"""What `pbx up` says while it works: one line per part."""

import time
from collections.abc import Iterable
from pathlib import Path

SLOW = 2.0  # seconds after which a part that is still starting is mentioned
TAIL = 15  # lines


class Progress:
    """Prints one line per event, `part: what happened`."""

    def say(self, part: str, message: str) -> None:
        print(f"  {part:<13} {message}", flush=True)

    def ready(self, part: str, since: float) -> None:
        """`since`: time.monotonic() of the start."""
        self.say(part, f"ready in {time.monotonic() - since:.1f} s")

    def failed(self, part: str, reason: str, log: Path) -> None:
        """Say which part, why, where its log is, and how the log ends."""
        self.say(part, f"FAILED: {reason}")
        self.say("", f"log: {log}")
        for line in last_lines(log):
            self.say("", f"| {line}")


class Silent(Progress):
    """For stacks that tests run in their own process."""

    def say(self, part: str, message: str) -> None:
        return


def last_lines(log: Path, count: int = TAIL) -> list[str]:
    """The end of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines with their columns under one another."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
