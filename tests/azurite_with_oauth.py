"""Azurite as an account whose keys are switched off is met: over https, with tokens. Its certificate is made here."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp.connector
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import azurite


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Yields `blob` and `table`: the URIs of the services, which take only tokens then."""
    certificate, key = make_certificate(folder)
    # What aiohttp trusts by default was loaded when it was imported; the product passes it no options of trust.
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(certificate)
    options = ("--oauth", "basic", "--cert", str(certificate), "--key", str(key))
    with azurite.running(folder / "azurite.log", *options, scheme="https") as connection_string:
        parts = dict(part.split("=", 1) for part in connection_string.split(";"))
        yield {"blob": parts["BlobEndpoint"], "table": parts["TableEndpoint"]}


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, good for an hour, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "azurite.crt", folder / "azurite.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
