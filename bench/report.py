"""Figures beside their aims, as a small table and as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured number; an `aim` is (least, most), either None where there is no bound."""

    part: str
    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool | None:
        """Return None where nothing is aimed at."""
        if self.least is None and self.most is None:
            return None
        high_enough = self.least is None or self.value >= self.least
        return high_enough and (self.most is None or self.value <= self.most)

    @property
    def aim(self) -> str:
        bounds = [("at least", self.least), ("at most", self.most)]
        return ", ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


def table(figures: Sequence[Figure]) -> str:
    verdicts = {True: "met", False: "MISSED", None: ""}
    lines = [
        f"  {f.name:52} {f.value:10.2f} {f.unit:8} {f.aim:18} {verdicts[f.met]}" for f in figures
    ]
    return "\n".join(line.rstrip() for line in lines)


def spread(
    part: str, name: str, seconds: Sequence[float], most: float | None = None
) -> Iterable[Figure]:
    """Give median and p99 in milliseconds, the latter with its bound."""
    if len(seconds) < 2:
        return
    yield Figure(part, f"{name}, median", quantile(seconds, 0.5) * 1000, "ms")
    yield Figure(part, f"{name}, p99", quantile(seconds, 0.99) * 1000, "ms", None, most)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all (whole percents) are below; nan without values."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def show(figures: Iterable[Figure]) -> None:
    """Print figures as lines of JSON, for the process that has started this one."""
    for figure in figures:
        print(json.dumps(asdict(figure)), flush=True)


def save(started: datetime, figures: Sequence[Figure], runs: Sequence[dict[str, Any]]) -> Path:
    """Write everything that was measured to results/, and return where."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{started:%Y%m%dT%H%M%SZ}.json"
    machine = {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_at_the_end": os.getloadavg(),
        "most_foreign": max((run["cost"]["foreign"] for run in runs), default=None),
    }
    described = [asdict(figure) | {"met": figure.met} for figure in figures]
    whole = {
        "started": started.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "machine": machine,
        "figures": described,
        "runs": runs,
    }
    path.write_text(json.dumps(whole, indent=1, default=str))
    return path
