"""Outside lines as a test sees them: carriers, trunks and rules as rows."""

import json
import uuid
from itertools import count
from typing import Any

from tests.support.carrier import Carrier

from .pbx import Pbx

HOSTS = count()
NAMES = count(1)


async def carrier(pbx: Pbx, **options: Any) -> Carrier:
    """Open a carrier at a loopback address of its own. It is closed at the end of the test."""
    network, host = divmod(next(HOSTS), 200)
    made = Carrier(pbx.stack["sip"], local=f"127.0.{network + 1}.{host + 20}", **options)
    await pbx.open.enter_async_context(made)
    return made


async def trunk(pbx: Pbx, other: Carrier, **columns: Any) -> uuid.UUID:
    """Insert a trunk to a carrier, `static` unless said otherwise."""
    row = {
        "name": f"trunk {next(NAMES)} to {other.host}",
        "trunk_type": "static",
        "host": other.host,
        "port": other.port,
        "transport": other.transport,
        **columns,
    }
    return await pbx.insert("trunks", **row)


async def inbound(pbx: Pbx, did: str, target: uuid.UUID | str, **columns: Any) -> uuid.UUID:
    """Insert an inbound rule to an extension (its id) or an outside number (text)."""
    outside = isinstance(target, str)
    destination = {
        "destination_type": "external" if outside else "extension",
        "destination_number" if outside else "destination_id": target,
    }
    row = {"name": f"inbound {next(NAMES)}", "did_pattern": did, **destination, **columns}
    return await pbx.insert("inbound_rules", **row)


async def outbound(pbx: Pbx, pattern: str, over: uuid.UUID, **columns: Any) -> uuid.UUID:
    row = {"name": f"outbound {next(NAMES)}", "number_pattern": pattern, "trunk_id": over}
    return await pbx.insert("outbound_rules", **{**row, **columns})


async def setting(pbx: Pbx, key: str, value: Any) -> None:
    """Change a row of `system_settings`; it has its old value again at the end of the test."""
    old = await pbx.db.fetchval("SELECT value FROM system_settings WHERE key = $1", key)
    change = "UPDATE system_settings SET value = $2 WHERE key = $1"
    await pbx.db.execute(change, key, json.dumps(value))
    pbx.open.push_async_callback(pbx.db.execute, change, key, old)
    await pbx.settled()


async def change(pbx: Pbx, table: str, row: uuid.UUID, **columns: Any) -> None:
    """Change a row of any table; returns when that counts."""
    changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 2))
    await pbx.db.execute(f"UPDATE {table} SET {changes} WHERE id = $1", row, *columns.values())
    await pbx.settled()
