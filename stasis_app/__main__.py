"""The `pbx` command. A sub-command imports what it needs, so that `pbx down` is quick."""

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stasis_app.settings import (
    DatabaseSettings,
    DatabaseUrl,
    ObjectStoreSettings,
    Settings,
    SettingsError,
    load,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command; the result is the exit code (2: wrong arguments or environment)."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except SettingsError as error:
        print(f"pbx: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pbx", description="A telephone exchange.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start the whole stack on this machine")
    _add_state(up)
    up.add_argument("--port-base", type=_port_base, default=15000, metavar="N", help="N..N+999")
    up.add_argument("--detach", action="store_true", help="return once the stack is ready")
    up.add_argument("--no-demo", action="store_true", help="leave a new database empty")
    up.set_defaults(command=_up)

    down = commands.add_parser("down", help="stop the stack of a state directory")
    _add_state(down)
    down.set_defaults(command=_down)

    run = commands.add_parser("run", help="run the application (settings: PBX_* variables)")
    run.set_defaults(command=_run)

    migrate = commands.add_parser("migrate", help="bring the database to the newest schema")
    migrate.add_argument("--down-to", metavar="VERSION", help="roll back what is newer")
    migrate.set_defaults(command=_migrate)

    explain = commands.add_parser("explain", help="say what would happen to a call, and why")
    _add_database(explain)
    explain.add_argument("--to", required=True, metavar="NUMBER", help="the number that is called")
    explain.add_argument("--from", required=True, dest="caller", metavar="NUMBER")
    explain.add_argument("--trunk", metavar="NAME", help="the trunk that delivers the call")
    explain.add_argument(
        "--at",
        type=_instant,
        metavar="TIME",
        help="e.g. 2026-12-24T18:30+01:00; without an offset it is this machine's time; else now",
    )
    explain.set_defaults(command=_explain)

    media = commands.add_parser("media", help="audio files: prompts, music on hold")
    _add_media(media.add_subparsers(required=True, metavar="ACTION"))

    check = commands.add_parser("check", help="list what is wrong with the configuration")
    _add_database(check)
    check.set_defaults(command=_check)
    return parser


def _add_media(actions: Any) -> None:
    add = actions.add_parser("add", help="convert an audio file and store it")
    _add_database(add)
    add.add_argument("file", type=Path, metavar="FILE", help="WAV, FLAC, OGG, MP3 …")
    add.add_argument("--name", required=True, help="what people call it")
    add.add_argument("--type", required=True, choices=["prompt", "moh", "greeting", "other"])
    add.add_argument("--description", metavar="TEXT", help="e.g. the words that are spoken")
    add.set_defaults(command=_media_add)

    listing = actions.add_parser("list", help="list the audio files")
    _add_database(listing)
    listing.set_defaults(command=_media_list)


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, default=Path(".state"), metavar="DIR")


def _add_database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="ask the stack that runs in DIR, instead of PBX_DATABASE_URL (or else .state)",
    )


def _database(arguments: argparse.Namespace) -> str:
    """Return the DSN. Raises SettingsError when neither the environment nor a stack has one."""
    settings = load(DatabaseUrl)
    if settings.database_url and arguments.state is None:
        return settings.database_url.get_secret_value()
    state = arguments.state or Path(".state")
    try:
        return str(json.loads((state / "stack.json").read_text())["database_url"])
    except FileNotFoundError:
        nothing = f"no stack runs in {state} (--state DIR names another)"
        raise SettingsError(f"{nothing}, and PBX_DATABASE_URL is not set") from None


def _object_store(arguments: argparse.Namespace) -> ObjectStoreSettings:
    """Return the object store that belongs to `_database`. Raises SettingsError likewise."""
    if load(DatabaseUrl).database_url and arguments.state is None:
        return load(ObjectStoreSettings)
    stack = json.loads(((arguments.state or Path(".state")) / "stack.json").read_text())
    return ObjectStoreSettings(**{f"s3_{name}": value for name, value in stack["s3"].items()})


def _port_base(text: str) -> int:
    number = int(text)
    if not 1024 <= number <= 64536:  # noqa: PLR2004  N..N+999 must be ports anyone may open
        raise argparse.ArgumentTypeError("must lie between 1024 and 64536")
    return number


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"'{text}' is no time like 2026-12-24T18:30") from None


def _up(arguments: argparse.Namespace) -> int:
    from stasis_app.embedded import up  # noqa: PLC0415

    start = up.start_detached if arguments.detach else up.run
    return start(arguments.state.resolve(), arguments.port_base, demo=not arguments.no_demo)


def _down(arguments: argparse.Namespace) -> int:
    from stasis_app.embedded import down  # noqa: PLC0415

    return down.down(arguments.state.resolve())


def _run(_: argparse.Namespace) -> int:
    settings = load(Settings)
    from stasis_app import service  # noqa: PLC0415

    return _run_fast(service.main(settings))


def _migrate(arguments: argparse.Namespace) -> int:
    settings = load(DatabaseSettings)
    from stasis_app.store import migrate  # noqa: PLC0415

    dsn = settings.database_url.get_secret_value()
    down_to = arguments.down_to

    async def work() -> list[str]:
        if down_to:
            return await migrate.rollback(dsn, down_to)
        applied = await migrate.migrate(dsn)
        await migrate.admit_asterisk(dsn, settings.asterisk_db_password.get_secret_value())
        return applied

    try:
        versions = asyncio.run(work())
    except migrate.MigrationError as error:
        print(f"pbx: {error}", file=sys.stderr)
        return 1
    print("\n".join(versions) or "nothing to do")
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from stasis_app import ask  # noqa: PLC0415
    from stasis_app.rules.explain import Question  # noqa: PLC0415

    at = arguments.at or datetime.now(UTC)
    question = Question(arguments.to, arguments.caller, at, arguments.trunk)
    return asyncio.run(ask.tell(_database(arguments), question))


def _check(arguments: argparse.Namespace) -> int:
    from stasis_app import ask  # noqa: PLC0415

    return asyncio.run(ask.check(_database(arguments)))


def _media_add(arguments: argparse.Namespace) -> int:
    from stasis_app.media.command import add_file  # noqa: PLC0415
    from stasis_app.media.objects import Objects  # noqa: PLC0415

    dsn, s3 = _database(arguments), _object_store(arguments)
    objects = Objects(
        s3.s3_endpoint,
        s3.s3_access_key,
        s3.s3_secret_key.get_secret_value(),
        s3.s3_bucket,
        secure=s3.s3_secure,
    )
    try:
        return asyncio.run(
            add_file(
                dsn,
                objects,
                arguments.file,
                name=arguments.name,
                kind=arguments.type,
                description=arguments.description,
            )
        )
    finally:
        objects.close()


def _media_list(arguments: argparse.Namespace) -> int:
    from stasis_app.media.command import list_files  # noqa: PLC0415

    return asyncio.run(list_files(_database(arguments)))


def _run_fast(main: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


if __name__ == "__main__":
    sys.exit(main())
