"""What names give away: a test system, a product's placeholder, a TLS-inspecting product.

Names are chosen freely, so these are signs and never proof.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

from bot import patterns
from bot.pki.certificate import Certificate
from bot.pki.keeping import kept
from bot.pki.names import Name

Environment: TypeAlias = Literal["test", "production"]

_TEST_WORDS = frozenset(
    """
    test tests testing tst qa qas staging stage stg uat acceptance abnahme dev devel development
    entw entwicklung int integration demo sandbox sbx preprod nonprod prelive lab fake pretend dummy
    """.split()
)
#: In a CA's name this is short for "intermediate".
_TEST_WORDS_OF_AUTHORITIES = _TEST_WORDS - {"int"}
_NEGATED_PRODUCTION = patterns.lazy(r"\b(pre|non)[-_ ]?prod(?:uction)?(?![a-z])", re.IGNORECASE)
_PRODUCTION_WORDS = frozenset("prod production prd produktion produktiv".split())
#: A word of mixed case falls into its parts, and digits behind a word are a number.
_WORD = patterns.lazy(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

#: Products that open TLS connections and show a certificate of their own, by what their CA's names
#: hold, as `_spoken` writes them. Sources: each vendor's documentation of the CA that its product makes.
_INSPECTORS = (
    ("Zscaler", (" zscaler",)),
    ("Netskope", ("netskope", "goskope")),
    ("Symantec (Blue Coat) ProxySG", ("blue coat", "bluecoat", "proxysg", "symantec web security")),
    ("Palo Alto Networks", ("palo alto", "paloalto", "prisma access", " pan os ")),
    ("Fortinet FortiGate", ("fortinet", "fortigate", "fortiproxy", "fortisase")),
    ("Sophos", (" sophos", "cyberoam")),
    ("Skyhigh (McAfee) Web Gateway", ("mcafee", "skyhigh", " mwg ", "trellix")),
    ("Cisco Umbrella", ("cisco umbrella", "opendns")),
    (
        "Cisco Secure Web Appliance",
        ("ironport", "cisco web security", "cisco wsa", "cisco secure web"),
    ),
    ("Check Point", ("check point", "checkpoint")),
    ("Barracuda", ("barracuda",)),
    ("Forcepoint", ("forcepoint", "websense")),
    ("Cloudflare Gateway", ("cloudflare for teams", "gateway ca cloudflare")),
    ("iboss", (" iboss ",)),
    ("Menlo Security", ("menlo security", "menlosecurity")),
    ("Cato Networks", ("cato networks",)),
    ("Trend Micro", ("trend micro", "trendmicro", "interscan")),
    ("WatchGuard", ("watchguard", "fireware")),
    ("SonicWall", ("sonicwall",)),
    ("Smoothwall", ("smoothwall",)),
    ("Lightspeed", ("lightspeed",)),
    ("Kaspersky", ("kaspersky",)),
    ("Avast or AVG", (" avast", " avg web", " avg technologies")),
    ("ESET", (" eset ",)),
    ("Bitdefender", ("bitdefender",)),
    ("AdGuard", ("adguard",)),
    ("Dr.Web", ("dr web", "drweb")),
    ("mitmproxy", ("mitmproxy",)),
    ("Charles Proxy", ("charles proxy",)),
    ("Fiddler", ("fiddler",)),
    ("Burp Suite", ("portswigger", " burp")),
    ("OWASP ZAP", ("zed attack proxy", " zap root ca ", " zap ca ")),
    ("Proxyman", ("proxyman",)),
    ("HTTP Toolkit", ("http toolkit",)),
    ("Squid", (" squid ",)),
)

#: What products put into the certificate that they make before anybody configures them, likewise.
_PLACEHOLDERS = (
    "kubernetes ingress controller fake",
    "traefik default",
    "snake oil",
    "snakeoil",
    "internet widgits",
    "some organization",
    "someorganization",
    "default company ltd",
    "localhost",
    " plesk ",
    "vmware default",
    "acme co ",
    "my company",
    "mycompany",
    "self signed certificate",
    "selfsigned certificate",
)
_PLACEHOLDER_DOMAIN = " example com "

#: Endings that name no public host (RFC 6761, RFC 6762, RFC 8375, RFC 9476, and usage).
_INTERNAL_ENDINGS = frozenset(
    """
    local localdomain localhost lan corp internal intern intra intranet home private priv ad domain
    example test invalid onion alt arpa office company site-local dmz mgmt
    """.split()
)

#: Services that everybody reaches over the Internet under these domains, with public roots.
_PUBLIC_SERVICES = tuple(
    """
    microsoft.com microsoftonline.com windows.net azure.com office.com office365.com outlook.com
    sharepoint.com live.com google.com googleapis.com amazonaws.com amazon.com cloudfront.net
    salesforce.com force.com service-now.com atlassian.com atlassian.net github.com gitlab.com
    okta.com workday.com myworkday.com sap.com ondemand.com successfactors.com slack.com zoom.us
    dropbox.com box.com zendesk.com hubspot.com docusign.net adobe.com oracle.com oraclecloud.com
    ibm.com servicenowservices.com freshservice.com jamfcloud.com pagerduty.com datadoghq.com
    twilio.com sendgrid.net stripe.com paypal.com personio.de personio.com bamboohr.com
    matrix42.com marketplace4.com
    """.split()
)


def authority_environment(name: str) -> tuple[Environment, str] | None:
    """Which environment a CA's name speaks of, and the word that says so; None where it is silent.

    Words are whole: ``contest`` and ``intranet`` say nothing, ``test01``, ``TestCA`` and
    ``erp-tst`` do. A test word outweighs a production word.
    """
    return _environment(name, _TEST_WORDS_OF_AUTHORITIES)


def host_environment(host: str) -> tuple[Environment, str] | None:
    """As :func:`authority_environment`, of a host name without its ending, which is ``.test`` or
    ``.dev`` for other reasons."""
    return _environment(host.rpartition(".")[0] or host, _TEST_WORDS)


def inspection_product(certificates: Iterable[Certificate]) -> str | None:
    """The TLS-inspecting product whose name the issuers of these certificates bear."""
    for certificate in certificates:
        if product := _inspecting(" ".join(_values(certificate.issuer))):
            return product
    return None


@kept(256)
def _inspecting(text: str) -> str | None:
    spoken = _spoken(text)
    return next(
        (product for product, signs in _INSPECTORS if any(sign in spoken for sign in signs)), None
    )


def is_placeholder(leaf: Certificate) -> bool:
    """Whether a product made this certificate to have one at all."""
    return any(_is_placeholder(_spoken(value)) for value in _values(leaf.subject))


def _is_placeholder(spoken: str) -> bool:
    return spoken.endswith(_PLACEHOLDER_DOMAIN) or any(sign in spoken for sign in _PLACEHOLDERS)


def _spoken(text: str) -> str:
    """``text`` in lower case, its words between single spaces: `` gateway ca cloudflare ``."""
    plain = "".join(sign if sign.isalnum() else " " for sign in text.lower())
    return f" {' '.join(plain.split())} "


def is_public_name(host: str) -> bool:
    """Whether the host's name could be resolved on the Internet, by its ending."""
    labels = host.lower().split(".")
    return (
        len(labels) > 1
        and labels[-1] not in _INTERNAL_ENDINGS
        and not labels[-1].isdigit()
        and ":" not in host
    )


def is_public_service(host: str) -> bool:
    """Whether the host belongs to a well-known service on the Internet."""
    lowered = f".{host.lower()}"
    return any(lowered.endswith(f".{domain}") for domain in _PUBLIC_SERVICES)


def is_global_address(address: str) -> bool:
    """Whether ``address`` is one of the Internet's (False for what is no address)."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


@kept(256, lambda text, test_words: len(text))
def _environment(text: str, test_words: frozenset[str]) -> tuple[Environment, str] | None:
    plain = _NEGATED_PRODUCTION.sub(r"\1prod", text) if "prod" in text.lower() else text
    words = [word.lower() for word in _WORD.findall(plain)]
    for word in words:
        if word in test_words:
            return "test", word
    for word in words:
        if word in _PRODUCTION_WORDS:
            return "production", word
    return None


def _values(name: Name) -> list[str]:
    return [attribute.text for rdn in name.rdns for attribute in rdn]
