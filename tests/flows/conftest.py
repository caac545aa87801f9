"""Stories are told without a word about each hangup, and their dates are in virtual time."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from .clock import Clock, modules


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _virtual_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in list(modules()):
        monkeypatch.setattr(f"{module}.datetime", Clock)
