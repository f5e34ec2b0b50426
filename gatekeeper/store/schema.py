"""The database file: opened with care, its tables brought to the version that is known here.

The version stands in ``PRAGMA user_version``, and ``PRAGMA application_id`` says that the file is Gatekeeper's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.errors import ConfigError

APPLICATION_ID = 0x676B7072
"""The letters gkpr."""
_PATIENCE = 5.0
"""Seconds to wait for another process (``gatekeeper gates`` beside the daemon) that is writing."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE gates (
          gate_id    TEXT PRIMARY KEY,   -- the ARM id in lower case
          first_seen TEXT NOT NULL,      -- RFC 3339, UTC
          decision   TEXT                -- the last decision, JSON; see records.py
        )
        """,
        """
        CREATE TABLE approvals (
          id          INTEGER PRIMARY KEY AUTOINCREMENT,
          gate_id     TEXT NOT NULL,
          intended_at TEXT NOT NULL,     -- when it was decided
          policy      TEXT NOT NULL,
          policy_hash TEXT NOT NULL,
          decision    TEXT NOT NULL,     -- with all evidence, JSON
          taken       INTEGER,           -- null until it is settled
          answer      TEXT,
          settled_at  TEXT
        )
        """,
        "CREATE INDEX approvals_open ON approvals (id) WHERE settled_at IS NULL",
        "CREATE INDEX approvals_of_gate ON approvals (gate_id)",
    ),
)
"""Each entry leads from the version that is its index to the next; an entry that was released is never changed."""


def open_database(path: str) -> sqlite3.Connection:
    """Open (or make) the database and bring it to the known version.

    Raises:
        ConfigError: it cannot be opened, written or understood; the message says what to mend.
    """
    connection: sqlite3.Connection | None = None
    try:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        # A file system that cannot keep a write-ahead log keeps the rollback journal, which is as durable.
        connection.execute("PRAGMA journal_mode = WAL")
        # What is committed must survive the loss of power, not only of the process.
        connection.execute("PRAGMA synchronous = FULL")
        with transaction(connection):
            _migrate(connection, path)
    except (OSError, sqlite3.Error, ConfigError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"store.path: {path} cannot be used: {error}; {_mend(error)}") from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the write lock is taken at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself when the disk is full
            connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if owner != APPLICATION_ID and (owner or version or tables):
        raise ConfigError(f"store.path: {path} is the database of another program; give Gatekeeper a file of its own")
    if version > len(MIGRATIONS):
        raise ConfigError(
            f"store.path: {path} was written by a newer Gatekeeper (schema {version}, known here: {len(MIGRATIONS)}); "
            "run that version again, or give this one a file of its own"
        )
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    # Written even where nothing changes: a file that can only be read is noticed now, and not at the first approval.
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _mend(error: Exception) -> str:
    text = str(error)
    if "not a database" in text or "malformed" in text:
        return "move the file away (it may hold the record of approvals) and start again"
    if "locked" in text:
        return "another process holds it; only one Gatekeeper may use a file"
    if "readonly" in text:
        return "make the file and its folder writable for the user that Gatekeeper runs as"
    return "name a file in a folder that exists and that Gatekeeper may write"
