"""Rows and models with nothing special about them but what a test says.

A row is what Postgres gives for a statement of `store/tables.py`; `place` is the number in its id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stasis_app.rules.book import TABLES, Book
from stasis_app.rules.models import Extension, Payer, Refuse
from stasis_app.rules.outbound import decide
from stasis_app.words import ExtensionStatus, ExtensionType

CALLEE = UUID(int=2)
CALLER = UUID(int=1)
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)  # a Wednesday, 11 o'clock in Berlin
PAST = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)

Row = dict[str, Any]

PLAIN = Extension(
    id=CALLEE,
    number="1002",
    type=ExtensionType.SIP,
    status=ExtensionStatus.ACTIVE,
    deleted=False,
    display_name="Ben",
    dnd=False,
    max_concurrent_calls=2,
    forward_unconditional=None,
    forward_on_busy=None,
    forward_on_no_answer=None,
    ring_seconds=20.0,
)

ROW: Mapping[str, Any] = {
    "id": CALLEE,
    "number": "1002",
    "extension_type": "sip",
    "status": "active",
    "deleted_at": None,
    "display_name": "Ben",
    "dnd_enabled": False,
    "max_concurrent_calls": 2,
    "forward_unconditional_enabled": False,
    "forward_unconditional_destination": None,
    "forward_on_busy_enabled": False,
    "forward_on_busy_destination": None,
    "forward_on_no_answer_enabled": False,
    "forward_on_no_answer_destination": None,
    "forward_on_no_answer_timeout": 20,
    "user_id": None,
    "allow_international": True,
    "allow_mobile": True,
    "outbound_caller_id": None,
    "outbound_calls_per_minute": None,
    "max_concurrent_outbound_calls": None,
    "voicemail_enabled": False,
}


def extension(**columns: Any) -> Extension:
    return replace(PLAIN, **columns)


def book(settings: Mapping[str, Any] | None = None, **tables: Sequence[Row]) -> Book:
    """Return a book with these settings and rows, as it is after the first reading."""
    return filled(tables, settings)


def filled(tables: Mapping[str, Sequence[Row]], settings: Mapping[str, Any] | None = None) -> Book:
    made = Book()
    made.change_settings(settings or {})
    for table in TABLES:
        made.place(table, made.fresh(table))
    for table, rows in tables.items():
        made.shelf(table).put(rows)
    return made


def extension_row(number: str, **columns: Any) -> Row:
    place = int("".join(filter(str.isdecimal, number)))
    return {**ROW, "id": UUID(int=place), "number": number, **columns}


def forwarding(kind: str, destination: str | None) -> Row:
    """Return the columns of a forward: unconditional, on_busy or on_no_answer."""
    return {f"forward_{kind}_enabled": True, f"forward_{kind}_destination": destination}


def user_row(place: int, **columns: Any) -> Row:
    plain: Row = {
        "role": "user",
        "status": "active",
        "deleted_at": None,
        "time_profile_id": None,
        "language": "de-DE",
        "timezone": "Europe/Berlin",
        "email": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def trunk_row(place: int, **columns: Any) -> Row:
    plain: Row = {
        "name": f"trunk{place}",
        "trunk_type": "static",
        "status": "active",
        "deleted_at": None,
        "host": f"192.0.2.{place}",
        "uri": f"sip:192.0.2.{place}:5060",
        "username": None,
        "credentials": None,
        "allowed_ips": None,
        "default_caller_id": f"+493010000{place:02d}",
        "did_ranges": None,
        "max_concurrent_calls": 10,
        "backup_trunk_id": None,
        "forwarded_caller_id": "own",
        "test_code": None,
        "outbound_calls_per_minute": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def inbound_row(place: int, did: str, **columns: Any) -> Row:
    """Return a rule `in<place>` that sends calls to extension 1001."""
    plain: Row = {
        "name": f"in{place}",
        "status": "active",
        "did_pattern": did,
        "trunk_id": None,
        "priority": 100,
        "time_profile_id": None,
        "caller_id_pattern": None,
        "destination_type": "extension",
        "destination_id": UUID(int=1001),
        "destination_number": None,
        "fallback_destination_type": None,
        "fallback_destination_id": None,
        "fallback_destination_number": None,
        "language": None,
        "queue_priority": None,
        "queue_skills": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def to_extension(number: str, column: str = "destination") -> Row:
    return {f"{column}_type": "extension", f"{column}_id": UUID(int=int(number))}


def to_row(kind: str, place: int, column: str = "destination") -> Row:
    """Return the columns that send calls to the row at a place."""
    return {
        f"{column}_type": kind,
        f"{column}_id": UUID(int=place),
        f"{column}_number": None,
    }


def to_external(number: str | None, column: str = "destination") -> Row:
    return {f"{column}_type": "external", f"{column}_id": None, f"{column}_number": number}


def outbound_row(place: int, pattern: str, **columns: Any) -> Row:
    """Return a rule `out<place>` over trunk 1."""
    plain: Row = {
        "name": f"out{place}",
        "status": "active",
        "number_pattern": pattern,
        "priority": 100,
        "strip_digits": 0,
        "prepend": None,
        "trunk_id": UUID(int=1),
        "caller_id_mode": "extension",
        "custom_caller_id": None,
        "allowed_for_roles": ["admin", "supervisor", "agent", "user"],
        "max_duration_seconds": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def profile_row(place: int, start: str = "09:00", end: str = "17:00", **columns: Any) -> Row:
    """Return a profile that is open on weekdays from `start` to `end` in Berlin."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    plain: Row = {
        "name": f"hours{place}",
        "timezone": "Europe/Berlin",
        "schedule": {day: [{"start": start, "end": end}] for day in days},
        "holidays": None,
        "override": "automatic",
        "override_code": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def blacklist_row(place: int, value: str, kind: str = "phone_number", **columns: Any) -> Row:
    plain = {"entry_type": kind, "value": value, "expires_at": None}
    return {"id": UUID(int=place), **plain, **columns}


def named_row(place: int, number: str | None = None, **columns: Any) -> Row:
    """Return a conference."""
    plain = {"name": f"named{place}", "extension_number": number, "active": True}
    return {"id": UUID(int=place), **plain, **columns}


def queue_row(place: int, number: str | None = None, **columns: Any) -> Row:
    """Return a queue `queue<place>` that ends the call of who is not served."""
    plain: Row = {
        "name": f"queue{place}",
        "extension_number": number,
        "strategy": "longest_idle",
        "status": "active",
        "deleted": False,
        "service_level_threshold_seconds": 20,
        "max_wait_time_seconds": 300,
        "music": "default",
        "welcome_prompt_id": None,
        "position_announcement_enabled": True,
        "position_announcement_interval_seconds": 30,
        "max_queue_size": 50,
        "wrap_up_time_seconds": 10,
        "overflow_action": "hangup",
        "overflow_destination_id": None,
        "overflow_destination_number": None,
        "callback_enabled": False,
        "priority": 0,
        "weight": 1,
        "ring_seconds": 20,
        "wait_announcement_enabled": True,
        "when_empty": "join",
        "exit_key": None,
        "exit_destination_type": None,
        "exit_destination_id": None,
        "exit_destination_number": None,
        "skill_relax_seconds": None,
        "redial_window_seconds": 0,
        "break_after_misses": 3,
        "agent_prompt_id": None,
        "callback_key": "1",
        "callback_tries": 3,
    }
    return {"id": UUID(int=place), **plain, **columns}


def to_overflow(action: str, place: int | None = None, number: str | None = None) -> Row:
    """Return the columns that send the calls of a queue on."""
    return {
        "overflow_action": action,
        "overflow_destination_id": UUID(int=place) if place else None,
        "overflow_destination_number": number,
    }


def member_row(place: int, queue: int, number: str, **columns: Any) -> Row:
    """Return the membership of an extension in a queue."""
    plain: Row = {
        "queue_id": UUID(int=queue),
        "extension_id": UUID(int=int(number)),
        "priority": 0,
        "penalty": 0,
        "skills": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def presence_row(place: int, number: str, queue: int | None = None, **columns: Any) -> Row:
    """Return what an agent has asked for: calls, since `PAST`."""
    plain: Row = {
        "extension_id": UUID(int=int(number)),
        "queue_id": UUID(int=queue) if queue else None,
        "wanted": "available",
        "wanted_reason": None,
        "wanted_at": PAST,
    }
    return {"id": UUID(int=place), **plain, **columns}


def menu_row(place: int, **columns: Any) -> Row:
    """Return a menu `menu<place>` that ends the call of who presses nothing."""
    plain: Row = {
        "name": f"menu{place}",
        "extension_number": None,
        "welcome_prompt_id": None,
        "digit_timeout_seconds": 5,
        "inter_digit_seconds": 2,
        "max_retries": 3,
        "invalid_prompt_id": None,
        "timeout_prompt_id": None,
        "timeout_destination_type": "hangup",
        "timeout_destination_id": None,
        "timeout_destination_number": None,
        "invalid_destination_type": None,
        "invalid_destination_id": None,
        "invalid_destination_number": None,
        "direct_dial": False,
        "language": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def option_row(place: int, menu: int, keys: str = "1", **columns: Any) -> Row:
    """Return an option of a menu that leads to extension 1001."""
    plain: Row = {
        "ivr_menu_id": UUID(int=menu),
        "dtmf_digit": keys,
        "action": "extension",
        "destination_id": None,
        "destination_number": "1001",
        "pre_transfer_prompt_id": None,
        "queue_priority": None,
        "queue_skills": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def box_row(place: int, number: str, **columns: Any) -> Row:
    """Return the box of an extension that can be opened from outside and sends no mail."""
    plain: Row = {
        "extension_id": UUID(int=int("".join(filter(str.isdecimal, number)))),
        "number": number,
        "active": True,
        "greeting_prompt_id": None,
        "busy_greeting_prompt_id": None,
        "temporary_greeting_prompt_id": None,
        "name_prompt_id": None,
        "operator_number": None,
        "max_messages": None,
        "mails": False,
        "email_address": None,
        "pin_flaw": None,
    }
    return {"id": UUID(int=place), **plain, **columns}


def counts_row(place: int, number: str, unread: int = 0, read: int = 0) -> Row:
    return {"id": UUID(int=place), "number": number, "unread": unread, "read": read}


def media_row(place: int, kind: str = "prompt", **columns: Any) -> Row:
    plain = {"name": f"media{place}", "file_type": kind, "record_code": None}
    return {"id": UUID(int=place), **plain, **columns}


ANNA = Payer(extension="1001")
ANY = outbound_row(9, ".")


def exchange(
    rules: Iterable[Row],
    owner: Row | None = None,
    trunks: Sequence[Row] = (trunk_row(1), trunk_row(2)),
    users: Sequence[Row] = (),
    **settings: Any,
) -> Book:
    """Return a book to call out with, from extension 1001, whose columns `owner` tells."""
    return book(
        {key.replace("__", "."): value for key, value in settings.items()},
        extensions=[extension_row("1001", **(owner or {}))],
        users=users,
        trunks=trunks,
        outbound_rules=list(rules),
    )


def call(made: Book, number: str, payer: Payer = ANNA) -> str:
    """Return the number that is dialled outside, or why none is."""
    outcome = decide(made, number, payer).outcome
    return outcome.reason if isinstance(outcome, Refuse) else outcome.number
