"""Bytes that a person has → certificates; certificates → PEM that Java reads.

    reading = read(data, name="chain.p7b")
    if reading.refusal: ...                       # a private key: tell the person, write nothing
    text = to_pem(entry.certificate for entry in reading.certificates)

Contract: :func:`read` never opens, stores or shows a private key; it names its kind and place. A
file that holds one is refused as a whole by whoever called.
"""

from bot.pki.formats.java_factory import JDKS, JavaRefusal, generate_certificates
from bot.pki.formats.reader import MAX_SIZE, read
from bot.pki.formats.reading import MAX_CERTIFICATES, PasswordNeeded, ReadCertificate, Reading
from bot.pki.formats.writing import to_pem

__all__ = [
    "JDKS",
    "MAX_CERTIFICATES",
    "MAX_SIZE",
    "JavaRefusal",
    "PasswordNeeded",
    "ReadCertificate",
    "Reading",
    "generate_certificates",
    "read",
    "to_pem",
]
