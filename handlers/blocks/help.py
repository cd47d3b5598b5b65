"""Help, errors and explanations: the short answers."""

from __future__ import annotations

from typing import Final

from bot.errors import WhichrootError
from bot.pki.errors import Explanation
from handlers.blocks.elements import Block, context, divider, section, top_text
from handlers.blocks.markup import Markup, code, fill, joined
from handlers.blocks.message import Message

EXAMPLES: Final = Markup(
    "Try `/cert dc01.corp.example:636`, `/cert https://api.example.com/v1`, "
    "`/cert ldap://dc01.corp.example` or several servers at once."
)
_COMMANDS: Final = Markup(
    "*`/cert dc01.corp.example:636`*  which root certificate to request for that server\n"
    "*`/cert host1 host2 …`*  several servers: a table, and a report each in its thread\n"
    "*`/cert --private host`*  the report for you alone\n"
    "*`/cert explain PKIX path building failed …`*  what a Java error means\n"
    "*`/cert mine`*  your install requests"
)
_MENTIONS: Final = Markup(
    "In a thread, where slash commands do not work, mention me:\n"
    "`@whichroot check host`  ·  `recheck`  ·  `chain`  ·  `pem`  ·  `explain error`  ·  "
    "`status`  ·  `help`"
)
_MENUS: Final = Markup(
    "In a message's menu (⋮): *Explain this TLS error*, and *Analyse certificate* on a message with "
    "a file."
)


def help_message() -> Message:
    """What the bot understands."""
    return Message(
        top_text(Markup("What I understand: `/cert host:port`, and more.")), help_blocks()
    )


def help_blocks() -> tuple[Block, ...]:
    """The same as blocks, for the App Home."""
    return (
        section(
            Markup(
                "A Matrix42 Native Connector trusts no certificate until Matrix42 installs it. I "
                "fetch a server's certificate chain, predict what Java makes of it and say *which "
                "root certificate to request*."
            )
        ),
        section(_COMMANDS),
        section(_MENTIONS),
        section(_MENUS),
    )


def talk_message(word: str = "") -> Message:
    """The answer to what asks nothing that the bot knows of; ``word`` may be a server's name."""
    text = Markup(
        "I found no server in this. I understand an address such as `dc01.corp.example:636`, and "
        "`status`, `recheck`, `chain`, `pem`, `explain`, `mine` and `help`."
    )
    if word:
        command = code(f"check {word}")
        text = fill("{} If {} is a server's name, write {}.", text, code(word), command)
    return Message(top_text(text), (section(text),))


def error_message(error: WhichrootError, *, examples: bool = False) -> Message:
    """What is wrong and what to do; with ``examples`` what to type."""
    text = fill("❌ {} {}", error.message, error.remedy)
    blocks = [section(fill("❌ {}\n{}", error.message, error.remedy))]
    if examples:
        blocks.append(context(EXAMPLES))
    return Message(top_text(text), tuple(blocks))


def explanation_message(explanation: Explanation, *, about: Markup | str = "") -> Message:
    """What an error text means; ``about`` is what a look at the server adds."""
    helps = {
        True: "A certificate in the connector's truststore can mend this.",
        False: "No certificate in the truststore can mend this.",
        None: "",
    }[explanation.truststore_helps]
    details = (
        fill("*{}*  {}", name.replace("_", " "), code(value))
        for name, value in list(explanation.details.items())[:8]
    )
    blocks: list[Block] = []
    if explanation.is_recognised:
        blocks.append(section(fill("🔎 {}", code(explanation.matched))))
    blocks.append(
        section(
            joined(
                (
                    fill("*Cause*  {}", explanation.cause),
                    fill("*Remedy*  {}", explanation.remedy),
                    helps,
                    *details,
                )
            )
        )
    )
    if explanation.also:
        blocks.append(section(joined((Markup("*Also in this text*"), *_also(explanation)))))
    if about:
        blocks += [divider(), section(about)]
    if explanation.source:
        blocks.append(context(fill("Source: {}", explanation.source)))
    text = fill("{} {}", explanation.cause, explanation.remedy)
    return Message(top_text(text), tuple(blocks))


def _also(explanation: Explanation) -> list[Markup]:
    return [fill("• {} {}", other.cause, other.remedy) for other in explanation.also[:3]]
