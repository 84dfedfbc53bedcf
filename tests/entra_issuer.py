"""An issuer of tokens on loopback that stands for Entra ID: RSA keys, OpenID configuration, key document, sign-in.

Nobody has compared it with the real one yet: docs/entra.md says what of it is read where.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.domain.keys.entra_rules import EntraRules

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-0000-0000-0000-000000000001"  # The program that asks for tokens.
PERSON = "cccccccc-0000-0000-0000-000000000003"
AUDIENCE = "api://durable-batch"
PROJECT = "0" * 32


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """The same one for the same name, for making one takes a while."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(name: str, **changes: Any) -> dict[str, Any]:
    numbers = jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)
    return {**numbers, "kid": name, "use": "sig", "alg": "RS256", **changes}


class Issuer:
    """Has the keys called `names`. A `status` other than 200 fails, `document` replaces the keys.

    While `free` is clear it answers nothing. Whoever comes to sign in is at once signed in, with a token that has the
    claims `person` and lasts `expires_in` seconds, unless there is a `refusal`. `redeemed` are the grants it was asked.
    """

    def __init__(self) -> None:
        self.url = ""
        self.names = ["first"]
        self.asked: list[str] = []
        self.status = 200
        self.free = threading.Event()
        self.free.set()
        self.configuration: dict[str, Any] = {}
        self.document: Any = None
        self.person: dict[str, Any] = {"scp": "use"}
        self.expires_in = 3600
        self.refusal = ""
        self.begun: dict[str, dict[str, str]] = {}
        self.redeemed: list[str] = []

    @property
    def issuer(self) -> str:
        return f"{self.url}/{TENANT}/v2.0"

    def rules(self, **changes: Any) -> EntraRules:
        given = {"tenant": TENANT, "audiences": (AUDIENCE, CLIENT), "authority": self.url, "projects": {}}
        return EntraRules(**{**given, **changes})

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Of an access token of version 2 that is good for an hour; a claim that is None is left out."""
        now = int(time.time())
        usual = {"aud": AUDIENCE, "iss": self.issuer, "tid": TENANT, "iat": now, "nbf": now, "exp": now + 3600}
        given = {**usual, "oid": PERSON, "azp": CLIENT, "ver": "2.0", "roles": ["Batch.All"], **changes}
        return {name: value for name, value in given.items() if value is not None}

    def token(self, *, signed_by: str = "first", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        key = private_key(signed_by)
        return jwt.encode(self.claims(**claims), key, "RS256", headers={"kid": signed_by, **(headers or {})})

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        self.free.wait(60)
        if self.status != 200:
            return self.status, b"no keys today"
        if path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            keys = f"{self.url}/{TENANT}/discovery/v2.0/keys"
            return 200, json.dumps({"issuer": self.issuer, "jwks_uri": keys, **self.configuration}).encode()
        if path == f"/{TENANT}/discovery/v2.0/keys":
            keys = [public_jwk(name, issuer=f"{self.url}/{{tenantid}}/v2.0") for name in self.names]
            document = {"keys": keys} if self.document is None else self.document
            return 200, document if isinstance(document, bytes) else json.dumps(document).encode()
        return 404, b"{}"

    def authorize(self, query: str) -> str:
        """Where the browser is sent back to, with a code of one use."""
        asked = {name: texts[0] for name, texts in parse_qs(query).items()}
        code = f"code-{len(self.begun)}"
        self.begun[code] = asked
        good = {"code": code, "state": asked["state"]}
        bad = {"error": "access_denied", "error_description": self.refusal, "state": asked["state"]}
        return f"{asked['redirect_uri']}#{urlencode(bad if self.refusal else good)}"

    def redeem(self, body: str, origin: str) -> tuple[int, dict[str, Any]]:
        """A token for a code whose secret is known, or for a refresh token; from pages of the redirect's origin alone."""
        given = {name: texts[0] for name, texts in parse_qs(body).items()}
        self.redeemed.append(given["grant_type"])
        if given["grant_type"] == "refresh_token":
            is_good = given["refresh_token"] == f"refresh-{len(self.redeemed) - 2}" and not self.refusal
        else:
            asked = self.begun.pop(given["code"], {})
            digest = hashlib.sha256(given["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            is_good = (asked.get("code_challenge"), asked.get("code_challenge_method")) == (challenge, "S256")
            is_good = is_good and asked["redirect_uri"] == given["redirect_uri"] == f"{origin}/ui"
        if not is_good or given["client_id"] != CLIENT:
            return 400, {"error": "invalid_grant", "error_description": "AADSTS70000: It is no good. Trace ID: 1"}
        token = self.token(**self.person, exp=int(time.time()) + self.expires_in)
        lasts = {"token_type": "Bearer", "expires_in": self.expires_in, "scope": given["scope"]}
        return 200, {**lasts, "access_token": token, "refresh_token": f"refresh-{len(self.redeemed) - 1}"}


@contextmanager
def running() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == f"/{TENANT}/oauth2/v2.0/authorize":
                self.send_response(302)
                self.send_header("Location", issuer.authorize(parts.query))
                self.end_headers()
                return
            status, body = issuer.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status in (301, 302, 307):
                self.send_header("Location", issuer.url)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = issuer.redeem(body, self.headers.get("Origin", ""))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "null"))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield issuer
    server.shutdown()
    thread.join()
    server.server_close()
