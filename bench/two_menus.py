"""Two menus that lead to each other and to an extension: as rows, and in the dialplan."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

from . import sounds
from .stack import CALLEES, NATIVE, PRODUCT, Stack

DIALLED = {NATIVE.name: "7901", PRODUCT.name: "7902"}
TONES = (400, 1000)  # of the two prompts
PROMPT_SECONDS = 10.0
ONWARD, CHOICE = "1", "2"  # to the other menu, to the extension

MENU = """
INSERT INTO ivr_menus (id, name, welcome_prompt_id, extension_number) VALUES ($1, $2, $3, $4)
"""
OPTION = """
INSERT INTO ivr_menu_options (ivr_menu_id, dtmf_digit, action, destination_id)
VALUES ($1, $2, $3, $4)
"""
EXTENSION = "SELECT id FROM extensions WHERE number = $1"


@asynccontextmanager
async def two_menus(stack: Stack) -> AsyncIterator[None]:
    """Have both kinds, with the same prompts, while the block lasts."""
    prompts = [sounds.wav(hz, PROMPT_SECONDS) for hz in TONES]
    await _native_menus(stack, prompts)
    menus = [uuid4() for _ in prompts]
    media = [await sounds.add_prompt(stack, "prompt", audio) for audio in prompts]
    async with stack.sql() as connection:
        for menu, prompt, number in zip(menus, media, (DIALLED[PRODUCT.name], None), strict=True):
            await connection.execute(MENU, menu, f"bench {menu}", prompt, number)
        extension = await connection.fetchval(EXTENSION, CALLEES[0])
        for menu, other in zip(menus, reversed(menus), strict=True):
            await connection.execute(OPTION, menu, ONWARD, "ivr", other)
            await connection.execute(OPTION, menu, CHOICE, "extension", extension)
    try:
        yield
    finally:
        await stack.execute("DELETE FROM ivr_menus WHERE id = ANY ($1)", menus)
        await stack.execute("DELETE FROM media_files WHERE id = ANY ($1)", media)


async def _native_menus(stack: Stack, prompts: Sequence[bytes]) -> None:
    add = partial(stack.extension, "from-phones", DIALLED[NATIVE.name])
    await add(1, "Answer()")
    await add(2, "Wait(0.3)")  # as PBX-X does
    await add(3, "Goto(bench-menu-0,s,1)")
    for place, audio in enumerate(prompts):
        name = sounds.add_native_prompt(stack, f"menu-{place}", audio)
        context = f"bench-menu-{place}"
        await stack.extension(context, "s", 1, f"Background({name})")
        await stack.extension(context, "s", 2, "WaitExten(10)")
        await stack.extension(context, ONWARD, 1, f"Goto(bench-menu-{1 - place},s,1)")
        await stack.extension(context, CHOICE, 1, f"Dial(PJSIP/{CALLEES[0]},30)")
