"""What may be written on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from bot.commands.streams import columns
from bot.probe.protocols import SCHEMES, Protocol
from bot.text import visible

_DESCRIPTION: Final = (
    "Which root certificate must a Java client trust? Fetches a server's certificate chain, predicts "
    "what Java makes of it and hands over the right PEM."
)
_USAGE: Final = 2
_EPILOG: Final = (
    "Settings are environment variables WHICHROOT_… and a .env file in the working directory: "
    "“whichroot settings” lists them."
)
_PROTOCOLS: Final = ", ".join(Protocol)
_CHECK: Final = """\
Which certificate is to be requested for a server?

HOST is a name, host:port, a URL or whatever else names one server: dc01.corp.example:636,
https://api.example.com/v1, ldap://dc01.corp.example (StartTLS), [2001:db8::7]:8443, a JDBC URL.
"""
_CHECK_END: Final = """\
Several hosts, or --file, give one line of JSON for each as it finishes.
Exit code 0: a validated certificate to request was found for every host. 1: not. 2: bad usage, among
it a single HOST that names no server (with --json that is a report, and 1).

  whichroot check dc01.corp.example:636
  whichroot check api.example.com --pem root.pem
  whichroot check dc01.corp.example:636 --connect 10.0.0.7
  whichroot check dc01.corp.example:636 --chain chain.txt
  whichroot check --file hosts.txt > reports.jsonl
"""
_PREDICT: Final = """\
Would Java accept these servers?

Reads one JSON object a line and writes one a line, in the same order.
In:  {"id", "chain": [PEM as served, leaf first], "installed": [PEM], "host": text|null,
      "protocol": "https"|"ldaps", "at": ISO 8601|null (now), "jdk": 11|17|21|25|null (25)}
Out: {"id", "accepted": true|false, "message": text|null}, or {"id", "error": text} for a record
     that cannot be read.
"""
_READ: Final = """\
What is in a certificate file? Reads PEM, DER, PKCS#7, PKCS#12, JKS, a pasted “openssl s_client”
output, a zip of these. A file with a private key is refused.
"""
_READ_END: Final = """\
The password of a keystore comes from --password-file, from WHICHROOT_PASSWORD, or is asked on a
terminal. Exit code 0: every file was read. 1: one was not, or not whole, or holds a private key.
2: bad usage.

  whichroot read chain.p7b --pem chain.pem
"""
_EXPLAIN: Final = """\
What does a Java error mean, and what is to be done? TEXT is the message or a whole stack trace, “-”
reads it from standard input. With --host the answer is about what that server presents now.
"""
_EXPLAIN_END: Final = """\
Exit code 0: the error is known. 1: it is not. 2: bad usage, or no text.

  whichroot explain "PKIX path building failed: unable to find valid certification path"
  whichroot explain - --host dc01.corp.example:636 --installed root.pem < connector.log
"""


_SERVE: Final = """\
Serves the bot until it is told to stop (SIGTERM, SIGINT). Slack's tokens come from SLACK_BOT_TOKEN
and SLACK_APP_TOKEN; on a terminal without them, or with --local, the bot runs in a Slack-like
workspace of its own, with servers to try, and keeps nothing.
"""
_REQUESTS: Final = "The install requests in the database that DATABASE_URL names."
_EXPORT: Final = (
    "Writes all install requests with audit trail and messages, one JSON object a line, the oldest "
    "first; or, with --csv, a table of what they are."
)
_PURGE: Final = (
    "Removes old lookups, requests that were closed long ago with all that was said about them, and "
    "what was delivered. Without options: as the settings say."
)
_RETRY: Final = (
    "Lists what could not be delivered to Slack, or has it tried again by the running bot."
)
_STATES: Final = (
    "submitted",
    "posted",
    "taken",
    "waiting",
    "installed",
    "verified",
    "rejected",
    "cancelled",
)
_DESK: Final = """\
The Matrix42 desk, where install requests become tickets. “check” signs in, looks at what the desk file
names, and says in sentences what is missing; it changes nothing there. “init” asks what is needed and
writes a desk file.
"""
_DESK_END: Final = """\
Exit code 0: nothing is missing, or the file is written. 1: something is missing. 2: bad usage, or a
desk file that cannot be used.

  whichroot desk init --file desk.toml
  whichroot desk check --file desk.toml
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments, by default the process's; ``command`` names the command. Exits with code 2 and
    a sentence on standard error when they cannot be understood."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _Parser(
        prog="whichroot",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version)
    parser.set_defaults(debug=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # What is written of the other commands is of no use to one that is named.
    named = _COMMANDS.get(given[0]) if given else None
    for add in (named,) if named else _COMMANDS.values():
        add(commands)
    if not given:
        parser.print_help(sys.stderr)
        parser.exit(_USAGE)
    if not given[0].startswith("-") and given[0] not in commands.choices:
        parser.error(_no_command(given[0], list(commands.choices)))
    if given[0].startswith("--") and given[0] not in parser._option_string_actions:
        parser.error(_no_option(given[0], list(parser._option_string_actions)))
    parsed, unknown = parser.parse_known_args(given)
    if unknown:
        command = commands.choices[parsed.command]
        command.error(_no_option(unknown[0], list(command._option_string_actions)))
    return parsed


class _Help(argparse.HelpFormatter):
    """As wide as `columns` says: argparse makes one of these for every argument, and would import
    `shutil` to learn it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=columns() - 2)


class _RawHelp(_Help, argparse.RawDescriptionHelpFormatter):
    """Descriptions as they are written."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in a sentence, without the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        text = message.removeprefix("argument ")
        text = text.replace(": expected one argument", " needs a value")
        text = text.replace("the following arguments are required: ", "there is no ")
        end = "" if text.endswith("?") else "."
        help_text = f"“{self.prog} --help” shows what can be written."
        self.exit(_USAGE, f"{self.prog}: {text}{end} {help_text}\n")


def _no_command(text: str, known: Sequence[str]) -> str:
    shown = visible(text, 60)
    if close := _closest(text, known):
        return f"“{shown}” is no command; did you mean “{close}”?"
    return (
        f"“{shown}” is no command; to look at a server write “whichroot check {shown}”. The commands "
        f"are {', '.join(known)}"
    )


def _no_option(text: str, known: Sequence[str]) -> str:
    option = text.split("=")[0]
    shown = visible(option, 60)
    if not option.startswith("-"):
        return f"“{shown}” is one word too many; put what belongs together in quotation marks"
    close = _closest(option, known)
    return f"“{shown}” is no option here" + (f"; did you mean “{close}”?" if close else "")


def _closest(text: str, known: Sequence[str]) -> str | None:
    # Imported only now that something is wrong.
    from difflib import get_close_matches

    beginning = next((word for word in known if len(text) > 2 and word.startswith(text)), None)
    return beginning or next(iter(get_close_matches(text, known, 1, 0.7)), None)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(
            option_strings, dest, nargs=0, default=argparse.SUPPRESS, help="show the version"
        )

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        from importlib.metadata import version

        print(f"whichroot {version('whichroot')}")
        parser.exit()


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    summary: str,
    description: str,
    epilog: str = "",
) -> _Parser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=_RawHelp,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--debug", action="store_true", help="show the traceback of an unexpected failure"
    )
    return parser


def _add_check(commands: argparse._SubParsersAction[_Parser]) -> None:
    check = _command(commands, "check", "which certificate to request", _CHECK, _CHECK_END)
    check.add_argument("hosts", metavar="HOST", nargs="*", help="the server")
    check.add_argument("--file", metavar="FILE", help="hosts, one a line; - reads standard input")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument(
        "--json-schema", action="store_true", help="print the JSON Schema of the report and end"
    )
    check.add_argument(
        "--protocol",
        metavar="NAME",
        type=_protocol,
        help="how TLS begins there, where the port does not tell: " + _PROTOCOLS,
    )
    check.add_argument(
        "--connect",
        metavar="ADDRESS[:PORT]",
        help="connect there; name, SNI and name check stay HOST's",
    )
    check.add_argument(
        "--chain", metavar="FILE", help="read the chain from FILE and connect nowhere but for AIA"
    )
    check.add_argument(
        "--installed",
        metavar="FILE",
        action="append",
        default=[],
        help="what the truststore holds today; may be repeated",
    )
    check.add_argument(
        "--at", metavar="TIME", type=_time, help="the time to check for, ISO 8601 (default: now)"
    )
    check.add_argument(
        "--pem", metavar="FILE", help="write the certificate to request there; - is standard output"
    )
    check.add_argument("--offline", action="store_true", help="download no issuers (AIA)")
    check.add_argument(
        "--concurrency", metavar="N", type=_count, help="how many hosts are checked at once"
    )
    check.add_argument(
        "--jobs",
        metavar="N",
        type=_count,
        help="worker processes (default: 1, or the number of cores for a long file)",
    )


def _add_predict(commands: argparse._SubParsersAction[_Parser]) -> None:
    predict = _command(commands, "predict", "what Java makes of given chains", _PREDICT)
    predict.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="records; - or none: standard input"
    )
    predict.add_argument(
        "--jobs",
        metavar="N",
        type=_count,
        help="worker processes (default: 1, or the number of cores for a large file)",
    )


def _add_read(commands: argparse._SubParsersAction[_Parser]) -> None:
    read = _command(commands, "read", "what is in a certificate file", _READ, _READ_END)
    read.add_argument("files", metavar="FILE", nargs="*", help="the file; - reads standard input")
    read.add_argument("--json", action="store_true", help="print one line of JSON for each file")
    read.add_argument(
        "--json-schema", action="store_true", help="print the JSON Schema of such a line and end"
    )
    read.add_argument(
        "--pem", metavar="FILE", help="write the certificates there; - is standard output"
    )
    read.add_argument(
        "--password-file", metavar="FILE", help="a file whose first line is the keystore's password"
    )


def _add_explain(commands: argparse._SubParsersAction[_Parser]) -> None:
    explain = _command(commands, "explain", "what a Java error means", _EXPLAIN, _EXPLAIN_END)
    explain.add_argument(
        "text", metavar="TEXT", nargs="*", help="the error; - reads standard input"
    )
    explain.add_argument("--host", metavar="HOST", help="the server that the connector cannot use")
    explain.add_argument(
        "--connect",
        metavar="ADDRESS[:PORT]",
        help="connect there; name, SNI and name check stay HOST's",
    )
    explain.add_argument(
        "--installed",
        metavar="FILE",
        action="append",
        default=[],
        help="what the truststore holds today; may be repeated",
    )
    explain.add_argument("--json", action="store_true", help="print JSON")
    explain.add_argument(
        "--json-schema", action="store_true", help="print the JSON Schema of that and end"
    )


def _add_serve(commands: argparse._SubParsersAction[_Parser]) -> None:
    serve = _command(commands, "serve", "the bot in Slack, or in a workspace of its own", _SERVE)
    serve.add_argument(
        "--local", action="store_true", help="a workspace on this machine, and servers to try"
    )
    serve.add_argument(
        "--port",
        metavar="PORT",
        type=_port,
        default=0,
        help="where the local workspace listens (default: a free port)",
    )


def _add_requests(commands: argparse._SubParsersAction[_Parser]) -> None:
    requests = _command(commands, "requests", "the install requests that are kept", _REQUESTS)
    verbs = requests.add_subparsers(dest="requests_command", metavar="VERB", required=True)
    listing = _command(verbs, "list", "list them, the newest first", "Lists install requests.")
    listing.add_argument("--state", choices=_STATES, action="append", default=[], help="only these")
    listing.add_argument("--open", action="store_true", help="only those that are not closed")
    listing.add_argument("--limit", metavar="N", type=_count, default=50, help="at most N")
    listing.add_argument("--json", action="store_true", help="print one line of JSON for each")
    show = _command(verbs, "show", "one of them, with its audit trail", "Shows one request.")
    show.add_argument("id", metavar="ID", help="as R-7K3M")
    show.add_argument("--json", action="store_true", help="print JSON, with certificates")
    export = _command(verbs, "export", "all of them, for other programs", _EXPORT)
    export.add_argument("--csv", action="store_true", help="a table for spreadsheets")
    export.add_argument("--state", choices=_STATES, action="append", default=[], help="only these")
    export.add_argument(
        "--file", metavar="FILE", default="-", help="write there; - is standard output"
    )
    purge = _command(verbs, "purge", "remove what is older than it is to be kept", _PURGE)
    purge.add_argument("--lookups-days", metavar="N", type=_count, help="lookups older than that")
    purge.add_argument(
        "--requests-days", metavar="N", type=_count, help="closed longer ago than that"
    )
    purge.add_argument("--dry-run", action="store_true", help="only say how much")
    purge.add_argument("--json", action="store_true", help="print JSON")
    retry = _command(verbs, "retry", "have what failed tried again", _RETRY)
    retry.add_argument("id", metavar="ID", nargs="?", help="an act, or a request as R-7K3M")
    retry.add_argument("--all", action="store_true", help="everything that failed")


def _add_desk(commands: argparse._SubParsersAction[_Parser]) -> None:
    desk = _command(commands, "desk", "the Matrix42 desk: set up, check", _DESK, _DESK_END)
    desk.add_argument("what", metavar="check|init", choices=("check", "init"))
    desk.add_argument(
        "--file",
        metavar="FILE",
        type=Path,
        default=None,
        help="the desk file (default: WHICHROOT_DESK_FILE)",
    )


def _add_settings(commands: argparse._SubParsersAction[_Parser]) -> None:
    settings = _command(
        commands, "settings", "the settings in force", "Lists every setting and its value in force."
    )
    settings.add_argument(
        "--markdown", action="store_true", help="print a page of the manual, without values"
    )


def _protocol(text: str) -> str:
    name = text.strip().lower()
    if name not in list(Protocol) and name in SCHEMES:
        raise argparse.ArgumentTypeError(
            f"“{name}” is a scheme; write {name}://HOST in place of --protocol"
        )
    if name not in list(Protocol):
        raise argparse.ArgumentTypeError(
            f"“{visible(text, 60)}” is no protocol that is known here; write one of {_PROTOCOLS}"
        )
    return name


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"“{visible(text, 60)}” is no time; write it as 2026-11-24 or 2026-11-24T12:00:00Z"
        ) from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text[:9]) <= 65535:
        raise argparse.ArgumentTypeError(f"“{visible(text)}” is no port from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= 1000:
        raise argparse.ArgumentTypeError(f"“{visible(text, 60)}” is no number from 1 to 1000")
    return int(text)


_COMMANDS: Final[Mapping[str, Callable[[argparse._SubParsersAction[_Parser]], None]]] = {
    "check": _add_check,
    "predict": _add_predict,
    "read": _add_read,
    "explain": _add_explain,
    "serve": _add_serve,
    "requests": _add_requests,
    "desk": _add_desk,
    "settings": _add_settings,
}
