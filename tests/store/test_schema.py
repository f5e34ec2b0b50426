"""Database files that cannot be used, and the versions of the schema."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from gatekeeper.errors import ConfigError
from gatekeeper.store import schema
from gatekeeper.store.schema import open_database
from gatekeeper.store.sqlite import SqliteStore


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


async def test_the_folder_is_made(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "deep" / "down" / "gatekeeper.db")
    await store.open()
    await store.close()

    assert (tmp_path / "deep" / "down" / "gatekeeper.db").exists()


def test_what_is_committed_is_synced_and_logged_ahead(tmp_path: Path) -> None:
    connection = open_database(str(tmp_path / "gatekeeper.db"))

    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_file_that_is_no_database_is_refused_with_a_mend(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.db"
    path.write_text("this is a letter to my grandmother, and no database " * 40)

    with pytest.raises(ConfigError, match=r"store\.path: .*gatekeeper\.db cannot be used: .*; move the file away"):
        open_database(str(path))

    assert path.read_text().startswith("this is a letter")


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE recipes (name TEXT)")

    with pytest.raises(ConfigError, match="another program"):
        open_database(str(path))


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.db"
    open_database(str(path)).close()
    change(path, "PRAGMA user_version = 99")

    with pytest.raises(ConfigError, match=r"newer Gatekeeper \(schema 99, known here: 1\)"):
        open_database(str(path))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name a file in a folder"):
        open_database(str(tmp_path))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="name a file in a folder"):
        open_database(str(tmp_path / "file" / "gatekeeper.db"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.db"
    open_database(str(path)).close()
    path.chmod(0o400)

    with pytest.raises(ConfigError, match="make the file and its folder writable"):
        open_database(str(path))


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gatekeeper.db"
    open_database(str(path)).close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("ALTER TABLE gates ADD COLUMN mood TEXT",)))

    connection = open_database(str(path))

    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT mood FROM gates").fetchall() == []
    connection.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gatekeeper.db"
    open_database(str(path)).close()
    steps = ("CREATE TABLE half (done TEXT)", "ALTER TABLE nowhere ADD COLUMN mood TEXT")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, steps))
    with pytest.raises(ConfigError, match="nowhere"):
        open_database(str(path))
    monkeypatch.undo()

    connection = open_database(str(path))

    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "half" not in tables
    connection.close()
