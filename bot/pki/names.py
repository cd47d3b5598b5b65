"""X.500 names: how Java compares them and how a person reads them."""

from __future__ import annotations

import unicodedata

from bot import patterns
from bot.computed import cached_property
from bot.pki import der
from bot.pki.keeping import kept
from bot.records import record
from bot.text import visible

COMMON_NAME = "2.5.4.3"
EMAIL_ADDRESS = "1.2.840.113549.1.9.1"
DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25"

#: The attribute types that RFC 2253 §2.3 gives a keyword; Java's canonical form writes the others
#: as dotted OIDs with the value in hexadecimal (``sun.security.x509.AVA``).
_RFC2253_KEYWORDS = {
    COMMON_NAME: "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.9": "STREET",
    DOMAIN_COMPONENT: "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
_KEYWORDS = _RFC2253_KEYWORDS | {
    "2.5.4.4": "SURNAME",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.12": "T",
    "2.5.4.42": "GIVENNAME",
    "2.5.4.46": "DNQ",
    "2.5.4.97": "organizationIdentifier",
    EMAIL_ADDRESS: "EMAILADDRESS",
}
_CHARSETS = {
    der.PRINTABLE_STRING: "latin-1",
    der.TELETEX_STRING: "latin-1",
    der.IA5_STRING: "latin-1",
    der.GENERAL_STRING: "latin-1",
    der.VISIBLE_STRING: "latin-1",
    der.BMP_STRING: "utf-16-be",
    der.UNIVERSAL_STRING: "utf-32-be",
    der.UTF8_STRING: "utf-8",
}
_ESCAPED = frozenset(',+<>;"\\')
#: Words of ASCII with single spaces between them, in which nothing is escaped.
_PLAIN = patterns.lazy(rb'(?!#)[^\0- ,+<>;"\\\x7f-\xff]+(?: [^\0- ,+<>;"\\\x7f-\xff]+)*')
#: What Java's ``String.trim`` removes: everything up to and including the space.
_TRIMMED = "".join(map(chr, range(0x21)))


@record(slots=False)
class Attribute:
    """One attribute of a name: its type (dotted OID), the tag of its value and the value's octets."""

    oid: str
    tag: int
    content: bytes

    @property
    def text(self) -> str:
        """The value as text, as sent (not escaped); octets that are no text as ``#`` and hex."""
        charset = _CHARSETS.get(self.tag)
        if charset is None:
            return "#" + der.encode(self.tag, self.content).hex()
        return self.content.decode(charset, "replace")

    @property
    def as_utf8(self) -> Attribute:
        """The same with a PrintableString of more than ASCII taken for UTF-8."""
        if self.tag != der.PRINTABLE_STRING or self.content.isascii():
            return self
        return Attribute(self.oid, der.UTF8_STRING, self.content)

    @cached_property
    def canonical(self) -> str:
        """Java's canonical form (``AVA.toRFC2253CanonicalString``): two attributes are equal when
        these are. Only PrintableString and UTF8String values are compared without regard to case
        and white space; any other type must match octet by octet."""
        keyword = _RFC2253_KEYWORDS.get(self.oid)
        if keyword is None or self.tag not in (der.PRINTABLE_STRING, der.UTF8_STRING):
            hexadecimal = der.encode(self.tag, self.content).hex()
            return f"{(keyword or self.oid).lower()}=#{hexadecimal}"
        if _PLAIN.fullmatch(self.content):
            # Nothing to escape, and no white space to take out.
            return f"{keyword}={self.text}".lower()
        shown: list[str] = []
        after_space = False
        for index, character in enumerate(self.text):
            if character in _ESCAPED or (index == 0 and character == "#"):
                shown.append("\\")
            elif character == " " and after_space:
                continue
            after_space = character == " "
            shown.append(character)
        value = "".join(shown).strip(_TRIMMED)
        return unicodedata.normalize("NFKD", f"{keyword}={value}".upper().lower())


@record(slots=False)
class Name:
    """An X.500 distinguished name.

    ``rdns`` holds the relative distinguished names in the order of the encoding (country first),
    each with its attributes.
    """

    der: bytes
    rdns: tuple[tuple[Attribute, ...], ...]

    @staticmethod
    @kept(256)
    def from_der(data: bytes) -> Name:
        """The name in ``data`` (a whole SEQUENCE). Raises DerError."""
        return Name(data, tuple(map(_rdn, der.elements(der.content(data, der.SEQUENCE)))))

    @cached_property
    def key(self) -> bytes:
        """Equal for two names exactly when ``X500Principal.equals`` says that they are equal."""
        relative = (
            "+".join(sorted(attribute.canonical for attribute in rdn))
            for rdn in reversed(self.rdns)
        )
        return ",".join(relative).encode("utf-8", "surrogatepass")

    @cached_property
    def text(self) -> str:
        """The name as a person reads it, most specific part first (RFC 4514), untrusted characters
        made visible."""
        relative = (
            "+".join(
                f"{_KEYWORDS.get(attribute.oid, attribute.oid)}={_escape(attribute.text)}"
                for attribute in rdn
            )
            for rdn in reversed(self.rdns)
        )
        return visible(", ".join(relative), limit=1000)

    def most_specific(self, oid: str) -> Attribute | None:
        """The attribute ``oid`` of the last relative name that has one; of several there the first
        (``X500Name.findMostSpecificAttribute``)."""
        for rdn in reversed(self.rdns):
            for attribute in rdn:
                if attribute.oid == oid:
                    return attribute
        return None

    @property
    def as_utf8(self) -> Name:
        """The name with each PrintableString taken for UTF-8, which differs where one holds more
        than ASCII."""
        return self._other_as_utf8 or self

    @cached_property
    def _other_as_utf8(self) -> Name | None:
        """None for itself: what refers to itself is freed late."""
        rdns = tuple(tuple(attribute.as_utf8 for attribute in rdn) for rdn in self.rdns)
        return None if rdns == self.rdns else Name(self.der, rdns)

    @property
    def common_name(self) -> str | None:
        """The most specific common name, untrusted characters made visible."""
        attribute = self.most_specific(COMMON_NAME)
        return None if attribute is None else visible(attribute.text)

    @property
    def organization(self) -> str | None:
        """The organization, untrusted characters made visible."""
        names = self.all("2.5.4.10")
        return visible(names[-1]) if names else None

    @property
    def short(self) -> str:
        """What a person would call the bearer: the common name, else the most specific part."""
        return self.common_name or self.text or "(empty name)"

    def all(self, oid: str) -> list[str]:
        """Every value of the attribute type ``oid``, as sent (not escaped), in encoded order."""
        return [attribute.text for rdn in self.rdns for attribute in rdn if attribute.oid == oid]

    def __bool__(self) -> bool:
        return bool(self.rdns)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Name) and self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.text


@kept(256)
def _rdn(element: bytes) -> tuple[Attribute, ...]:
    """Kept, since country, organisation and domain are the same in many names."""
    if element[0] != der.SET:
        raise der.DerError("a relative distinguished name that is not a SET")
    content = der.content(element, der.SET)
    return tuple(_attribute(tag, attribute) for tag, attribute in der.children(content))


def _attribute(tag: int, content: bytes) -> Attribute:
    if tag != der.SEQUENCE:
        raise der.DerError("a name's attribute that is not a SEQUENCE")
    parts = list(der.children(content))
    if len(parts) != 2 or parts[0][0] != der.OID:
        raise der.DerError("a malformed attribute in a name")
    value_tag, value = parts[1]
    if value_tag == der.BMP_STRING and len(value) % 2:
        raise der.DerError("a BMPString of an odd length")
    return Attribute(der.oid(parts[0][1]), value_tag, value)


def _escape(value: str) -> str:
    escaped = "".join("\\" + c if c in _ESCAPED else c for c in value)
    if escaped[:1] in ("#", " "):
        escaped = "\\" + escaped
    return escaped[:-1] + "\\ " if len(escaped) > 1 and escaped.endswith(" ") else escaped
