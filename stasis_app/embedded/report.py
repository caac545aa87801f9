"""What to register and what to dial, once the stack is ready."""

from stasis_app.embedded.progress import aligned
from stasis_app.embedded.stack import Stack

SHOWN = 12  # extensions
FIND_URL = r"""sed -n 's/.*"\(postgresql:.*\)".*/\1/p'"""  # the output may be a log: no secrets

_EXTENSIONS = f"""
SELECT number, CASE WHEN sip_password = 'demo-' || number THEN sip_password ELSE '(in its row)' END,
       extension_type, coalesce(display_name, '') FROM extensions
 WHERE deleted_at IS NULL AND status = 'active' AND extension_type <> 'virtual'
 ORDER BY length(number), number LIMIT {SHOWN}
"""  # noqa: S608  SHOWN is a number


async def summary(stack: Stack) -> str:
    """Where everything is, and the first extensions with their passwords."""
    sections = {
        "Register a phone": _servers(stack),
        "with": await _extensions(stack),
        "Look inside": _services(stack),
    }
    lines = ["The exchange is ready."]
    for title, rows in sections.items():
        lines += ["", title, *(f"  {line}" for line in aligned(rows))]
    return "\n".join([*lines, "", f"Stop: Ctrl-C, or pbx down --state {stack.state.root}"])


def _servers(stack: Stack) -> list[tuple[str, ...]]:
    ports = stack.ports
    return [
        ("SIP over UDP, TCP", f"127.0.0.1:{ports.sip}"),
        ("SIP over TLS", f"127.0.0.1:{ports.sip_tls}"),
        ("WebRTC", f"wss://127.0.0.1:{ports.wss}/ws"),
    ]


async def _extensions(stack: Stack) -> list[tuple[str, ...]]:
    rows = await stack.postgres.rows(_EXTENSIONS)
    heading = ("user, and number to dial", "password", "type", "name")
    return [heading, *rows] if rows else [("no extension yet: INSERT INTO extensions …",)]


def _services(stack: Stack) -> list[tuple[str, ...]]:
    cli = stack.asterisk.cli(stack.description["asterisk"]["pid"])
    return [
        ("SQL", f'psql "$({FIND_URL} {stack.state.stack_file})"'),
        ("mail", f"{stack.mail.maildir}/new"),
        ("S3", f"http://{stack.objects.endpoint}, keys in {stack.state.stack_file}"),
        ("Asterisk", f"{' '.join(cli)} 'core show channels'"),
        ("health", f"{stack.app.url}/healthz"),
        ("logs", str(stack.state.logs)),
    ]
