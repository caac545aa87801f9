"""The voicemail boxes, found by the extension whose they are."""

from uuid import UUID

from . import rows_of_menus
from .models import Box
from .shelf import Numbered


class BoxShelf(Numbered[Box]):
    def __init__(self) -> None:
        super().__init__(rows_of_menus.box, lambda box: str(box.extension))

    def of(self, extension: UUID) -> Box | None:
        """Return the box of an extension, also one that is not active."""
        return self.at(str(extension))
