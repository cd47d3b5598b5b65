"""``chase.py PORT ROOT``: the chain of 127.0.0.1:PORT by the library aia-chaser, as its documentation
has it."""

import sys
from pathlib import Path

from aia_chaser import AiaChaser
from cryptography import x509

chaser = AiaChaser(trusted_cas=[x509.load_pem_x509_certificate(Path(sys.argv[2]).read_bytes())])
for certificate in chaser.aia_chase("127.0.0.1", int(sys.argv[1])):
    print(certificate.subject.rfc4514_string())
