"""The configuration in memory, as rules ask it. Who keeps it true is not its concern.

Answers come at once and cost the same with ten rows as with a hundred thousand.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from stasis_app.words import TargetType

from . import rows, rows_of_menus, rows_of_queues
from .blacklist import BlacklistShelf
from .extensions import ExtensionShelf
from .inbound_rules import InboundShelf
from .members import MemberShelf, PresenceShelf
from .menu_options import OptionShelf
from .models import (
    Box,
    Contact,
    Extension,
    MailboxCounts,
    Media,
    Menu,
    Named,
    Payer,
    Target,
    Trunk,
    User,
)
from .numbers import forms
from .outbound_rules import OutboundShelf
from .queues import Queue
from .shelf import Numbered, Shelf
from .system_settings import SystemSettings
from .times import TimeProfile, is_open
from .voicemail_boxes import BoxShelf

NAMED_TABLES: dict[TargetType, str] = {TargetType.CONFERENCE: "conferences"}


class Book:
    """A shelf for each table under its name, the settings, and who is registered now."""

    extensions: ExtensionShelf
    users: Shelf[User]
    trunks: Numbered[Trunk]
    inbound_rules: InboundShelf
    outbound_rules: OutboundShelf
    time_profiles: Numbered[TimeProfile]
    blacklist: BlacklistShelf
    queues: Numbered[Queue]
    queue_members: MemberShelf
    agent_states: PresenceShelf
    conferences: Numbered[Named]
    ivr_menus: Numbered[Menu]
    ivr_menu_options: OptionShelf
    voicemail_boxes: BoxShelf
    mailbox_counts: Shelf[MailboxCounts]
    media_files: Numbered[Media]

    def __init__(self) -> None:
        self.settings = SystemSettings({})
        self.contacts_of: dict[UUID, Sequence[Contact]] = {}
        for table in TABLES:
            self.place(table, self.fresh(table))

    def fresh(self, table: str) -> Shelf[Any]:
        """Return an empty shelf for a table, to be filled and then put in its place."""
        return TABLES[table](self.settings)

    def place(self, table: str, shelf: Shelf[Any]) -> None:
        setattr(self, table, shelf)

    def shelf(self, table: str) -> Shelf[Any]:
        found: Shelf[Any] = getattr(self, table)
        return found

    def change_settings(self, values: Mapping[str, Any]) -> None:
        self.settings = SystemSettings(values)

    # what calls ask

    def extension(self, number: str) -> Extension | None:
        """Return the extension of that number, also an inactive or deleted one."""
        return self.extensions.at(number)

    def contacts(self, extension: UUID) -> Sequence[Contact]:
        """Return the phones registered now."""
        return self.contacts_of.get(extension, ())

    def number(self, key: str, default: float) -> float:
        """Return a setting that is a number of 0 or more, else `default`."""
        return self.settings.number(key, default)

    def user_of(self, extension: Extension | None) -> User | None:
        return self.users.get(extension.user) if extension else None

    def trunk_of(self, endpoint: str) -> Trunk | None:
        """Return the trunk that Asterisk knows by this name."""
        return self.trunks.at(endpoint)

    def owner(self, payer: Payer) -> Extension | None:
        return self.extension(payer.extension) if payer.extension else None

    def forms(self, number: str) -> tuple[str, ...]:
        return forms(number, self.settings.country)

    def is_closed(self, profile: UUID | None, at: datetime) -> bool:
        """Return whether the time profile is closed; without one that can be used it never is."""
        found = self.time_profiles.get(profile)
        return found is not None and not is_open(found, at)

    def is_welcome(self, caller: Sequence[str]) -> bool:
        """Return whether a caller's number, in any of its forms, is on the white list."""
        return self.settings.white_list.find(caller) is not None

    def box_of(self, extension: Extension | None) -> Box | None:
        """Return the box of an extension, if messages can be left there: both are active."""
        if extension is None or not (extension.active and extension.voicemail):
            return None
        found = self.voicemail_boxes.of(extension.id)
        return found if found and found.active else None

    def box(self, target: Target) -> Box | None:
        """Return the box that a target means, by its own id or by its extension."""
        if target.id is None:
            return self.box_of(self.extension(target.number or ""))
        found = self.voicemail_boxes.get(target.id)
        return self.box_of(self.extensions.get(found.extension if found else target.id))

    def named(self, target: Target) -> Named | None:
        """Return the conference that a target means; None if there is none."""
        table = NAMED_TABLES.get(target.type)
        found: Named | None = self.shelf(table).get(target.id) if table else None
        return found


def _named(number: str, _: SystemSettings) -> Numbered[Named]:
    return Numbered(partial(rows.named, number=number), lambda row: row.number)


TABLES: dict[str, Callable[[SystemSettings], Shelf[Any]]] = {
    "extensions": lambda _: ExtensionShelf(),
    "users": lambda _: Shelf(rows.user),
    "trunks": lambda settings: Numbered(
        partial(rows.trunk, country=settings.country), lambda trunk: trunk.endpoint
    ),
    "inbound_rules": InboundShelf,
    "outbound_rules": lambda _: OutboundShelf(),
    "time_profiles": lambda _: Numbered(rows.time_profile, lambda profile: profile.code),
    "blacklist": BlacklistShelf,
    "queues": lambda _: Numbered(rows_of_queues.queue, lambda queue: queue.number),
    "queue_members": lambda _: MemberShelf(),
    "agent_states": lambda _: PresenceShelf(),
    "conferences": partial(_named, "extension_number"),
    "ivr_menus": lambda _: Numbered(rows_of_menus.menu, lambda menu: menu.number),
    "ivr_menu_options": lambda _: OptionShelf(),
    "voicemail_boxes": lambda _: BoxShelf(),
    "mailbox_counts": lambda _: Shelf(rows_of_menus.mailbox_counts),
    "media_files": lambda _: Numbered(rows_of_menus.media, lambda media: media.record_code),
}

# what their rows mean depends on the country whose national numbers they hold
COUNTRY_TABLES = ("trunks", "inbound_rules", "blacklist")
