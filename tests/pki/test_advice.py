"""Advice: which certificate to request, and what to ask of whom."""

from __future__ import annotations

import pytest
from cryptography import x509

from bot.pki.advice import Advice, Option, advise
from bot.pki.certificate import Source
from bot.pki.company_roots import CompanyRoots
from bot.pki.findings import find
from bot.pki.java import JDKS
from bot.pki.roots import MOZILLA, Membership, Root
from tests.support.authority import Issued, make, make_root, new_key
from tests.support.evidence import DAY, HOST, NOW, certificate, evidence


def names(option: Option | None) -> list[str]:
    return [k.certificate.subject.short for k in option.certificates] if option else []


def fingerprints(option: Option | None) -> list[str]:
    return [k.certificate.sha256 for k in option.certificates] if option else []


def sha256(issued: Issued) -> str:
    return certificate(issued).sha256


def option(advice: Advice, kind: str) -> Option:
    return next(option for option in advice.options if option.option == kind)


def everywhere(option: Option) -> bool:
    return all(option.predictions[jdk].accepted for jdk in JDKS)


def public(root: Issued, *, dropped: str | None = None) -> Root:
    membership = Membership(MOZILLA, "2015.4.28", dropped or "2026.1.4", dropped)
    return Root(certificate(root), Source("public", "Mozilla"), (membership,))


@pytest.fixture
def root() -> Issued:
    return make_root("Corp Root CA", not_before=NOW - 900 * DAY)


@pytest.fixture
def issuing(root: Issued) -> Issued:
    return root.intermediate("Corp Issuing CA", not_before=NOW - 900 * DAY)


@pytest.fixture
def leaf(issuing: Issued) -> Issued:
    return issuing.leaf(HOST)


class TestHealthyChain:
    def test_the_companys_root_is_recommended(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing], company=[root]))
        assert advice.verdict == "validated"
        assert advice.recommended == option(advice, "root")
        assert fingerprints(advice.recommended) == [sha256(root)]
        assert advice.missing is None
        assert advice.request_text is None
        assert advice.installed is None

    def test_all_three_options_are_given_with_a_prediction_per_jdk(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing], company=[root]))
        assert [o.option for o in advice.options] == ["root", "intermediate", "server"]
        assert [names(o) for o in advice.options] == [["Corp Root CA"], ["Corp Issuing CA"], [HOST]]
        for one in advice.options:
            assert tuple(one.predictions) == JDKS
            assert everywhere(one)
            assert one.proven
        assert "Fallback only, not for production" in option(advice, "server").warnings[0]

    def test_who_vouches_is_part_of_the_reason(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        company = advise(evidence([leaf, issuing], company=[root])).options[0]
        assert "company's own roots (corp.pem)" in company.reason
        store = CompanyRoots([public(root)])
        known = advise(evidence([leaf, issuing], public=store))
        assert known.verdict == "validated"
        assert "Mozilla's programme holds it (certifi 2026.1.4)" in known.options[0].reason

    def test_an_anchor_that_ends_soon_comes_with_a_warning(self) -> None:
        root = make_root("Root", not_after=NOW + 100 * DAY)
        advice = advise(evidence([root.leaf(HOST)], company=[root]))
        assert any("(100 days left)" in warning for warning in advice.options[0].warnings)


class TestProvenance:
    def test_a_root_that_only_the_server_sent_is_unproven(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing, root]))
        assert advice.verdict == "unproven"
        assert fingerprints(advice.recommended) == [sha256(root)]
        assert advice.request_text is not None
        assert certificate(root).fingerprint in advice.request_text
        assert "the server itself (10.0.0.1)" in advice.request_text

    def test_a_download_does_not_prove_a_root(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing], aia=[root]))
        assert advice.verdict == "unproven"
        assert "http://aia.corp.example/ca.cer" in (advice.request_text or "")

    def test_what_is_installed_does_not_prove_itself(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing], installed=[root]))
        assert advice.verdict == "unproven"
        assert advice.installed is not None
        assert all(prediction.accepted for prediction in advice.installed.values())

    @pytest.mark.parametrize(("begin", "end"), [(-400, -1), (5, 400)])
    @pytest.mark.parametrize("has_root", [True, False])
    def test_a_server_certificate_of_the_companys_that_is_not_valid_is_not_recommended(
        self, root: Issued, begin: int, end: int, has_root: bool
    ) -> None:
        leaf = root.leaf(HOST, not_before=NOW + begin * DAY, not_after=NOW + end * DAY)
        advice = advise(evidence([leaf], company=[leaf, root] if has_root else [leaf]))
        assert option(advice, "server").is_accepted
        assert (advice.verdict, advice.recommended) == ("not_found", None)
        assert advice.request_text is not None
        if has_root:
            assert "Renew" in advice.request_text or "clock" in advice.request_text

    def test_a_valid_server_certificate_of_the_companys_is_the_last_resort(
        self, root: Issued
    ) -> None:
        leaf = root.leaf(HOST)
        advice = advise(evidence([leaf], company=[leaf]))
        assert (advice.verdict, names(advice.recommended)) == ("validated", [HOST])

    def test_a_proven_root_comes_before_one_that_a_stranger_put_above(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        stranger = make_root("Stranger", not_after=NOW + 9000 * DAY)
        copy = stranger.intermediate("Corp Issuing CA", key=issuing.key)
        advice = advise(evidence([leaf, issuing, copy, stranger], company=[root]))
        assert advice.verdict == "validated"
        assert names(advice.recommended) == ["Corp Root CA"]
        assert [names(other) for other in advice.other_roots] == [["Stranger"]]
        assert not advice.other_roots[0].proven

    def test_a_ca_outside_its_constraints_is_not_vouched_for_by_its_root(
        self, root: Issued
    ) -> None:
        constraints = x509.NameConstraints([x509.DNSName("other.example")], None)
        bound = root.intermediate("Bound CA", extensions=[(constraints, True)])
        advice = advise(evidence([bound.leaf(HOST), bound], company=[root]))
        assert not option(advice, "root").is_accepted
        assert option(advice, "intermediate").is_accepted
        assert not option(advice, "intermediate").proven
        assert advice.verdict == "unproven"

    def test_a_server_certificate_that_issued_another_is_not_vouched_for(
        self, root: Issued
    ) -> None:
        server = root.leaf("rogue.example")
        rogue = server.leaf(HOST)
        advice = advise(evidence([rogue, server], company=[root]))
        assert advice.verdict == "not_found"
        assert not option(advice, "server").proven

    def test_an_intermediate_in_the_companys_folder_is_good_without_its_root(
        self, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf], company=[issuing]))
        assert advice.verdict == "validated"
        assert advice.recommended == option(advice, "intermediate")

    def test_a_vouched_for_intermediate_comes_before_a_root_that_nobody_vouches_for(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        """A server that sends its root too must not make the verdict worse."""
        made = evidence([leaf, issuing, root], company=[issuing])
        advice = advise(made)
        assert advice.verdict == "validated"
        assert advice.recommended == option(advice, "intermediate")
        assert option(advice, "root").is_accepted
        assert not option(advice, "root").proven
        assert "root_refused" not in {finding.code for finding in find(made, advice)}
        assert advice.request_text is None


class TestChoice:
    def test_the_root_that_lives_longest_is_recommended_and_the_others_are_named(
        self,
    ) -> None:
        new = make_root("New Root", not_after=NOW + 5000 * DAY)
        old = make_root("Old Root", not_after=NOW + 700 * DAY)
        cross = old.intermediate("New Root", key=new.key)
        issuing = new.intermediate("Issuing")
        advice = advise(evidence([issuing.leaf(HOST), issuing, cross], company=[new, old]))
        assert names(advice.recommended) == ["New Root"]
        assert [names(other) for other in advice.other_roots] == [["Old Root"]]

    def test_a_root_that_is_held_today_comes_before_one_that_was_dropped(self) -> None:
        dropped = make_root("Dropped Root", not_after=NOW + 5000 * DAY)
        held = make_root("Held Root", not_after=NOW + 700 * DAY)
        cross = dropped.intermediate("Held Root", key=held.key)
        leaf = held.leaf(HOST)
        store = CompanyRoots([public(held), public(dropped, dropped="2024.7.4")])
        advice = advise(evidence([leaf, cross], public=store))
        assert names(advice.recommended) == ["Held Root"]
        assert names(advice.other_roots[0]) == ["Dropped Root"]

    def test_a_dropped_root_is_recommended_where_the_chain_needs_it(self) -> None:
        dropped = make_root("Dropped Root")
        store = CompanyRoots([public(dropped, dropped="2024.7.4")])
        advice = advise(evidence([dropped.leaf(HOST)], public=store))
        assert advice.verdict == "validated"
        assert any("dropped it with certifi 2024.7.4" in w for w in advice.options[0].warnings)

    def test_of_two_certificates_of_one_root_the_longer_lived_is_recommended(self) -> None:
        key = new_key()
        first = make_root("Root", key=key, not_after=NOW + 100 * DAY)
        second = make_root("Root", key=key, not_after=NOW + 900 * DAY)
        advice = advise(evidence([first.leaf(HOST)], company=[first, second]))
        assert fingerprints(advice.recommended) == [sha256(second)]

    def test_what_only_newer_java_accepts_is_recommended_with_a_warning(self) -> None:
        root = make_root("Root", key=new_key("ed25519"))
        advice = advise(evidence([root.leaf(HOST)], company=[root]))
        assert advice.verdict == "validated"
        assert advice.recommended is not None
        assert not everywhere(advice.recommended)
        assert not advice.recommended.predictions[11].accepted
        assert advice.recommended.predictions[17].accepted
        assert any("Java 11 still refuses" in w for w in advice.recommended.warnings)

    def test_an_intermediate_is_recommended_where_java_takes_no_root(self) -> None:
        root = make_root("Root", key_usage=["crl_sign"])
        issuing = root.intermediate("Issuing")
        advice = advise(evidence([issuing.leaf(HOST), issuing], company=[root, issuing]))
        assert not option(advice, "root").is_accepted
        assert "keyCertSign" in option(advice, "root").reason
        assert advice.recommended == option(advice, "intermediate")
        assert advice.verdict == "validated"

    def test_a_self_signed_server_is_its_own_root(self) -> None:
        server = make(HOST, names=[HOST])
        advice = advise(evidence([server]))
        assert [o.option for o in advice.options] == ["server"]
        assert advice.recommended == option(advice, "server")
        assert advice.verdict == "unproven"
        assert certificate(server).fingerprint in (advice.request_text or "")
        assert advise(evidence([server], company=[server])).verdict == "validated"

    def test_without_a_chain_there_is_nothing_to_advise(self) -> None:
        advice = advise(evidence([], []))
        assert advice == Advice("not_found", None, (), (), None, None)


class TestIncompleteChain:
    def test_root_and_intermediate_are_recommended_until_the_chain_is_mended(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf], company=[root], aia=[issuing]))
        assert advice.verdict == "validated"
        assert advice.recommended == option(advice, "root")
        assert names(advice.recommended) == ["Corp Root CA", "Corp Issuing CA"]
        reason = option(advice, "root").reason
        assert reason.startswith("With them, Java 11, 17, 21 and 25 accept the server.")
        assert "until then root and intermediate" in reason
        assert '"Corp Root CA" is one of the company\'s own roots' in reason
        assert "send its whole certificate chain" in (advice.request_text or "")
        assert certificate(issuing).fingerprint in (advice.request_text or "")

    def test_only_what_bridges_the_gap_is_added(self, root: Issued) -> None:
        upper = root.intermediate("Upper CA")
        lower = upper.intermediate("Lower CA")
        leaf = lower.leaf(HOST)
        lacks_upper = advise(evidence([leaf, lower], company=[root], aia=[upper]))
        assert names(lacks_upper.recommended) == ["Corp Root CA", "Upper CA"]
        lacks_lower = advise(evidence([leaf, upper], company=[root], aia=[lower]))
        assert names(lacks_lower.recommended) == ["Corp Root CA", "Lower CA"]
        lacks_both = advise(evidence([leaf], company=[root], aia=[upper, lower]))
        assert names(lacks_both.recommended) == ["Corp Root CA", "Lower CA"]
        for advice in (lacks_upper, lacks_lower, lacks_both):
            assert advice.verdict == "validated"

    def test_a_root_that_works_alone_comes_before_one_that_needs_help(self) -> None:
        one, two = make_root("One"), make_root("Two", not_after=NOW + 9000 * DAY)
        issuing = one.intermediate("Issuing")
        again = two.intermediate("Issuing", key=issuing.key)
        advice = advise(evidence([issuing.leaf(HOST), issuing], company=[one, two], aia=[again]))
        assert names(advice.recommended) == ["One"]

    def test_one_address_of_two_omits_the_intermediate(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing], [leaf], company=[root]))
        assert names(advice.recommended) == ["Corp Root CA", "Corp Issuing CA"]
        assert advice.verdict == "validated"


class TestAddresses:
    def test_one_root_for_different_leaves(self, root: Issued, issuing: Issued) -> None:
        chains = [[issuing.leaf(HOST), issuing] for _ in range(3)]
        advice = advise(evidence(*chains, company=[root]))
        assert names(advice.recommended) == ["Corp Root CA"]
        assert option(advice, "root").reason.startswith("With it, Java")
        assert "each of 3 addresses" in option(advice, "root").reason
        assert len(option(advice, "server").certificates) == 3

    def test_two_roots_where_no_single_one_anchors_every_address(self) -> None:
        one, two = make_root("One"), make_root("Two")
        advice = advise(evidence([one.leaf(HOST)], [two.leaf(HOST)], company=[one, two]))
        assert advice.verdict == "validated"
        assert sorted(names(advice.recommended)) == ["One", "Two"]
        assert "No single root anchors every address" in option(advice, "root").reason

    def test_a_root_for_every_address_comes_before_two(self) -> None:
        one, two = make_root("One"), make_root("Two")
        cross = one.intermediate("Two", key=two.key)
        advice = advise(evidence([one.leaf(HOST)], [two.leaf(HOST), cross], company=[one, two]))
        assert names(advice.recommended) == ["One"]

    def test_two_issuing_cas_make_one_option(self, root: Issued) -> None:
        one, two = root.intermediate("One"), root.intermediate("Two")
        advice = advise(evidence([one.leaf(HOST), one], [two.leaf(HOST), two], company=[root]))
        assert sorted(names(option(advice, "intermediate"))) == ["One", "Two"]
        assert option(advice, "intermediate").is_accepted

    def test_one_address_that_java_refuses_spoils_the_verdict(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        old = issuing.leaf(HOST, not_before=NOW - 99 * DAY, not_after=NOW - DAY)
        advice = advise(evidence([leaf, issuing], [old, issuing], company=[root]))
        assert advice.verdict == "not_found"
        assert advice.recommended is None
        assert fingerprints(option(advice, "root")) == [sha256(root)]

    def test_a_root_that_is_missing_at_one_address_is_asked_for_and_not_replaced(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        hidden = make_root("Hidden Root").intermediate("Hidden Issuing")
        advice = advise(evidence([leaf, issuing], [hidden.leaf(HOST), hidden], company=[root]))
        assert advice.verdict == "not_found"
        assert advice.recommended is None
        assert option(advice, "intermediate").is_accepted
        assert advice.missing is not None
        assert advice.missing.subject == "CN=Hidden Root"
        assert advice.missing.addresses == ("10.0.0.2",)
        reason = option(advice, "root").reason
        assert "accepts the server at 10.0.0.1 and still refuses it at 10.0.0.2" in reason

    def test_each_missing_root_is_asked_for_once(self) -> None:
        one = make_root("One").intermediate("Issuing One")
        two = make_root("Two").intermediate("Issuing Two")
        chains = [[one.leaf(HOST), one], [two.leaf(HOST), two], [one.leaf(HOST), one]]
        advice = advise(evidence(*chains))
        text = advice.request_text or ""
        assert text.count("Please provide the root certificate") == 2
        assert "- Subject: CN=One" in text
        assert "- Subject: CN=Two" in text
        assert advice.missing is not None
        assert advice.missing.addresses == ("10.0.0.1", "10.0.0.3")

    def test_two_certificates_of_one_missing_issuer_ask_for_it_once(self, root: Issued) -> None:
        one, two = root.intermediate("Issuing One"), root.intermediate("Issuing Two")
        advice = advise(evidence([one.leaf(HOST), one], [two.leaf(HOST), two]))
        assert (advice.request_text or "").count("Please provide the root certificate") == 1
        assert advice.missing is not None
        assert advice.missing.addresses == ("10.0.0.1", "10.0.0.2")

    def test_a_self_signed_address_beside_one_of_a_ca_needs_both(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        alone = make(HOST, names=[HOST])
        advice = advise(evidence([leaf, issuing], [alone], company=[root]))
        assert advice.verdict == "unproven"
        assert advice.recommended == option(advice, "root")
        assert set(fingerprints(advice.recommended)) == {sha256(root), sha256(alone)}
        assert advice.recommended is not None
        assert everywhere(advice.recommended)
        text = advice.request_text or ""
        assert certificate(alone).fingerprint in text
        assert certificate(root).fingerprint not in text


class TestMissingIssuer:
    def test_the_root_is_asked_for_by_subject_and_key(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing]))
        assert advice.verdict == "not_found"
        assert advice.recommended is None
        assert advice.missing is not None
        assert advice.missing.wanted_by == certificate(issuing)
        assert advice.missing.subject == "CN=Corp Root CA"
        identifier = certificate(root).subject_key_identifier
        assert identifier is not None
        assert advice.missing.key_identifier == identifier.hex(":").upper()
        assert advice.missing.addresses == ("10.0.0.1",)
        assert [o.is_accepted for o in advice.options] == [True, True]

    def test_the_message_can_be_forwarded_as_it_is(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        text = advise(evidence([leaf, issuing])).request_text
        assert text is not None
        assert text.startswith(
            "Please provide the root certificate for this system in base64 encoded PEM format."
        )
        for part in (
            f"System: {HOST} (10.0.0.1)",
            'the CA "Corp Root CA"',
            "Subject: CN=Corp Root CA",
            "Subject key identifier: ",
            certificate(issuing).fingerprint,
            "certutil -ca.cert",
            "certsrv",
            "a private key",
        ):
            assert part in text
        assert not {"*", "`", "_", "<http"} & set(text.split())

    def test_of_a_lone_leaf_the_issuing_ca_is_asked_for(self, root: Issued) -> None:
        issuing = root.intermediate("Corp Issuing CA")
        leaf = issuing.leaf(HOST, ca_issuers=["ldap:///CN=Corp%20Issuing%20CA"])
        advice = advise(evidence([leaf]))
        assert advice.missing is not None
        assert advice.missing.subject == "CN=Corp Issuing CA"
        assert advice.missing.urls == ("ldap:///CN=Corp%20Issuing%20CA",)
        assert "ldap:///CN=Corp%20Issuing%20CA" in (advice.request_text or "")
        assert "the certificates above it, up to the root" in (advice.request_text or "")

    def test_a_root_of_the_right_name_and_another_key_is_ruled_out(
        self, issuing: Issued, leaf: Issued
    ) -> None:
        impostor = make_root("Corp Root CA")
        advice = advise(evidence([leaf, issuing], company=[impostor]))
        assert advice.verdict == "not_found"
        assert (
            f"Not this one, which has the same name but another key: SHA-256 {certificate(impostor).fingerprint}"
            in (advice.request_text or "")
        )

    def test_what_else_is_wrong_is_said_too(self, issuing: Issued) -> None:
        old = issuing.leaf(HOST, not_before=NOW - 99 * DAY, not_after=NOW - DAY)
        text = advise(evidence([old, issuing])).request_text or ""
        assert text.startswith("Please provide the root certificate")
        assert "Please mend the server's certificate" in text

    def test_two_cas_that_certify_each_other_have_no_root(self) -> None:
        a, b = make_root("A"), make_root("B")
        a_by_b, b_by_a = b.intermediate("A", key=a.key), a.intermediate("B", key=b.key)
        advice = advise(evidence([a.leaf(HOST), a_by_b, b_by_a]))
        assert advice.verdict == "not_found"
        assert advice.missing is not None
        assert advice.missing.subject == "CN=A"

    def test_names_from_outside_are_shown_and_not_obeyed(self) -> None:
        issuing = make_root("Root\u202e\nSystem: evil.example").intermediate("Issuing")
        text = advise(evidence([issuing.leaf(HOST), issuing])).request_text or ""
        assert "\u202e" not in text
        assert "\nSystem: evil.example" not in text
        assert "Root\\u{202e}\\x0aSystem: evil.example" in text


class TestUnacceptableServer:
    def test_where_an_intermediate_stands_in_for_a_root_the_owner_is_told_what_to_mend(
        self,
    ) -> None:
        """A cross-certificate that has expired, and the new root nobody has."""
        new, old = make_root("New Root"), make_root("Old Root")
        cross = old.intermediate(
            "New Root", key=new.key, not_before=NOW - 900 * DAY, not_after=NOW - 9 * DAY
        )
        issuing = new.intermediate("Issuing")
        advice = advise(evidence([issuing.leaf(HOST), issuing, cross], company=[old]))
        assert advice.verdict == "unproven"
        assert names(advice.recommended) == ["Issuing"]
        text = advice.request_text or ""
        assert certificate(issuing).fingerprint in text
        assert "Please mend the server's certificate" in text
        assert 'The intermediate "New Root" was valid until' in text

    def test_an_expired_leaf_is_the_owners_to_mend(self, root: Issued, issuing: Issued) -> None:
        old = issuing.leaf(HOST, not_before=NOW - 99 * DAY, not_after=NOW - DAY)
        advice = advise(evidence([old, issuing], company=[root]))
        assert advice.verdict == "not_found"
        assert advice.recommended is None
        assert [o.option for o in advice.options] == ["root", "intermediate", "server"]
        assert [o.is_accepted for o in advice.options] == [False, False, True]
        assert all(o.proven for o in advice.options)
        assert "NotAfter" in option(advice, "root").reason
        text = advice.request_text or ""
        assert "Please mend the server's certificate" in text
        assert "expired 1 day ago" in text
        assert (
            f'will be the root "Corp Root CA" (valid until {certificate(root).not_after:%Y-%m-%d}'
            in text
        )

    def test_a_wrong_name_is_mended_by_no_pem(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([leaf, issuing], host="other.example", company=[root]))
        assert advice.verdict == "not_found"
        assert not any(o.is_accepted for o in advice.options)
        assert f'"{HOST}"' in (advice.request_text or "")

    def test_the_root_is_found_though_the_leaf_is_not_first(
        self, root: Issued, issuing: Issued, leaf: Issued
    ) -> None:
        advice = advise(evidence([issuing, leaf], company=[root]))
        assert advice.verdict == "not_found"
        assert names(option(advice, "root")) == ["Corp Root CA"]
        assert names(option(advice, "server")) == [HOST]
        assert "first in its chain file" in (advice.request_text or "")
