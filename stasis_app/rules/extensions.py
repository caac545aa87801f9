"""The extensions, found by their numbers, and by how those begin."""

from . import rows
from .models import Extension
from .shelf import Numbered


class ExtensionShelf(Numbered[Extension]):
    """Counts how the active extensions' numbers begin: to ask costs the same with any number."""

    def __init__(self) -> None:
        super().__init__(rows.extension, lambda extension: extension.number)
        self._beginnings: dict[str, int] = {}

    def dials(self, number: str) -> bool:
        """Return whether it is the number of an active extension."""
        found = self.at(number)
        return found is not None and found.active

    def begins(self, prefix: str) -> bool:
        """Return whether the number of an active extension begins so, and is longer."""
        return prefix in self._beginnings

    def offer(self, item: Extension) -> None:
        super().offer(item)
        for prefix in _beginnings(item):
            self._beginnings[prefix] = self._beginnings.get(prefix, 0) + 1

    def withdraw(self, item: Extension) -> None:
        super().withdraw(item)
        for prefix in _beginnings(item):
            self._beginnings[prefix] -= 1
            if not self._beginnings[prefix]:
                del self._beginnings[prefix]


def _beginnings(extension: Extension) -> list[str]:
    number = extension.number if extension.active else ""
    return [number[:length] for length in range(len(number))]
