"""Cipher suites and groups by number and name (IANA's TLS registries), and which of them Java uses."""

from __future__ import annotations

from typing import Final

_TLS13: Final = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256",
    0x1305: "TLS_AES_128_CCM_8_SHA256",
}

_BY_KEY_EXCHANGE: Final = {
    "ECDHE_ECDSA": {
        "AES_256_GCM_SHA384": 0xC02C,
        "CHACHA20_POLY1305_SHA256": 0xCCA9,
        "AES_128_GCM_SHA256": 0xC02B,
        "AES_256_CBC_SHA384": 0xC024,
        "AES_128_CBC_SHA256": 0xC023,
        "AES_256_CBC_SHA": 0xC00A,
        "AES_128_CBC_SHA": 0xC009,
        "AES_256_CCM": 0xC0AD,
        "AES_256_CCM_8": 0xC0AF,
        "AES_128_CCM": 0xC0AC,
        "AES_128_CCM_8": 0xC0AE,
        "CAMELLIA_128_CBC_SHA256": 0xC072,
        "CAMELLIA_128_GCM_SHA256": 0xC086,
        "CAMELLIA_256_CBC_SHA384": 0xC073,
        "CAMELLIA_256_GCM_SHA384": 0xC087,
        "ARIA_128_GCM_SHA256": 0xC05C,
        "ARIA_256_GCM_SHA384": 0xC05D,
        "3DES_EDE_CBC_SHA": 0xC008,
        "RC4_128_SHA": 0xC007,
        "NULL_SHA": 0xC006,
    },
    "ECDHE_RSA": {
        "AES_256_GCM_SHA384": 0xC030,
        "CHACHA20_POLY1305_SHA256": 0xCCA8,
        "AES_128_GCM_SHA256": 0xC02F,
        "AES_256_CBC_SHA384": 0xC028,
        "AES_128_CBC_SHA256": 0xC027,
        "AES_256_CBC_SHA": 0xC014,
        "AES_128_CBC_SHA": 0xC013,
        "CAMELLIA_128_CBC_SHA256": 0xC076,
        "CAMELLIA_128_GCM_SHA256": 0xC08A,
        "CAMELLIA_256_CBC_SHA384": 0xC077,
        "CAMELLIA_256_GCM_SHA384": 0xC08B,
        "ARIA_128_GCM_SHA256": 0xC060,
        "ARIA_256_GCM_SHA384": 0xC061,
        "3DES_EDE_CBC_SHA": 0xC012,
        "RC4_128_SHA": 0xC011,
        "NULL_SHA": 0xC010,
    },
    "DHE_RSA": {
        "AES_256_GCM_SHA384": 0x009F,
        "CHACHA20_POLY1305_SHA256": 0xCCAA,
        "AES_128_GCM_SHA256": 0x009E,
        "AES_256_CBC_SHA256": 0x006B,
        "AES_128_CBC_SHA256": 0x0067,
        "AES_256_CBC_SHA": 0x0039,
        "AES_128_CBC_SHA": 0x0033,
        "AES_256_CCM": 0xC09F,
        "AES_256_CCM_8": 0xC0A3,
        "AES_128_CCM": 0xC09E,
        "AES_128_CCM_8": 0xC0A2,
        "CAMELLIA_128_CBC_SHA": 0x0045,
        "CAMELLIA_128_CBC_SHA256": 0x00BE,
        "CAMELLIA_128_GCM_SHA256": 0xC07C,
        "CAMELLIA_256_CBC_SHA": 0x0088,
        "CAMELLIA_256_CBC_SHA256": 0x00C4,
        "CAMELLIA_256_GCM_SHA384": 0xC07D,
        "ARIA_128_GCM_SHA256": 0xC052,
        "ARIA_256_GCM_SHA384": 0xC053,
        "SEED_CBC_SHA": 0x009A,
        "3DES_EDE_CBC_SHA": 0x0016,
        "DES_CBC_SHA": 0x0015,
    },
    "DHE_DSS": {
        "AES_256_GCM_SHA384": 0x00A3,
        "AES_128_GCM_SHA256": 0x00A2,
        "AES_256_CBC_SHA256": 0x006A,
        "AES_128_CBC_SHA256": 0x0040,
        "AES_256_CBC_SHA": 0x0038,
        "AES_128_CBC_SHA": 0x0032,
        "CAMELLIA_128_CBC_SHA": 0x0044,
        "CAMELLIA_128_CBC_SHA256": 0x00BD,
        "CAMELLIA_256_CBC_SHA": 0x0087,
        "CAMELLIA_256_CBC_SHA256": 0x00C3,
        "ARIA_128_GCM_SHA256": 0xC056,
        "ARIA_256_GCM_SHA384": 0xC057,
        "SEED_CBC_SHA": 0x0099,
        "3DES_EDE_CBC_SHA": 0x0013,
        "DES_CBC_SHA": 0x0012,
    },
    "RSA": {
        "AES_256_GCM_SHA384": 0x009D,
        "AES_128_GCM_SHA256": 0x009C,
        "AES_256_CBC_SHA256": 0x003D,
        "AES_128_CBC_SHA256": 0x003C,
        "AES_256_CBC_SHA": 0x0035,
        "AES_128_CBC_SHA": 0x002F,
        "AES_256_CCM": 0xC09D,
        "AES_256_CCM_8": 0xC0A1,
        "AES_128_CCM": 0xC09C,
        "AES_128_CCM_8": 0xC0A0,
        "CAMELLIA_128_CBC_SHA": 0x0041,
        "CAMELLIA_128_CBC_SHA256": 0x00BA,
        "CAMELLIA_128_GCM_SHA256": 0xC07A,
        "CAMELLIA_256_CBC_SHA": 0x0084,
        "CAMELLIA_256_CBC_SHA256": 0x00C0,
        "CAMELLIA_256_GCM_SHA384": 0xC07B,
        "ARIA_128_GCM_SHA256": 0xC050,
        "ARIA_256_GCM_SHA384": 0xC051,
        "SEED_CBC_SHA": 0x0096,
        "IDEA_CBC_SHA": 0x0007,
        "3DES_EDE_CBC_SHA": 0x000A,
        "RC4_128_MD5": 0x0004,
        "RC4_128_SHA": 0x0005,
        "DES_CBC_SHA": 0x0009,
        "NULL_MD5": 0x0001,
        "NULL_SHA": 0x0002,
        "NULL_SHA256": 0x003B,
    },
    "ECDH_ECDSA": {
        "AES_256_GCM_SHA384": 0xC02E,
        "AES_128_GCM_SHA256": 0xC02D,
        "AES_256_CBC_SHA384": 0xC026,
        "AES_128_CBC_SHA256": 0xC025,
        "AES_256_CBC_SHA": 0xC005,
        "AES_128_CBC_SHA": 0xC004,
        "3DES_EDE_CBC_SHA": 0xC003,
        "RC4_128_SHA": 0xC002,
        "NULL_SHA": 0xC001,
    },
    "ECDH_RSA": {
        "AES_256_GCM_SHA384": 0xC032,
        "AES_128_GCM_SHA256": 0xC031,
        "AES_256_CBC_SHA384": 0xC02A,
        "AES_128_CBC_SHA256": 0xC029,
        "AES_256_CBC_SHA": 0xC00F,
        "AES_128_CBC_SHA": 0xC00E,
        "3DES_EDE_CBC_SHA": 0xC00D,
        "RC4_128_SHA": 0xC00C,
        "NULL_SHA": 0xC00B,
    },
    "DHE_RSA_EXPORT": {
        "DES40_CBC_SHA": 0x0014,
    },
    "DHE_DSS_EXPORT": {
        "DES40_CBC_SHA": 0x0011,
    },
    "RSA_EXPORT": {
        "DES40_CBC_SHA": 0x0008,
        "RC4_40_MD5": 0x0003,
    },
}
"""Every suite under which a server sends a certificate, the best of a key exchange first."""

SUITES: Final[dict[int, str]] = _TLS13 | {
    number: f"TLS_{exchange}_WITH_{cipher}"
    for exchange, ciphers in _BY_KEY_EXCHANGE.items()
    for cipher, number in ciphers.items()
}

GROUPS: Final[dict[int, str]] = {
    **dict(
        enumerate(
            (
                *("sect163k1", "sect163r1", "sect163r2", "sect193r1", "sect193r2", "sect233k1"),
                *("sect233r1", "sect239k1", "sect283k1", "sect283r1", "sect409k1", "sect409r1"),
                *("sect571k1", "sect571r1", "secp160k1", "secp160r1", "secp160r2", "secp192k1"),
                *("secp192r1", "secp224k1", "secp224r1", "secp256k1", "secp256r1", "secp384r1"),
                *("secp521r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"),
                *("x25519", "x448"),
            ),
            start=1,
        )
    ),
    0x0100: "ffdhe2048",
    0x0101: "ffdhe3072",
    0x0102: "ffdhe4096",
    0x0103: "ffdhe6144",
    0x0104: "ffdhe8192",
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
}

_JAVA_GROUPS: Final = frozenset(
    {
        *("x25519", "secp256r1", "secp384r1", "secp521r1", "x448"),
        *("ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"),
    }
)
"""What ``sun.security.ssl.NamedGroup`` offers by default in JDK 25."""

_HYBRID_GROUPS: Final = frozenset({"SecP256r1MLKEM768", "X25519MLKEM768", "SecP384r1MLKEM1024"})


def suite_name(number: int) -> str:
    """The IANA name, or the number in hexadecimal for a suite that is not listed here."""
    return SUITES.get(number, f"0x{number:04X}")


def group_name(number: int) -> str:
    """The IANA name, or the number in hexadecimal for a group that is not listed here."""
    return GROUPS.get(number, f"0x{number:04X}")


def is_static_rsa(suite: str) -> bool:
    """Whether the suite is one that JDK 24 and later disable as ``TLS_RSA_*``."""
    return suite.startswith("TLS_RSA_WITH_")


def java_offers(suite: str) -> bool:
    """Whether JDK 25 offers the suite by default (``sun.security.ssl.CipherSuite`` less
    ``jdk.tls.disabledAlgorithms``)."""
    if suite.startswith("TLS_AES_"):
        return "CCM" not in suite
    exchange, _, cipher = suite.removeprefix("TLS_").partition("_WITH_")
    return suite == "TLS_CHACHA20_POLY1305_SHA256" or (
        exchange in ("ECDHE_ECDSA", "ECDHE_RSA", "DHE_RSA", "DHE_DSS")
        and cipher.startswith(("AES_", "CHACHA20_"))
        and "CCM" not in cipher
    )


def java_has_group(group: str) -> bool:
    """Whether JDK 25 can agree on a key with a server that chose ``group``: a server that prefers
    a hybrid group of ours also has its classical half."""
    return group in _JAVA_GROUPS or group in _HYBRID_GROUPS
