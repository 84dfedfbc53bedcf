import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.deployments.deployment import Deployment
from shared.domain.upstream.redaction import redact, secrets_of

KEY = 'sk-Proj_9/x"y+z=é'


def deployment(**changes) -> Deployment:
    return Deployment(**{"name": "m", "base_url": "http://up", "api_key": KEY, **changes})


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        f"Bearer {KEY}",
        json.dumps(KEY)[1:-1],
        json.dumps(json.dumps(KEY)),
        KEY.replace("/", "\\/"),
        "".join(f"\\u{ord(character):04x}" for character in KEY),
        "".join(f"\\\\u{ord(character):04X}" for character in KEY),
        quote(KEY),
        quote(KEY, safe=""),
        quote(quote(KEY)),
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
        KEY.replace("/", "&#x2F;"),
        "".join(f"&#{ord(character)};" for character in KEY),
        in_base64(KEY),
        in_base64(f"Bearer {KEY}"),
        in_base64(f":{KEY}"),
        in_base64(f"me:{KEY} and more"),
        base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
        quote(in_base64(KEY)),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
    ],
)
def test_every_form_of_the_key_is_taken_out(form):
    """The key is gone in each form in which an upstream may echo it; what stands around it stays."""
    left = redact(f"before {form} after".encode(), deployment()).decode()

    assert left.startswith("before ")
    assert left.endswith(" after")
    for part in (
        KEY,
        KEY[3:12],
        in_base64(KEY)[4:-4],
        in_base64(f":{KEY}")[6:-4],
        KEY.encode().hex(),
        "u0073",
        "&#115;",
    ):
        assert part not in left


@given(st.text(), st.text(), st.booleans())
def test_json_stays_json(before, after, escaped):
    """A document with the key in a string is the same document without it."""
    document = {"error": {"message": f"{before}{KEY}{after}", "code": None}}
    left = json.loads(redact(json.dumps(document, ensure_ascii=escaped).encode(errors="replace"), deployment()))

    assert KEY not in left["error"]["message"]
    assert left["error"]["code"] is None


def test_key_that_looks_like_the_end_of_an_escape():
    """A line feed in front of what looks like the rest of the key leaves no backslash alone."""
    left = redact(rb'{"error":"a\nice-secret-key b"}', deployment(api_key="nice-secret-key"))

    assert json.loads(left) == {"error": "a… b"}


def test_secrets_of_the_address():
    """A password and a code in the base_url are secrets; the api-version is none."""
    found = secrets_of(
        deployment(api_key=None, base_url="https://me:my-password@up?api-version=2024-10-21&code=s3cr3t-code")
    )

    assert found == ("my-password", "s3cr3t-code")


def test_short_keys_are_placeholders():
    """A key such as `none` is part of common words, and stays."""
    assert redact(b"nonetheless EMPTY", deployment(api_key="none")) == b"nonetheless EMPTY"


def test_tokens_of_the_identity():
    """A JSON Web Token, whoever's, is taken out: the identity's is known to the client only."""
    token = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0xx.c2ln-bmF0_dXJl"

    assert redact(f'"Bearer {token}"'.encode(), deployment(api_key=None)) == '"Bearer …"'.encode()
