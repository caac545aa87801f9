"""From rows to models: menus, their keys, mailboxes and what they play (see `rows`)."""

import re
from typing import Any

from stasis_app.words import IvrAction, TargetType

from .columns import Bounds, Row, RowError, asked, target, target_of, text, within
from .models import Box, MailboxCounts, Media, Menu, MenuOption, Target

DIGIT_SECONDS = Bounds(1.0, 120.0, 5.0)
INTER_DIGIT_SECONDS = Bounds(0.2, 60.0, 2.0)
RETRIES = Bounds(0, 20, 3)
HANGUP = "hangup"
KEYS = re.compile(r"[0-9*#]{1,2}", re.ASCII)
WITHOUT_TARGET = (IvrAction.HANGUP, IvrAction.REPEAT)


def menu(row: Row) -> Menu:
    """Return the menu of a row of `ivr_menus`, with the problems found in it.

    Without a destination of its own an invalid key leads where a timeout leads.
    """
    problems: list[str] = []
    on_timeout = _way_out(row, "timeout_destination", problems)
    invalid = row["invalid_destination_type"]
    return Menu(
        id=row["id"],
        name=row["name"],
        welcome=row["welcome_prompt_id"],
        digit_seconds=within(row, "digit_timeout_seconds", DIGIT_SECONDS, problems),
        inter_digit_seconds=within(row, "inter_digit_seconds", INTER_DIGIT_SECONDS, problems),
        max_retries=int(within(row, "max_retries", RETRIES, problems)),
        invalid_prompt=row["invalid_prompt_id"],
        timeout_prompt=row["timeout_prompt_id"],
        on_timeout=on_timeout,
        on_invalid=_way_out(row, "invalid_destination", problems) if invalid else on_timeout,
        direct_dial=row["direct_dial"] is True,
        language=text(row["language"]),
        number=text(row["extension_number"]),
        hangs_up=row["timeout_destination_type"] == HANGUP,
        problems=tuple(problems),
    )


def menu_option(row: Row) -> MenuOption:
    keys, action = row["dtmf_digit"], IvrAction(row["action"])
    named = {**_columns(row, "destination"), "name": f"key {keys}"}
    if not KEYS.fullmatch(keys):
        raise RowError(named["name"], f"dtmf_digit '{keys}' is not one or two of 0-9, * and #")
    problems: tuple[str, ...] = ()
    leads_to: Target | None = None
    if action not in WITHOUT_TARGET:
        leads_to = target_of(named, TargetType(action), "destination", f"action {action}")
    elif row["destination_id"] or text(row["destination_number"]):
        problems = (f"action {action} leads nowhere: its destination is passed over",)
    return MenuOption(
        id=row["id"],
        menu=row["ivr_menu_id"],
        keys=keys,
        action=action,
        target=leads_to,
        pre_transfer_prompt=row["pre_transfer_prompt_id"],
        asked=asked(row),
        problems=problems,
    )


def box(row: Row) -> Box:
    return Box(
        id=row["id"],
        extension=row["extension_id"],
        number=row["number"],
        name=row["number"],
        active=row["active"],
        greeting=row["greeting_prompt_id"],
        busy_greeting=row["busy_greeting_prompt_id"],
        temporary_greeting=row["temporary_greeting_prompt_id"],
        name_prompt=row["name_prompt_id"],
        operator=text(row["operator_number"]),
        max_messages=row["max_messages"],
        mails=row["mails"],
        address=row["email_address"],
        pin_flaw=row["pin_flaw"],
    )


def mailbox_counts(row: Row) -> MailboxCounts:
    return MailboxCounts(row["id"], row["number"], row["unread"], row["read"])


def media(row: Row) -> Media:
    return Media(row["id"], row["name"], row["file_type"], text(row["record_code"]))


def _way_out(row: Row, column: str, problems: list[str]) -> Target | None:
    """Return the target of a column; None for `hangup`, and for one that can't be used."""
    if row[f"{column}_type"] == HANGUP:
        return None
    try:
        return target(row, column)
    except RowError as error:
        problems.append(f"{error}: the call ends there")
        return None


def _columns(row: Row, column: str) -> dict[str, Any]:
    return {key: row[key] for key in (f"{column}_id", f"{column}_number")}
