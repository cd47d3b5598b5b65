"""The public roots that ship with the bot, and how they are looked up."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import ssl
from pathlib import Path

import certifi
import pytest
from cryptography import x509

from bot.errors import WhichrootError
from bot.pki.certificate import Certificate, Source
from bot.pki.formats import read
from bot.pki.names import Name
from bot.pki.roots import DATA_FOLDER, INDEX_NAME, STORE_NAME, Membership, PublicRoots, Root
from tests.support.authority import Issued, make_root, new_key
from tools.make_roots import CertifiRelease, Jdk, build

JDKS = Path(__file__).parents[2] / ".cache" / "jdk"
ROOTS = PublicRoots()


def certificate(issued: Issued) -> Certificate:
    return Certificate.from_der(issued.der)


def root_named(common_name: str) -> Root:
    (root,) = (r for r in ROOTS.all() if r.certificate.subject.common_name == common_name)
    return root


def release(version: str, *roots: Issued) -> CertifiRelease:
    return CertifiRelease(version, frozenset(map(certificate, roots)))


def opened(
    folder: Path, certifi: list[CertifiRelease], jdks: list[Jdk] | None = None
) -> PublicRoots:
    index, store = build(certifi, jdks or [])
    (folder / INDEX_NAME).write_bytes(index)
    (folder / STORE_NAME).write_bytes(store)
    return PublicRoots(folder)


def test_every_root_of_the_installed_certifi_is_found_by_itself_its_name_and_its_key() -> None:
    # OpenSSL reads the bundle here, not our own reader.
    bundle = ssl.create_default_context(cafile=certifi.where()).get_ca_certs(binary_form=True)
    assert len(bundle) > 100
    for der in bundle:
        certificate = Certificate.from_der(der)
        root = ROOTS.find(certificate)
        assert root is not None
        assert root.certificate == certificate
        assert root.is_current
        assert root.warning is None
        assert root in ROOTS.by_subject(certificate.subject)
        assert root in ROOTS.by_key(certificate.public_key)
        identifier = hashlib.sha1(certificate.public_key.key_octets).digest()
        assert root in ROOTS.by_key_identifier(identifier)
        if certificate.subject_key_identifier:
            assert root in ROOTS.by_key_identifier(certificate.subject_key_identifier)


@pytest.mark.parametrize("feature", ["11", "17", "21", "25"])
def test_every_certificate_of_the_jdks_cacerts_is_found(feature: str) -> None:
    (cacerts,) = (JDKS / feature).rglob("cacerts")
    certificates = [found.certificate for found in read(cacerts.read_bytes()).certificates]
    assert len(certificates) > 100
    for certificate in certificates:
        root = ROOTS.find(certificate)
        assert root is not None
        assert root.certificate == certificate
        (membership,) = (m for m in root.programmes if m.programme == f"jdk-{feature}")
        assert membership.last == ROOTS.jdks[feature]
        assert membership.is_current


@pytest.mark.parametrize(
    ("name", "last", "dropped"),
    [
        ("DigiCert High Assurance EV Root CA", "2026.2.25", "2026.4.22"),
        ("DigiCert Global Root CA", "2026.2.25", "2026.4.22"),
        ("DigiCert Assured ID Root CA", "2026.2.25", "2026.4.22"),
        ("Baltimore CyberTrust Root", "2025.1.31", "2025.4.26"),
        ("GlobalSign Root CA", "2025.1.31", "2025.4.26"),
        ("AAA Certificate Services", "2025.1.31", "2025.4.26"),
        ("DST Root CA X3", "2021.10.8", "2022.5.18.1"),
        ("AddTrust External CA Root", "2020.4.5.2", "2020.6.20"),
        ("GTE CyberTrust Global Root", "2015.4.28", "2015.9.6"),
        ("America Online Root Certification Authority 1", "1.0.1", "2015.4.28"),
    ],
)
def test_a_root_since_removed_is_known_with_the_release_that_dropped_it(
    name: str, last: str, dropped: str
) -> None:
    root = root_named(name)
    assert root.mozilla == Membership("mozilla", "1.0.1", last, dropped)
    assert not root.is_current
    assert root.source == Source("public", f"Mozilla until certifi {last}")
    assert root.warning is not None
    assert f"dropped it with certifi {dropped} ({last} was the last to hold it)" in root.warning


#: The roots above what most sites have served since 2023.
WELL_KNOWN = """\
AAA Certificate Services|Actalis Authentication Root CA|AddTrust External CA Root|AffirmTrust Commercial|Amazon Root CA 1
Amazon Root CA 2|Amazon Root CA 3|Amazon Root CA 4|Atos TrustedRoot 2011|Baltimore CyberTrust Root|Buypass Class 2 Root CA
COMODO Certification Authority|COMODO ECC Certification Authority|COMODO RSA Certification Authority|Certigna
Certum Trusted Network CA|Certum Trusted Network CA 2|Cybertrust Global Root|D-TRUST Root Class 3 CA 2 2009
DST Root CA X3|Deutsche Telekom Root CA 2|DigiCert Assured ID Root CA|DigiCert Global Root CA|DigiCert Global Root G2
DigiCert Global Root G3|DigiCert High Assurance EV Root CA|DigiCert TLS RSA4096 Root G5|DigiCert Trusted Root G4
Entrust Root Certification Authority|Entrust Root Certification Authority - EC1|Entrust Root Certification Authority - G2
Entrust.net Certification Authority (2048)|GTS Root R1|GTS Root R2|GTS Root R3|GTS Root R4|GeoTrust Global CA
GeoTrust Primary Certification Authority - G3|GlobalSign|GlobalSign Root CA|GlobalSign Root E46|GlobalSign Root R46
Go Daddy Class 2 Certification Authority|Go Daddy Root Certificate Authority - G2|HARICA TLS RSA Root CA 2021
ISRG Root X1|ISRG Root X2|IdenTrust Commercial Root CA 1|Microsoft ECC Root Certificate Authority 2017
Microsoft RSA Root Certificate Authority 2017|Network Solutions Certificate Authority|QuoVadis Root CA 1 G3
QuoVadis Root CA 2|QuoVadis Root CA 2 G3|QuoVadis Root CA 3|SSL.com EV Root Certification Authority RSA R2
SSL.com Root Certification Authority RSA|SSL.com TLS RSA Root CA 2022|Sectigo Public Server Authentication Root E46
Sectigo Public Server Authentication Root R46|SecureTrust CA|Staat der Nederlanden EV Root CA
Starfield Class 2 Certification Authority|Starfield Root Certificate Authority - G2
Starfield Services Root Certificate Authority - G2|SwissSign Gold CA - G2|T-TeleSec GlobalRoot Class 2
T-TeleSec GlobalRoot Class 3|Telekom Security TLS RSA Root 2023|TeliaSonera Root CA v1
Trustwave Global Certification Authority|USERTrust ECC Certification Authority|USERTrust RSA Certification Authority
VeriSign Class 3 Public Primary Certification Authority - G5|VeriSign Universal Root Certification Authority
XRamp Global Certification Authority|thawte Primary Root CA|thawte Primary Root CA - G3""".replace(
    "\n", "|"
).split("|")


def test_the_roots_of_well_known_sites_are_there_also_those_since_removed() -> None:
    subjects = [root.certificate.subject.text for root in ROOTS.all()]
    parts = {part.strip() for subject in subjects for part in re.split(r",|\+|\w+=", subject)}
    assert [name for name in WELL_KNOWN if name not in parts] == []


def test_a_removed_roots_warning_says_who_still_holds_it_and_what_to_do() -> None:
    assert root_named("Baltimore CyberTrust Root").warning == (
        "Mozilla's programme dropped it with certifi 2025.4.26 (2025.1.31 was the last to hold it); "
        "the cacerts of Temurin 11.0.13+8, 17.0.9+9 and 25.0.2+10 hold it. A public site that still "
        "uses it will move to another root: ask its owner when, and install the new root beside this "
        "one before that day."
    )


def test_a_root_that_left_and_came_back_counts_as_held_all_the_time() -> None:
    mozilla = root_named("GLOBALTRUST 2020").mozilla
    assert mozilla is not None
    assert (mozilla.last, mozilla.dropped) == ("2025.7.14", "2025.8.3")


def test_expired_roots_are_kept() -> None:
    assert root_named("DST Root CA X3").certificate.not_after.year == 2021


def test_opening_reads_no_certificate_and_a_lookup_only_the_one_it_finds(tmp_path: Path) -> None:
    wanted = root_named("ISRG Root X1").certificate
    whole = (DATA_FOLDER / STORE_NAME).read_bytes()
    shutil.copy(DATA_FOLDER / INDEX_NAME, tmp_path)
    roots = PublicRoots(tmp_path)
    start = whole.index(wanted.der)
    end = start + len(wanted.der)
    (tmp_path / STORE_NAME).write_bytes(bytes(start) + wanted.der + bytes(len(whole) - end))

    found = roots.find(wanted)

    assert found is not None
    assert found.certificate == wanted
    with pytest.raises(WhichrootError, match="Install the program again"):
        roots.all()


def test_a_lookup_for_an_unknown_certificate_finds_nothing() -> None:
    unknown = certificate(make_root("Nobody's Root"))
    assert ROOTS.find(unknown) is None
    assert ROOTS.by_subject(unknown.subject) == ()
    assert ROOTS.by_key(unknown.public_key) == ()
    assert ROOTS.by_key_identifier(b"") == ()
    assert ROOTS.issuers_of(unknown) == ()


def test_a_certificate_that_only_claims_a_public_issuer_has_none() -> None:
    public = x509.load_der_x509_certificate(root_named("ISRG Root X1").certificate.der)
    impostor = make_root(public.subject)
    claimed = certificate(impostor.leaf("www.example.test"))
    assert ROOTS.by_subject(claimed.issuer) != ()
    assert ROOTS.issuers_of(claimed) == ()
    assert ROOTS.find(certificate(impostor)) is None


def test_issuers_are_told_by_signature_and_the_one_meant_comes_first(tmp_path: Path) -> None:
    old, new = make_root("Re-keyed Root"), make_root("Re-keyed Root")
    reissued = make_root("Re-keyed Root", key=new.key)
    roots = opened(tmp_path, [release("1.0", old, new, reissued), release("1.1", old, reissued)])

    issuers = roots.issuers_of(certificate(new.leaf("www.example.test")))

    assert [issuer.certificate for issuer in issuers] == list(map(certificate, (reissued, new)))
    assert [issuer.is_current for issuer in issuers] == [True, False]
    assert {root.certificate for root in roots.by_subject(certificate(new).subject)} == {
        certificate(issued) for issued in (old, new, reissued)
    }


def test_a_root_is_not_its_own_issuer(tmp_path: Path) -> None:
    root = make_root("Lonely Root")
    assert opened(tmp_path, [release("1.0", root)]).issuers_of(certificate(root)) == ()


def test_a_cross_certificate_leads_to_the_root_of_the_same_name_and_key(tmp_path: Path) -> None:
    old, new = make_root("Old Root"), make_root("New Root")
    cross = old.intermediate("New Root", key=new.key)
    renamed = old.intermediate("Another Name", key=new.key)
    rekeyed = old.intermediate("New Root", key=new_key())
    roots = opened(tmp_path, [release("1.0", new)])

    found = roots.find(certificate(cross))

    assert found is not None
    assert found.certificate == certificate(new)
    assert roots.find(certificate(renamed)) is None
    assert roots.find(certificate(rekeyed)) is None
    assert roots.by_key(certificate(renamed).public_key) == (found,)


def test_names_are_compared_as_java_compares_them(tmp_path: Path) -> None:
    root = make_root("Example  Trust")
    roots = opened(tmp_path, [release("1.0", root)])
    as_utf8 = certificate(root).subject.der
    as_printable = as_utf8.replace(b"\x0c\x0eExample  Trust", b"\x13\x0eEXAMPLE  TRUST")
    assert as_printable != as_utf8
    assert len(roots.by_subject(Name.from_der(as_printable))) == 1


def test_a_root_of_a_jdk_alone_says_so(tmp_path: Path) -> None:
    root = certificate(make_root("JDK Root"))
    roots = opened(
        tmp_path,
        [release("1.0", make_root("Another"))],
        [Jdk("17", "Temurin-17.0.9+9", frozenset({root}))],
    )
    found = roots.find(root)
    assert found is not None
    assert found.source == Source("public", "cacerts of Temurin 17.0.9+9")
    assert (
        found.standing
        == "Mozilla's programme never held it; the cacerts of Temurin 17.0.9+9 hold it."
    )
    assert not found.is_current


@pytest.mark.parametrize("index", [b"", b"{}", b"[]", json.dumps({"format": 99}).encode()])
def test_a_broken_installation_is_explained(tmp_path: Path, index: bytes) -> None:
    with pytest.raises(WhichrootError, match="Install the program again"):
        PublicRoots(tmp_path)
    (tmp_path / INDEX_NAME).write_bytes(index)
    with pytest.raises(WhichrootError, match="Install the program again"):
        PublicRoots(tmp_path)


def test_an_index_without_its_store_is_explained(tmp_path: Path) -> None:
    shutil.copy(DATA_FOLDER / INDEX_NAME, tmp_path)
    with pytest.raises(WhichrootError, match="Install the program again"):
        PublicRoots(tmp_path).all()
