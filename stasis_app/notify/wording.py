"""Names, times and lengths as they stand in a mail, in German and English."""

import re
import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from stasis_app.rules.numbers import is_anonymous
from stasis_app.rules.spoken import Language

UNWANTED = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode's categories of what shows nothing, breaks lines, turns the direction of a text round,
or has no meaning that everybody agrees on."""

LONGEST_NAME = 100

DAYS = {
    Language.DE: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    Language.EN: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}
MONTHS = {
    Language.DE: (
        [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ]
    ),
    Language.EN: (
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ]
    ),
}
UNKNOWN = {Language.DE: "Unbekannt", Language.EN: "unknown"}


def clean(text: str, most: int = LONGEST_NAME) -> str:
    """Return one line that shows what it is: what cannot be seen becomes a blank.

    Nor is anything left that a mail program would decode (RFC 2047).
    """
    shown = "".join(" " if unicodedata.category(one) in UNWANTED else one for one in text)
    return re.sub(r"\s+", " ", shown.replace("=?", "= ?")).strip()[:most].strip()


def number_of(caller: str, tongue: Language) -> str:
    """Return the number of a caller; of one who withholds it a word."""
    shown = clean(caller)
    return UNKNOWN[tongue] if not shown or is_anonymous(shown) else shown


def name_of(name: str, number: str) -> str:
    """Return the name of a caller; nothing for one that says no more than the number."""
    shown = clean(name)
    return "" if is_anonymous(shown) or shown == clean(number) else shown


def caller(name: str, number: str, tongue: Language) -> str:
    """Return who has called: `Anna Meier (+493012345)`."""
    shown, known = name_of(name, number), number_of(number, tongue)
    return f"{shown} ({known})" if shown else known


def moment(at: datetime, zone: ZoneInfo, tongue: Language) -> str:
    """Return a time with the name of its zone.

    `Mittwoch, 25. November 2026, 14:03 Uhr (Europe/Berlin, UTC+01:00)`
    """
    local = at.astimezone(zone)
    day, month = DAYS[tongue][local.weekday()], MONTHS[tongue][local.month - 1]
    date = f"{local.day}. {month}" if tongue is Language.DE else f"{local.day} {month}"
    time = f"{local:%H:%M} Uhr" if tongue is Language.DE else f"{local:%H:%M}"
    return f"{day}, {date} {local.year}, {time} ({_named(zone, local)})"


def length(seconds: float) -> str:
    """Return minutes and seconds, with hours if there are any: `0:42`, `1:02:03`."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _named(zone: ZoneInfo, local: datetime) -> str:
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    if not minutes:
        return str(zone) if str(zone) == "UTC" else f"{zone}, UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"{zone}, UTC{'+' if minutes > 0 else '-'}{hours:02}:{rest:02}"
