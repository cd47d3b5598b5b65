"""Every setting: its type, its default and what it means.

A setting is an environment variable, ``WHICHROOT_`` and the field's name in capitals (Slack's and
the database's own names are kept); a ``.env`` file in the working directory gives those that the
environment does not.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import field, fields, replace
from functools import cache
from inspect import get_annotations
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import unquote

from bot.errors import SettingsError
from bot.probe.egress import PRIVATE_NETWORKS, Egress, IPNetwork, Proxy, parse_networks, parse_ports
from bot.probe.presented import Limits
from bot.records import record
from bot.serving_settings import ServingSettings
from bot.setting_kinds import (
    SECONDS,
    Setting,
    count,
    existing_folder,
    folder,
    number,
    patterns,
    switch,
)
from bot.text import authority, visible

PREFIX: Final = "WHICHROOT_"
ENV_FILE: Final = ".env"


def _cache_folder() -> Path:
    """XDG Base Directory Specification: ``$XDG_CACHE_HOME``, by default ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path("~/.cache").expanduser()) / "whichroot"


_NETWORKS = "networks, separated by commas"
_PORTS = "ports and ranges, separated by commas"
_HOSTS = "shell patterns, separated by commas"


@record
class Settings(ServingSettings):
    """The settings in force."""

    egress_allow: Annotated[
        tuple[IPNetwork, ...],
        Setting(
            parse_networks,
            _NETWORKS,
            "Networks that may be contacted although they are denied by default: loopback, link-local, "
            "multicast and reserved ones. Private networks need no permission.",
        ),
    ] = ()
    egress_deny: Annotated[
        tuple[IPNetwork, ...],
        Setting(
            parse_networks, _NETWORKS, "Networks that may never be contacted. Denying goes first."
        ),
    ] = ()
    egress_allow_ports: Annotated[
        tuple[range, ...],
        Setting(parse_ports, _PORTS, "The only ports that may be contacted; empty: every port."),
    ] = ()
    egress_deny_ports: Annotated[
        tuple[range, ...], Setting(parse_ports, _PORTS, "Ports that may never be contacted.")
    ] = ()
    egress_allow_hosts: Annotated[
        tuple[str, ...],
        Setting(
            patterns,
            _HOSTS,
            "The only host names that may be contacted, as `*.corp.example`; empty: every name.",
        ),
    ] = ()
    egress_deny_hosts: Annotated[
        tuple[str, ...], Setting(patterns, _HOSTS, "Host names that may never be contacted.")
    ] = ()
    proxy: Annotated[
        Proxy | None,
        Setting(
            Proxy.from_url,
            "`http://[user:password@]host[:port]`",
            "An outbound HTTP proxy (CONNECT) for what is not contacted directly.",
        ),
    ] = None
    proxy_bypass: Annotated[
        tuple[IPNetwork, ...],
        Setting(parse_networks, _NETWORKS, "Networks that are contacted directly, past the proxy."),
    ] = PRIVATE_NETWORKS
    proxy_resolves_names: Annotated[
        bool,
        Setting(
            switch,
            "yes or no",
            "Leave names that cannot be resolved here to the proxy, and to its own rules.",
        ),
    ] = False
    company_roots: Annotated[
        Path | None,
        Setting(
            existing_folder,
            "folder",
            "Where the company's own root certificates lie. What lies there is vouched for; what changes "
            "there takes effect within a second.",
        ),
    ] = None
    cache_dir: Annotated[
        Path | None,
        Setting(
            folder,
            "folder",
            "Where downloaded issuers are kept; empty: `whichroot` in the user's cache folder.",
        ),
    ] = None
    aia: Annotated[
        bool,
        Setting(
            switch,
            "yes or no",
            "Download missing issuers from where the certificates say they are (AIA).",
        ),
    ] = True
    aia_timeout: Annotated[
        float,
        Setting(
            number(0.1, 300),
            SECONDS,
            "How long all downloads of missing issuers for one server may take together.",
        ),
    ] = 15.0
    resolve_timeout: Annotated[
        float, Setting(number(0.1, 300), SECONDS, "How long finding a host's addresses may take.")
    ] = 10.0
    connect_timeout: Annotated[
        float, Setting(number(0.1, 300), SECONDS, "How long connecting to one address may take.")
    ] = 10.0
    prelude_timeout: Annotated[
        float,
        Setting(
            number(0.1, 300),
            SECONDS,
            "How long what comes before TLS (STARTTLS and its kin) may take.",
        ),
    ] = 10.0
    handshake_timeout: Annotated[
        float, Setting(number(0.1, 300), SECONDS, "How long the TLS handshake may take.")
    ] = 10.0
    total_timeout: Annotated[
        float, Setting(number(0.1, 600), SECONDS, "How long one address may take altogether.")
    ] = 30.0
    max_addresses: Annotated[
        int, Setting(count(1, 256), "count", "How many addresses of one host are looked at.")
    ] = 16
    concurrency: Annotated[
        int, Setting(count(1, 1000), "count", "How many hosts are checked at once.")
    ] = 20
    password: Annotated[
        str,
        Setting(
            str,
            "text",
            "The password of keystores that `whichroot read` and `whichroot check` are given.",
            secret=True,
        ),
    ] = field(default="", repr=False)

    @property
    def egress(self) -> Egress:
        """The egress rules."""
        return Egress(
            allow=self.egress_allow,
            deny=self.egress_deny,
            allow_ports=self.egress_allow_ports,
            deny_ports=self.egress_deny_ports,
            allow_hosts=self.egress_allow_hosts,
            deny_hosts=self.egress_deny_hosts,
            proxy=self.proxy
            and replace(
                self.proxy, bypass=self.proxy_bypass, resolves_names=self.proxy_resolves_names
            ),
            resolve_seconds=self.resolve_timeout,
            max_addresses=self.max_addresses,
            hosts=tuple(host.partition("=")[::2] for host in self.hosts),
        )

    @property
    def limits(self) -> Limits:
        """The bounds of one address's probe."""
        return Limits(
            connect_seconds=self.connect_timeout,
            prelude_seconds=self.prelude_timeout,
            handshake_seconds=self.handshake_timeout,
            total_seconds=self.total_timeout,
        )

    @property
    def cache_folder(self) -> Path:
        """``cache_dir``, or the user's cache folder."""
        return self.cache_dir or _cache_folder()


@record
class Described:
    """One setting for a person: ``variable`` is its environment variable, ``kind`` says what to
    write, ``default`` and ``value`` are as they would be written, without passwords."""

    variable: str
    kind: str
    default: str
    value: str
    meaning: str


def load(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """The settings that ``environment`` (by default the process's) gives, and ``.env`` in
    ``folder`` (by default the working directory) where it gives none. An empty value is none.

    Raises `SettingsError`, whose message names the variable and quotes its value unless it is
    secret.
    """
    given = {
        **_env_file((folder or Path()) / ENV_FILE),
        **(os.environ if environment is None else environment),
    }
    values: dict[str, Any] = {}
    for name, setting in _known().items():
        variable = _variable(name, setting)
        text = given.get(variable, "")
        if not text.strip():
            continue
        try:
            values[name] = setting.parse(text if setting.secret else text.strip())
        except SettingsError as error:
            raise SettingsError(
                f"The setting {variable} cannot be used: {error.message}", error.remedy
            ) from None
    return Settings(**values)


def describe(settings: Settings) -> Iterator[Described]:
    """Every setting, in the order in which they are written above."""
    defaults = {field.name: field.default for field in fields(Settings)}
    for name, setting in _known().items():
        value = getattr(settings, name)
        yield Described(
            _variable(name, setting),
            setting.kind,
            _written(defaults[name]),
            "(set, not shown)" if setting.secret and value != defaults[name] else _written(value),
            setting.meaning,
        )


def secrets_of(settings: Settings) -> frozenset[str]:
    """What may never be shown: the values of the secret settings, the passwords within URLs."""
    found: set[str] = set()
    for name, setting in _known().items():
        value = getattr(settings, name)
        if name == "database_url":
            # The URL as a whole is a file's name, or holds the password.
            raw = value.partition("://")[2].rpartition("@")[0].partition(":")[2]
            found.update((raw, unquote(raw)))
        elif setting.secret:
            found.update(value if isinstance(value, tuple) else (value,))
    if settings.proxy and settings.proxy.password:
        found.add(settings.proxy.password)
    return frozenset(found - {""})


@cache
def _known() -> Mapping[str, Setting]:
    # Neither file postpones its annotations: they are here as they were written.
    hints = {**get_annotations(Settings), **get_annotations(ServingSettings)}
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def _variable(name: str, setting: Setting) -> str:
    return setting.variable or PREFIX + name.upper()


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Proxy():
            return f"http://{authority(visible(value.host), value.port)}"
        case float():
            return f"{value:g}"
        case range():
            return f"{value.start}-{value.stop - 1}" if len(value) > 1 else str(value.start)
        case tuple():
            return ", ".join(_written(item) for item in value)
        case _:
            return visible(str(value))


def _env_file(path: Path) -> Mapping[str, str]:
    try:
        present = path.is_file()
    except OSError:
        present = False
    if not present:
        return {}
    # Most starts find no such file and need not pay for its reader.
    from dotenv import dotenv_values

    try:
        found = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"The file {ENV_FILE} in this folder cannot be read.",
            "Make it readable text (UTF-8), or remove it.",
        ) from error
    return {name: value for name, value in found.items() if value is not None}
