"""Real servers for tests: OpenLDAP, MariaDB, PostgreSQL and OpenSSL's, on free ports of 127.0.0.1.

Each runs unprivileged in a folder of its own, with the chain it is given or without TLS, and stops
when its block ends. Debian packages: slapd, mariadb-server, postgresql, openssl; a test that needs
one that is missing is skipped.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.authority import Issued
from tests.support.ports import free_port

_START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Directory:
    """An OpenLDAP server: the ports of LDAP (with StartTLS) and of LDAPS."""

    ldap_port: int
    ldaps_port: int
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.ldaps_port


@dataclass(frozen=True, slots=True)
class Daemon:
    """A server with one port."""

    port: int
    host: str = "127.0.0.1"


@contextlib.contextmanager
def openldap(chain: Sequence[Issued] = (), client_ca: Issued | None = None) -> Iterator[Directory]:
    """``client_ca``: a client certificate from this CA is demanded."""
    directory = Directory(free_port(), free_port())
    with _folder(chain) as folder:
        lines = ["include /etc/ldap/schema/core.schema", f"pidfile {folder}/slapd.pid"]
        if chain:
            lines += [
                f"TLSCertificateFile {folder}/chain.pem",
                f"TLSCertificateKeyFile {folder}/key.pem",
            ]
        if client_ca:
            _write(folder / "clients.pem", client_ca.pem)
            lines += [f"TLSCACertificateFile {folder}/clients.pem", "TLSVerifyClient demand"]
        _write(folder / "slapd.conf", "\n".join([*lines, ""]).encode())
        urls = f"ldap://127.0.0.1:{directory.ldap_port}"
        if chain:
            urls += f" ldaps://127.0.0.1:{directory.ldaps_port}"
        command = ["slapd", "-f", f"{folder}/slapd.conf", "-h", urls, "-d", "stats"]
        ports = [directory.ldap_port, *([directory.ldaps_port] if chain else [])]
        with _running(command, folder, "slapd starting", *ports):
            yield directory


@contextlib.contextmanager
def mariadb(chain: Sequence[Issued] = ()) -> Iterator[Daemon]:
    database = Daemon(free_port())
    with _folder(chain) as folder:
        command = [
            "mariadbd",
            "--no-defaults",
            f"--datadir={folder}",
            f"--socket={folder}/socket",
            "--bind-address=127.0.0.1",
            f"--port={database.port}",
            "--skip-grant-tables",
            "--skip-innodb",
            "--default-storage-engine=Aria",
        ]
        if chain:
            command += [f"--ssl-cert={folder}/chain.pem", f"--ssl-key={folder}/key.pem"]
        with _running(command, folder, "ready for connections", database.port):
            yield database


@contextlib.contextmanager
def postgresql(chain: Sequence[Issued] = ()) -> Iterator[Daemon]:
    database = Daemon(free_port())
    with _folder(chain) as folder:
        data = folder / "data"
        user, group = _somebody()
        subprocess.run(
            [_program("initdb"), "-D", str(data), "--auth=trust", "--no-sync", "--locale=C"],
            check=True,
            capture_output=True,
            user=user,
            group=group,
        )
        command = [
            "postgres",
            "-D",
            str(data),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"port={database.port}"),
            *("-c", f"unix_socket_directories={folder}", "-c", "fsync=off"),
        ]
        if chain:
            command += ["-c", "ssl=on", "-c", f"ssl_cert_file={folder}/chain.pem"]
            command += ["-c", f"ssl_key_file={folder}/key.pem"]
        with _running(command, folder, "ready to accept connections", database.port):
            yield database


@contextlib.contextmanager
def openssl(chain: Sequence[Issued], *options: str) -> Iterator[Daemon]:
    """``openssl s_server`` of the system, for what Python's libraries do not serve any more. It sends
    ``chain``; every cipher and size is allowed, so far as the ``options`` say no less."""
    server = Daemon(free_port())
    with _folder(chain) as folder:
        _write(folder / "leaf.pem", chain[0].pem)
        _write(folder / "others.pem", b"".join(issued.pem for issued in chain[1:]))
        command = [
            *("openssl", "s_server", "-accept", f"127.0.0.1:{server.port}", "-www"),
            *("-cert", f"{folder}/leaf.pem", "-key", f"{folder}/key.pem"),
            *(("-cert_chain", f"{folder}/others.pem") if chain[1:] else ()),
            *("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", *options),
        ]
        with _running(command, folder, "ACCEPT"):
            yield server


@contextlib.contextmanager
def _folder(chain: Sequence[Issued]) -> Iterator[Path]:
    """A new folder that belongs to the server's user, with the chain and its key."""
    # Not below pytest's own folder, which other users may not enter.
    with tempfile.TemporaryDirectory(prefix="whichroot-") as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, "nobody")
        if chain:
            _write(folder / "chain.pem", b"".join(issued.pem for issued in chain))
            _write(folder / "key.pem", chain[0].key_pem)
        yield folder


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    if os.getuid() == 0:
        shutil.chown(path, "nobody")


@contextlib.contextmanager
def _running(command: list[str], folder: Path, started: str, *ports: int) -> Iterator[None]:
    """Runs a daemon from when it has said ``started`` and listens on ``ports`` until the block
    ends."""
    user, group = _somebody()
    process = subprocess.Popen(
        [_program(command[0]), *command[1:]],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        user=user,
        group=group,
    )
    said: list[str] = []
    is_up = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if not is_up.is_set():
                    said.append(line)
                if started in line:
                    is_up.set()
        is_up.set()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        is_up.wait(_START_SECONDS)
        if not said or started not in said[-1]:
            raise RuntimeError(f"{command[0]} did not start:\n{''.join(said)}")
        for port in ports:
            _await_listener(port)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.join()


def _await_listener(port: int) -> None:
    """A daemon may say that it starts before it listens (slapd does)."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _somebody() -> tuple[int, int] | tuple[None, None]:
    """The user and group to run as in place of root, which PostgreSQL refuses to be."""
    if os.getuid():
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _program(name: str) -> str:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    folders = [*map(str, versions[-1:]), "/usr/sbin", os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        # In CI that is a failure (tests/conftest.py).
        pytest.skip(f"{name} is not installed")
    return found
