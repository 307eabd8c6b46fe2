"""A certification authority for one run, and a certificate for this host.  Made by openssl, thrown away with the folder."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    authority: Path
    certificate: Path
    key: Path


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_certificates(folder: Path) -> Certificates:
    """Elliptic keys, because they are made in no time; with their use, because Python 3.13 takes no certificate without."""
    made = Certificates(folder / "ca.pem", folder / "host.pem", folder / "host.key")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    authority_key = folder / "ca.key"
    _openssl("req", "-x509", *curve, "-keyout", authority_key, "-out", made.authority, "-subj", "/CN=Throw-away CA",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(
        "req", "-x509", *curve, "-keyout", made.key, "-out", made.certificate, "-subj", "/CN=localhost",
        "-CA", made.authority, "-CAkey", authority_key,
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature",
    )  # fmt: skip
    return made
