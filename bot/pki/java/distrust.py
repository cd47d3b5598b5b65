"""Authorities and certificates that the JDK itself refuses, whatever is installed
(``CADistrustPolicy``, ``UntrustedCertificates``). Facts of the JDK, each a SHA-256 fingerprint."""

from __future__ import annotations

from datetime import UTC, date, datetime

from bot.pki.certificate import Certificate
from bot.pki.java.rejection import Rejected
from bot.pki.java.releases import Jdk
from bot.records import record

#: Legacy Symantec roots (``SymantecTLSPolicy``).
_SYMANTEC = frozenset(
    """
    ff856a2d251dcd88d36656f450126798cfabaade40799c722de4d2b5db36a73a
    37d51006c512eaab626421f1ec8c92013fc5f82ae98ee533eb4619b8deb4d06c
    5edb7ac43b82a06a8761e8d7be4979ebf2611f7dd79bf91c1c6b566a219ed766
    b478b812250df878635c2aa7ec7d155eaa625ee82916e2cd294361886cd1fbd4
    a0459b9f63b22559f5fa5d4c6db3f9f72ff19342033578f073bf1d1b46cbb912
    8d722f81a9c113c0791df136a2966db26c950a971db46b4199f4ea54b78bfb9f
    a4310d50af18a6447190372a86afaf8b951ffb431d837f1e5688b45971ed1557
    4b03f45807ad70f21bfc2cae71c9fde4604c064cf5ffb686bae5dbaad7fdd34c
    3f9f27d583204b9e09c8a3d2066c4b57d3a2479c3693650880505698105dbce9
    3a43e220fe7f3ea9653d1e21742eac2b75c20fd8980305bc502caf8c2d9b41a1
    a4b6b3996fc2f306b3fd8681bd63413d8c5009cc4fa329c2ccf0e2fa1b140305
    83ce3c1229688a593d485f81973c0f9195431eda37cc5e36430e79c7a888638b
    eb04cf5eb1f39afa762f2bb120f296cba520c1b97db1589565b81cb9a17b7244
    69ddd7ea90bb57c93e135dc85ea6fcd5480b603239bdc454fc758b2a26cf7f79
    9acfab7e43c8d880d06b262a94deeee4b4659989c3d0caf19baf6405e41ab7df
    2399561127a57125de8cefea610ddf2fa078b5c8067f4e828290bfb860e84b3c
    """.split()
)

#: Intermediates below them that were granted more time.
_SYMANTEC_EXEMPT = frozenset(
    """
    ac2b922ecfd5e01711772fea8ed372de9d1e2245fce3f57a9cdbec77296a424b
    a4fe7c7f15155f3f0aef7aaa83cf6e06deb97ca3f909df920ac1490882d488ed
    """.split()
)

#: ``EntrustTLSPolicy``.
_ENTRUST = frozenset(
    """
    73c176434f1bc6d5adf45b0e76e727287c8de57616c1e6e6141a2b2cbc7d8e4c
    02ed0eb28c14da45165c566791700d6451d7fb56f0b2ab1d3b8eb070e56edff5
    43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339
    db3517d1f6732a2d5ab97c533ec70779ee3270a62fb4ac4238372460e6f01e88
    6dc47172e01cbcb0bf62580d895fe2b8ac9ad4f873801e0c10b9c837d21eb177
    """.split()
)

#: ``CamerfirmaTLSPolicy``.
_CAMERFIRMA = frozenset(
    """
    063e4afac491dfd332f3089b8542e94617d893d7fe944e10a7937ee29d9693c0
    """.split()
)

#: ``ChunghwaTLSPolicy``.
_CHUNGHWA = frozenset(
    """
    c0a6f4dc63a24bfdcf54ef2a6a082a0a72de35803e2ff5ff527ae5d87206dfd5
    """.split()
)

#: ``lib/security/blocked.certs``: stolen, misissued and withdrawn certificates.
_BLOCKED = frozenset(
    """
    03db9e5e79fe6117177f81c11595af598cb176af766290dbceb2c318b32e39a2
    08c396c006a21055d00826a5781a5ccfce2c8d053ab3c197637a4a7a5bb9a650
    14e6d2764a4b06701c6cbc376a253775f79c782fbcb6c0ee6f99de4ba1024add
    1c5e6985acc09221dbd1a4b7bbc6d3a8c3f8540d19f20763a9537fdd42b4ffe7
    1f6bf8a3f2399af7fd04516c2719c566cbad51f412738f66d0457e1e6bde6f2d
    2a464e4113141352c7962fbd1706ed4b88533ef24d7bba6ccc5d797fd202f1c4
    31c8fd37db9b56e708b03d1f01848b068c6da66f36fb5d82c008c6040fa3e133
    3946901f46b0071e90d78279e82fababca177231a704be72c5b0e8918566ea66
    3e11cf90719f6fb44d94eac9a156b89bebe7b8598f28ec58913f2bfcaf91d0c0
    423279423b9fc8cb06f1bb7c3b247522b948d5f18939f378ecc901126de40bfb
    450f1b421bb05c8609854884559c323319619e8b06b001ea2dcbb74a23aa3be2
    4cbbf8256bc9888a8007b2f386940a2e394378b0d903cbb3863c5a6394b889ce
    4fee0163686ecbd65db968e7494f55d84b25486d438e9de558d629d28cd4d176
    535d04dfce027c70bd5f8a9e0ad4f218e9afdcf5bbcf9b6de0d81e148e2e3172
    568faf38d9f155f624838e2181b1ceb4d8459305ee652b0f810c97c3611bfe19
    585cfe6b7436cbd4e732763a2137d7f49599ba9b1790e688fcec799c58eb84a6
    5e83124d68d24e8e177e306df643d5ea99c5a94d6fc34b072f7544a1cabb7c7b
    71cb00749b9130fb2707a2664bff958d0fcc8e161d9674c7450ba0fc2beaf9d3
    76a45a496031e4dd2d7ed23e8f6ff97dbdea980baac8b0ba94d7edb551348645
    8a1bd21661c60015065212cc98b1abb50dfd14c872a208e66bae890f25c448af
    9ed8f9b0e8e42a1656b8e1dd18f42ba42dc06fe52686173ba2fc70e756f207dc
    9fadce80d62a959f9930d748488c1e22e821f4e1e4a43584b848c2fc11e04d77
    a686fee577c88ab664d0787ecdfff035f4806f3de418dc9e4d516324fff02083
    a90132cea1d4f7185e4f688effd16f6ac14dfd78356a807599a5dabbeef3333e
    b8686723e415534bc0dbd16326f9486f85b0b0799bf6639334e61daae67f36cd
    c0d1f42b9f4bf7acc045b7bb5d4805e10737f67b6310ce505248d543d0d5fe07
    d0156949f1381943442c6974e9b5b49ef441bb799ef20477b90a89c3f33620ce
    d151962d954970501c60079258ebcfa38502e0a9f03cd640322b08c0a3117fe5
    d24566bf315f4e597d6e381c87119fb4198f5e9e2607f5f4ab362ef7e2e7672f
    d3a936e1a7775a45217c8296a1f22ac5631dcdec45594099e78eeebbedcba967
    d6ceae5d9e047faf7d797858d229ac991ad44316d1e2a37a21926d763153593a
    df21016b00fc54f9fe3bc8b039911bb216e9162fad2fd14d990ab96e951b49be
    e0e740e4b0f8b3548181ff75b5372faf4c70b99ec995d694ed0fb91b03ff8d21
    ec30c9c3065a06bb07dc5b1c6b497f370c1ca65c0f30c08e042ba6bcecc78f2c
    f5b6f88f75d391a4b1eb336f9e201239fb6b1377db8cfa7b84736216e5afffd7
    fbb12938abd86c125796edf4162d291028890a7d6c0c1cca75fd4b95ebfa7a1a
    fc02fd48db92d4dce6f11679d38354cf750cfc7f584a520eb90bde80e241f2bd
    fdedb5bdfcb67411513a61aee5cb5b5d7c52af06028efc996cc1b05b1d6cea2b
    """.split()
)


@record
class _Policy:
    """Server certificates issued after ``last`` below ``roots`` are refused by JDKs from ``since`` on."""

    authority: str
    roots: frozenset[str]
    last: date
    since: int


#: ``jdk.security.caDistrustPolicies`` of the JDK releases that the conformance tests run, and
#: CHUNGHWA_TLS, which 25.0.3 has and the tests' 25.0.2 has not: nobody but that authority can issue
#: what would tell the two apart.
_POLICIES = (
    _Policy("Symantec", _SYMANTEC, date(2019, 4, 16), 11),
    _Policy("Entrust", _ENTRUST, date(2024, 11, 11), 21),
    _Policy("Camerfirma", _CAMERFIRMA, date(2025, 4, 15), 21),
    _Policy("Chunghwa", _CHUNGHWA, date(2026, 3, 17), 25),
)
_SYMANTEC_EXEMPT_LAST = date(2019, 12, 31)


def is_blocked(certificate: Certificate) -> bool:
    """Whether the JDK blocks this very certificate."""
    return certificate.sha256 in _BLOCKED


def check_distrust(path: tuple[Certificate, ...], jdk: Jdk) -> None:
    """``path`` runs from the leaf to the anchor. Raises Rejected where the JDK distrusts the
    anchor for leaves as new as this one."""
    leaf, anchor = path[0], path[-1]
    for policy in _POLICIES:
        if anchor.sha256 not in policy.roots:
            continue
        last = policy.last
        if policy.roots is _SYMANTEC and len(path) > 2 and path[-2].sha256 in _SYMANTEC_EXEMPT:
            last = _SYMANTEC_EXEMPT_LAST
        if leaf.not_before.astimezone(UTC).date() > last and jdk >= policy.since:
            raise Rejected(
                f"TLS Server certificate issued after {last} and anchored by a distrusted legacy "
                f"{policy.authority} root CA: {anchor.subject.text}"
            )


def distrusted_after(root: Certificate) -> datetime | None:
    """The end of the last day on which a server certificate below ``root`` could be issued for
    current JDKs to accept it; None for a root that no JDK distrusts."""
    for policy in _POLICIES:
        if root.sha256 in policy.roots:
            return datetime(
                policy.last.year, policy.last.month, policy.last.day, 23, 59, 59, tzinfo=UTC
            )
    return None
