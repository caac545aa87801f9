"""What a dialled number means."""

from collections.abc import Callable

from .models import Destination, DestinationKind, Extension

SEPARATORS = str.maketrans("", "", " -./()\t")


def dialled(raw: str) -> str:
    """Return the number without the marks people write between digits."""
    return raw.translate(SEPARATORS)


def meaning(raw: str, extension: Callable[[str], Extension | None]) -> Destination:
    """Return the destination that `raw` stands for; NOWHERE when no row knows the number.

    As it was dialled first: a row may have a number with a dash in it.
    """
    for number in (raw, dialled(raw)):
        found = extension(number)
        if found and not found.deleted:
            return Destination(DestinationKind.EXTENSION, number)
    return Destination(DestinationKind.NOWHERE, raw)
