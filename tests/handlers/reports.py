"""Reports with the longest of everything."""

from __future__ import annotations

from bot.report import (
    Certificate,
    CertificateSummary,
    ClientCertificate,
    Finding,
    MissingIssuer,
    Option,
    Path,
    Prediction,
    Presented,
    Report,
    Source,
    Target,
    Tls,
    Verdict,
)

HOSTILE = "<!channel> *x* `y` <@U0123456789> & "
LONG = (HOSTILE * 200)[:4000]
HOST = ".".join(["a" * 63] * 3 + ["b" * 61])


def report(
    verdict: Verdict = "validated",
    *,
    text: str = LONG,
    findings: int = 40,
    addresses: int = 30,
) -> Report:
    """A report with that many findings and addresses, each of which presents a chain of its own;
    every name is ``text``."""
    certificate = Certificate(
        text,
        text,
        "f" * 40,
        "ab" * 32,
        "2020-01-01T00:00:00Z",
        "2035-01-01T00:00:00Z",
        3000,
        "RSA 4096",
        "SHA256withRSA",
        f"company: {text}",
        (Source("company", text),),
        text,
    )
    predictions = {
        jdk: Prediction(jdk != "11", text if jdk == "11" else None) for jdk in ("11", "25")
    }
    accepted = {jdk: Prediction(True, None) for jdk in ("11", "17", "21", "25")}
    options = (
        Option("root", (certificate,) * 3, accepted, True, text, (text,) * 5),
        Option("intermediate", (certificate,) * 8, predictions, False, text, (text,) * 5),
        Option("server", (certificate,), accepted, False, text, (text,) * 5),
    )
    reached = verdict not in ("unreachable", "refused")
    found = verdict in ("validated", "unproven")
    summaries = [
        tuple(
            CertificateSummary(
                text, text, "2020-01-01T00:00:00Z", "2035-01-01T00:00:00Z", 3000, f"{n:064x}"
            )
            for n in range(index, index + 10)
        )
        for index in range(addresses)
    ]
    listed = tuple(
        Finding(
            f"code{n}", ("error", "warning", "info")[n % 3], text, text, text, text, (text,) * 30
        )
        for n in range(findings)
    )
    return Report(
        target=Target(
            text[:2000], HOST if verdict != "refused" else None, HOST, 65535, "tls", None
        ),
        verdict=verdict,
        summary=text,
        at="2026-11-25T12:00:00Z",
        recommended=options[0] if found else None,
        options=options if reached else (),
        other_roots=options if reached else (),
        installed=predictions,
        missing=MissingIssuer(
            text, "AB:" * 30, "f" * 40, summaries[0][0], (text,) * 9, (text,) * 9
        ),
        request_text=text * 3,
        command=text,
        presented=tuple(
            Presented(
                f"2001:db8::{n}",
                65535,
                Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519"),
                (text,),
                found_here,
                ClientCertificate(True, (text,) * 20),
                listed[0] if listed else None,
            )
            for n, found_here in enumerate(summaries)
        ),
        paths=tuple(Path(summary, "missing") for summary in summaries[:12]),
        findings=listed,
        timings_ms={},
    )
