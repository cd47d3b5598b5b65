"""What a connection refuses besides what a trust manager does; ``test_handshakes`` holds the leaf's
keys to real clients."""

from __future__ import annotations

import pytest

from bot.pki.certificate import Certificate
from bot.pki.java import JDKS, predict
from tests.conformance import extensions as ext
from tests.conformance.drafts import Draft, encode
from tests.conformance.hierarchies import simple_name
from tests.conformance.keys import Key, Pss, pool, pss_twin
from tests.support.authority import make_root
from tests.support.evidence import DAY, NOW, certificate

HANDSHAKE_FAILURE = "Received fatal alert: handshake_failure"
_KEYS = pool()


def told(key: Key, jdk: int, *, connected: bool = True) -> str | None:
    """The message for a leaf with this key below a sound root."""
    root = Draft("Root", simple_name("Root"), _KEYS["secp256r1-0"], None, 1, NOW - DAY, NOW + DAY)
    root.set(ext.BASIC_CONSTRAINTS, ext.basic_constraints(True), critical=True)
    leaf = Draft("leaf", simple_name("leaf"), key, root, 2, NOW - DAY, NOW + DAY)
    leaf_der, root_der = encode([leaf, root], {})
    prediction = predict(
        [Certificate.from_der(leaf_der)],
        [Certificate.from_der(root_der)],
        host=None,
        jdk=jdk,
        connected=connected,
    )
    assert prediction.accepted is (prediction.message is None)
    return prediction.message


@pytest.mark.parametrize("jdk", [17, 21, 25])
@pytest.mark.parametrize("label", ["secp224r1-0", "secp256k1-0", "brainpoolP256r1-0"])
def test_a_curve_that_java_has_no_more_fails_the_handshake(label: str, jdk: int) -> None:
    assert told(_KEYS[label], jdk) == HANDSHAKE_FAILURE
    assert told(_KEYS[label], jdk, connected=False) is None


@pytest.mark.parametrize("jdk", JDKS)
@pytest.mark.parametrize("label", ["secp192r1-0", "rsa768-0"])
def test_what_the_trust_manager_says_comes_first(label: str, jdk: int) -> None:
    message = told(_KEYS[label], jdk)
    assert message is not None
    assert "Algorithm constraints check failed" in message


@pytest.mark.parametrize("label", ["ed25519-0", "ed448-0"])
def test_java_11_has_no_edwards_curves(label: str) -> None:
    assert told(_KEYS[label], 11) == HANDSHAKE_FAILURE
    assert told(_KEYS[label], 11, connected=False) is None
    assert told(_KEYS[label], 17) is None


@pytest.mark.parametrize("jdk", JDKS)
def test_a_pss_key_is_for_schemes_of_tls_alone(jdk: int) -> None:
    rsa = _KEYS["rsa2048-0"]
    assert told(pss_twin(rsa, None), jdk) is None
    assert told(pss_twin(rsa, Pss()), jdk) is None
    assert told(pss_twin(rsa, Pss("sha1", "sha1", 20)), jdk) == HANDSHAKE_FAILURE
    assert told(pss_twin(rsa, Pss("sha256", "sha1", 32)), jdk) == HANDSHAKE_FAILURE


@pytest.mark.parametrize("label", ["rsa1024-0", "secp256r1-1", "secp521r1-0", "dsa2048-0"])
@pytest.mark.parametrize("jdk", JDKS)
def test_other_keys_pass(label: str, jdk: int) -> None:
    assert told(_KEYS[label], jdk) is None


def test_eleven_certificates_are_too_many() -> None:
    root = make_root("Root")
    leaf = certificate(root.leaf("a.test"))
    others = [certificate(make_root(f"Other {i}")) for i in range(10)]
    anchor = certificate(root)
    assert predict([leaf, *others[:9]], [anchor], host="a.test").accepted
    message = predict([leaf, *others], [anchor], host="a.test").message
    assert message == "The certificate chain length (11) exceeds the maximum allowed length (10)"
    assert predict([leaf, *others], [anchor], host="a.test", connected=False).accepted


def test_a_message_over_32_kib_is_too_large() -> None:
    root = make_root("Root")
    names = [f"name-{i:06}.example.test" for i in range(1300)]
    leaf = certificate(root.leaf("a.test", names=["a.test", *names]))
    prediction = predict([leaf], [certificate(root)], host="a.test")
    size = len(leaf.der) + 6
    assert size > 32_768
    assert prediction.message == (
        f"The size of the handshake message ({size}) exceeds the maximum allowed size (32768)"
    )
