"""The `pbx` command. A sub-command imports what it needs, so that `pbx down` is quick."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from stasis_app.settings import DatabaseSettings, Settings, SettingsError, load


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
    return parser


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, default=Path(".state"), metavar="DIR")


def _port_base(text: str) -> int:
    number = int(text)
    if not 1024 <= number <= 64536:  # noqa: PLR2004  N..N+999 must be ports anyone may open
        raise argparse.ArgumentTypeError("must lie between 1024 and 64536")
    return number


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


def _run_fast(main: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


if __name__ == "__main__":
    sys.exit(main())
