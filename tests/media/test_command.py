"""`pbx media add` and `pbx media list`."""

import json
import re
from pathlib import Path

import asyncpg
import pytest

from stasis_app import __main__ as pbx
from stasis_app.media.command import add_file, list_files
from stasis_app.media.objects import Missing, Objects

from .conftest import MakeFile

SHOWN = re.compile(r"^([0-9a-f-]{36})  (.+)  ([0-9.]+) s\n$")


@pytest.mark.parametrize("kind", ["prompt", "moh", "greeting", "other"])
async def test_a_file_becomes_an_object_and_a_row(  # noqa: PLR0917  fixtures
    dsn: str,
    objects: Objects,
    db: asyncpg.Connection,
    make_file: MakeFile,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    source = make_file("MP3", None, 44100, 2, seconds=3.2)
    code = await add_file(dsn, objects, source, name=" Hello ", kind=kind, description="Hello!")
    shown = SHOWN.match(capsys.readouterr().out)
    assert code == 0
    assert shown
    row = await db.fetchrow("SELECT * FROM media_files")
    assert row is not None
    assert (str(row["id"]), row["name"]) == shown.group(1, 2)
    assert (row["file_type"], row["description"]) == (kind, "Hello!")
    assert (row["duration_seconds"], row["format"], row["sample_rate"]) == (3, "wav", 16000)
    assert float(shown[3]) == pytest.approx(3.2, abs=0.1)
    assert row["storage_path"].startswith(f"{kind}/")
    stat = await objects.stat(row["storage_path"])
    assert (stat.size, stat.content_type) == (row["file_size_bytes"], "audio/wav")

    assert await list_files(dsn) == 0
    assert capsys.readouterr().out == f"{row['id']}  {kind:8}      3 s  Hello\n"
    await objects.remove(row["storage_path"])


async def test_an_empty_list(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await list_files(dsn) == 0
    assert capsys.readouterr().out == "no media files\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("Hello", b"hello", "is no audio file"),
        ("Hello", b"", "is empty"),
        ("", None, "the name is empty"),
        ("x" * 101, None, "the name is longer than 100 characters"),
    ],
)
async def test_what_cannot_be_added(  # noqa: PLR0917  fixtures
    dsn: str,
    objects: Objects,
    make_file: MakeFile,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    says: str,
) -> None:
    source = make_file()
    if content is not None:
        source.write_bytes(content)
    assert await add_file(dsn, objects, source, name=name, kind="prompt") == 1
    told = capsys.readouterr()
    assert (told.out, told.err.startswith("pbx: ")) == ("", True)
    assert says in told.err


async def test_without_its_row_no_object_stays(
    objects: Objects,
    make_file: MakeFile,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys: list[str] = []
    put = objects.put

    async def noted(key: str, *arguments: object) -> object:
        keys.append(key)
        return await put(key, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(objects, "put", noted)
    nowhere = "postgresql://pbx@127.0.0.1:1/pbx"
    assert await add_file(nowhere, objects, make_file(), name="Hello", kind="prompt") == 1
    assert "the row can't be written" in capsys.readouterr().err
    [key] = keys
    with pytest.raises(Missing):
        await objects.stat(key)


async def test_without_the_store_no_row_is_made(
    dsn: str, db: asyncpg.Connection, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    away = Objects("127.0.0.1:1", "x", "y", "pbx")
    assert await add_file(dsn, away, make_file(), name="Hello", kind="prompt") == 1
    assert "object store cannot be used" in capsys.readouterr().err
    assert await db.fetchval("SELECT count(*) FROM media_files") == 0
    away.close()


def arguments(source: Path, state: Path | None = None) -> list[str]:
    given = ["media", "add", str(source), "--name", "Hello", "--type", "prompt"]
    return given if state is None else [*given, "--state", str(state)]


def test_a_stack_tells_where_to(
    tmp_path: Path, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    s3 = {"endpoint": "127.0.0.1:1", "access_key": "x", "secret_key": "y", "bucket": "pbx"}
    stack = {"database_url": "postgresql://pbx@127.0.0.1:1/pbx", "s3": s3}
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    assert pbx.main(arguments(make_file(), tmp_path)) == 1
    assert "object store cannot be used" in capsys.readouterr().err
    assert pbx.main(arguments(make_file(), tmp_path / "none")) == 2
    assert "no stack runs in" in capsys.readouterr().err


def test_the_environment_tells_where_to(
    monkeypatch: pytest.MonkeyPatch, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PBX_DATABASE_URL", "postgresql://pbx@127.0.0.1:1/pbx")
    monkeypatch.setenv("PBX_S3_ENDPOINT", "127.0.0.1:1")
    monkeypatch.setenv("PBX_S3_ACCESS_KEY", "x")
    assert pbx.main(arguments(make_file())) == 2
    assert "PBX_S3_SECRET_KEY: is not set" in capsys.readouterr().err
    monkeypatch.setenv("PBX_S3_SECRET_KEY", "y")
    assert pbx.main(arguments(make_file())) == 1
    assert "object store cannot be used" in capsys.readouterr().err


def test_only_known_types(make_file: MakeFile, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pbx.main(["media", "add", str(make_file()), "--name", "Hello", "--type", "song"])
    assert "invalid choice: 'song'" in capsys.readouterr().err
