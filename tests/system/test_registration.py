"""A row is a phone: it registers because of it, and as the row says."""

from tests.support.sip import RawPhone
from tests.support.until import until

from .pbx import Extension, Pbx


async def registers(pbx: Pbx, extension: Extension, password: str) -> int:
    """Return the answer to a REGISTER of a phone that has just been switched on."""
    async with RawPhone(extension.number, password, pbx.server("udp")) as phone:
        return (await phone.register()).code


async def registrations(pbx: Pbx, extension: Extension) -> int:
    query = "SELECT count(*) FROM extension_registrations WHERE extension_id = $1"
    count: int = await pbx.db.fetchval(query, extension.id)
    return count


async def test_a_new_row_registers_at_once(pbx: Pbx) -> None:
    extension = await pbx.extension()
    phone = await pbx.phone(extension)
    row = await pbx.db.fetchrow(
        "SELECT *, expires_at > now() AS live FROM extension_registrations WHERE extension_id = $1",
        extension.id,
    )
    assert row is not None
    host, port = phone.link.sent_by.split(":")
    assert (str(row["ip_address"]), row["port"], row["transport"]) == (host, int(port), "udp")
    assert row["contact_uri"].startswith(f"sip:{extension.number}@{host}:{port}")
    assert row["live"]
    await phone.register()
    assert await registrations(pbx, extension) == 1
    await phone.register(expires=0)
    assert await registrations(pbx, extension) == 0


async def test_a_changed_password_counts(pbx: Pbx) -> None:
    extension = await pbx.extension()
    assert await registers(pbx, extension, extension.password) == 200
    await pbx.change(extension, sip_password="another one")

    async def refused() -> bool:
        return await registers(pbx, extension, extension.password) == 401

    await until(refused, 3.0, "the old password to be refused")
    assert await registers(pbx, extension, "another one") == 200


async def test_an_inactive_or_deleted_row_is_no_phone(pbx: Pbx) -> None:
    for change in ("status = 'inactive'", "deleted_at = now()"):
        extension = await pbx.extension()
        await pbx.phone(extension)
        await pbx.db.execute(f"UPDATE extensions SET {change} WHERE id = $1", extension.id)

        async def refused(extension: Extension = extension) -> bool:
            return await registers(pbx, extension, extension.password) == 401

        await until(refused, 3.0, f"a phone with {change} to be refused")


async def test_the_phone_of_an_expired_registration_does_not_ring(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    ben.deaf = True
    await pbx.db.execute(
        "UPDATE extension_registrations SET expires_at = now() - interval '1 hour' "
        "WHERE extension_id = $1",
        pbx.extensions[1].id,
    )
    call = await anna.invite(ben.number)
    assert (await call.final()).code == 480
