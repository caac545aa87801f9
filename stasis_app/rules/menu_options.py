"""The keys of the menus, found by menu."""

from collections.abc import Mapping
from uuid import UUID

from . import rows_of_menus
from .models import MenuOption
from .shelf import Shelf


class OptionShelf(Shelf[MenuOption]):
    """Of two rows with the same keys in one menu the one with the lowest id has them."""

    def __init__(self) -> None:
        super().__init__(rows_of_menus.menu_option)
        self._by_menu: dict[UUID, dict[UUID, MenuOption]] = {}

    def of(self, menu: UUID) -> Mapping[str, MenuOption]:
        """Return the options of a menu by their keys."""
        found = self._by_menu.get(menu, {})
        return {found[identity].keys: found[identity] for identity in sorted(found, reverse=True)}

    def offer(self, item: MenuOption) -> None:
        self._by_menu.setdefault(item.menu, {})[item.id] = item

    def withdraw(self, item: MenuOption) -> None:
        options = self._by_menu[item.menu]
        del options[item.id]
        if not options:
            del self._by_menu[item.menu]
