"""`pbx up` and `pbx down`, with everything real."""

import asyncio
import json
import os
import signal
import smtplib
import socket
import ssl
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import aiohttp
import asyncpg
import pytest
from minio import Minio

from stasis_app.embedded.process import Child, Command, ProcessId
from stasis_app.embedded.stack import Stack
from stasis_app.embedded.state import StateDir
from tests.embedded.conftest import free_port_base
from tests.embedded.shell import python_module, shell
from tests.support.until import until

# the first start on a machine fetches Asterisk
pytestmark = pytest.mark.timeout(300)


def pbx(*arguments: str) -> CompletedProcess[str]:
    return python_module("stasis_app", *arguments)


def up(state: StateDir, port_base: int, *options: str) -> CompletedProcess[str]:
    place = ["--state", str(state.root), "--port-base", str(port_base)]
    return pbx("up", *place, "--detach", *options)


def description(state: StateDir) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(state.stack_file.read_text())
    return document


def processes(state: StateDir) -> list[ProcessId]:
    supervisor = state.supervisor()
    assert supervisor is not None
    children = state.children()
    assert set(children) == {"postgres", "objects", "mail", "asterisk", "app"}
    return [supervisor, *children.values()]


@pytest.fixture(scope="module")
def base() -> int:
    return free_port_base()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, base: int) -> Iterator[StateDir]:
    state = StateDir(tmp_path_factory.mktemp("stack"))
    started = up(state, base)
    assert started.returncode == 0, started.stdout
    yield state
    assert pbx("down", "--state", str(state.root)).returncode == 0


@pytest.fixture
def stack(running: StateDir) -> dict[str, Any]:
    return description(running)


def test_the_description_has_the_promised_shape(
    stack: dict[str, Any], running: StateDir, base: int
) -> None:
    assert stack["sip"] == f"127.0.0.1:{base + 60}"
    assert stack["http"] == f"http://127.0.0.1:{base + 80}"
    assert set(stack) == {
        *("sip", "ari", "database_url", "s3", "smtp", "http", "asterisk", "app"),
    }
    assert set(stack["ari"]) == {"url", "username", "password"}
    assert set(stack["s3"]) == {"endpoint", "access_key", "secret_key", "bucket"}
    assert set(stack["smtp"]) == {"host", "port", "maildir"}
    children = running.children()
    assert stack["app"] == {"pid": children["app"].pid}
    assert set(stack["asterisk"]) == {"pid", "cli"}
    assert Path(f"/proc/{stack['asterisk']['pid']}/comm").read_text() == "asterisk\n"


async def test_the_app_says_that_it_is_well(stack: dict[str, Any]) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{stack['http']}/healthz") as answer,
    ):
        assert answer.status == 200
        assert (await answer.json())["status"] == "ok"


async def test_ari_wants_the_password(stack: dict[str, Any]) -> None:
    ari = stack["ari"]
    login = {"Authorization": aiohttp.encode_basic_auth(ari["username"], ari["password"])}
    async with aiohttp.ClientSession() as session:
        for headers, status in ((login, 200), ({}, 401)):
            async with session.get(f"{ari['url']}/ari/asterisk/info", headers=headers) as answer:
                assert answer.status == status


async def test_ami_shows_registrations_and_does_nothing_else(running: StateDir, base: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", base + 38)

    async def answer(action: str, **fields: str) -> str:
        lines = [f"{name}: {value}\r\n" for name, value in {"Action": action, **fields}.items()]
        writer.write("".join([*lines, "\r\n"]).encode())
        while "Response: " not in (block := (await reader.readuntil(b"\r\n\r\n")).decode()):
            continue  # an event
        return block

    try:
        login = {"Username": "pbx", "Secret": running.secrets().ami_password}
        assert "Success" in await answer("Login", **login)
        assert "Success" in await answer("PJSIPShowRegistrationsOutbound")
        for action in ("Originate", "Command", "GetConfig", "UpdateConfig", "Reload", "Hangup"):
            assert "Permission denied" in await answer(action, Filename="manager.conf")
    finally:
        writer.close()
        await writer.wait_closed()


async def test_the_database_is_migrated_has_the_demo_and_keeps_what_it_is_told(
    stack: dict[str, Any],
) -> None:
    connection = await asyncpg.connect(stack["database_url"])
    try:
        assert await connection.fetchval("SELECT count(*) FROM extensions") > 1
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval(
            "SELECT rolcanlogin FROM pg_roles WHERE rolname='asterisk'"
        )
        assert not await connection.fetchval("SELECT usesuper FROM pg_user WHERE usename='pbx'")
    finally:
        await connection.close()


async def test_the_object_store_keeps_objects(stack: dict[str, Any]) -> None:
    s3 = stack["s3"]
    client = Minio(
        s3["endpoint"], access_key=s3["access_key"], secret_key=s3["secret_key"], secure=False
    )
    client.put_object(bucket_name=s3["bucket"], object_name="a/b", data=BytesIO(b"xyz"), length=3)
    answer = client.get_object(bucket_name=s3["bucket"], object_name="a/b")
    assert answer.data == b"xyz"
    client.remove_object(bucket_name=s3["bucket"], object_name="a/b")


def test_mail_lands_in_the_maildir(stack: dict[str, Any]) -> None:
    place = stack["smtp"]
    with smtplib.SMTP(place["host"], place["port"]) as client:
        client.sendmail("a@example.org", ["b@example.org"], "Subject: hello\n\nworld\n")
    (message,) = Path(place["maildir"], "new").iterdir()
    assert "Subject: hello" in message.read_text()


def test_the_cli_reaches_asterisk(stack: dict[str, Any], base: int) -> None:
    shown = shell(*stack["asterisk"]["cli"], "pjsip show transports").stdout
    for transport in ("udp", "tcp", "tls", "wss"):
        assert f"transport-{transport}" in shown
    assert f"127.0.0.1:{base + 60}" in shown


def test_sip_over_tls_shows_our_certificate(running: StateDir, base: int) -> None:
    ours = ssl.create_default_context(cafile=running.root / "asterisk" / "tls" / "cert.pem")
    for port in (base + 61, base + 89):
        with socket.create_connection(("127.0.0.1", port)) as plain:
            ours.wrap_socket(plain, server_hostname="localhost").close()


def test_passwords_are_in_no_log(stack: dict[str, Any], running: StateDir) -> None:
    secrets = json.loads((running.root / "secrets.json").read_text())
    del secrets["entity_id"], secrets["database_password"]  # `pbx up` prints the DSN for its user
    for log in [*running.logs.iterdir(), *(running.root / "asterisk" / "log").glob("*.log")]:
        text = log.read_text(errors="replace")
        assert not [name for name, secret in secrets.items() if secret in text], log


def test_a_second_supervisor_is_refused(running: StateDir, base: int) -> None:
    refused = up(running, base)
    assert refused.returncode == 1
    assert f"A stack is already running in {running.root}" in refused.stdout
    assert running.stack_file.exists()


@pytest.mark.usefixtures("running")
def test_taken_ports_are_named_with_their_parts(state: StateDir, base: int) -> None:
    refused = up(state, base)
    assert refused.returncode == 1
    assert f"{base + 432} (postgres)" in refused.stdout
    assert f"{base + 80} (app)" in refused.stdout
    assert not state.stack_file.exists()


@pytest.mark.parametrize("part", ["app", "asterisk"])
async def test_a_killed_part_comes_back(part: str, running: StateDir) -> None:
    before = description(running)[part]["pid"]
    os.kill(before, signal.SIGKILL)
    await until(lambda: description(running)[part]["pid"] != before, within=30)
    after = description(running)
    assert running.children()[part].pid == after[part]["pid"]
    async with aiohttp.ClientSession() as session:

        async def well() -> bool:
            async with session.get(f"{after['http']}/healthz") as answer:
                return answer.status == 200

        await until(well, within=30)


async def test_nothing_outlives_a_killed_supervisor_and_the_next_start_is_clean(
    state: StateDir, port_base: int
) -> None:
    assert up(state, port_base, "--no-demo").returncode == 0
    first = processes(state)
    os.kill(first[0].pid, signal.SIGKILL)
    await until(lambda: not any(process.is_alive() for process in first), within=20)

    assert up(state, port_base).returncode == 0
    connection = await asyncpg.connect(description(state)["database_url"])
    assert await connection.fetchval("SELECT count(*) FROM extensions") == 0  # no longer new
    await connection.close()

    second = processes(state)
    stopped = pbx("down", "--state", str(state.root))
    assert stopped.returncode == 0, stopped.stdout
    assert not any(process.is_alive() for process in second)
    assert not state.stack_file.exists()
    assert "No stack is running" in pbx("down", "--state", str(state.root)).stdout


async def test_a_stack_of_this_process_leaves_nothing(state: StateDir, port_base: int) -> None:
    async with Stack(state.root, port_base, demo=False).running() as stack:
        assert stack.description == description(state)
        everything = state.children()
        assert all(process.is_alive() for process in everything.values())
    assert not any(process.is_alive() for process in everything.values())
    assert state.supervisor() is None


async def test_ctrl_c_leaves_nothing(state: StateDir, port_base: int) -> None:
    place = ["--state", str(state.root), "--port-base", str(port_base)]
    argv = [sys.executable, "-m", "stasis_app", "up", *place]
    log = state.log("foreground")
    supervisor = await Child.spawn(Command(argv), log)
    try:
        await until(lambda: "The exchange is ready." in log.read_text(), within=60)
        everything = processes(state)
        os.kill(supervisor.pid, signal.SIGINT)
        assert await asyncio.wait_for(supervisor.wait(), 30) == 0
    finally:
        await supervisor.stop(signal.SIGTERM, deadline=30)
    assert not any(process.is_alive() for process in everything)
    assert not state.stack_file.exists()


async def test_a_failing_part_is_named_and_the_rest_stopped(
    state: StateDir, port_base: int
) -> None:
    assert up(state, port_base, "--no-demo").returncode == 0
    assert pbx("down", "--state", str(state.root)).returncode == 0
    (state.root / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    failed = up(state, port_base)
    assert failed.returncode == 1
    assert "postgres      FAILED: it ended with code 1" in failed.stdout
    assert f"log: {state.log('postgres')}" in failed.stdout
    assert "no_such_setting" in failed.stdout
    assert state.supervisor() is None
