"""Whose tokens are taken: verified against a live issuer, and every way tried to get past it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.domain.errors import Unauthenticated
from shared.entra.token_verifier import LEEWAY_SECONDS, MAX_CHARACTERS, EntraTokens
from tests.entra_issuer import AUDIENCE, CLIENT, PERSON, TENANT, Issuer, private_key, public_jwk

OTHER_TENANT = "99999999-2222-3333-4444-555555555555"


@pytest.fixture
def tokens(issuer: Issuer) -> EntraTokens:
    return EntraTokens(issuer.rules())


async def refusal(tokens: EntraTokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await tokens.claims_of(token)
    assert caught.value.code == "invalid_token"
    return caught.value.message


def part(content: object) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


async def test_a_good_token_gives_its_claims(issuer: Issuer, tokens: EntraTokens) -> None:
    """Those that were signed."""
    claims = await tokens.claims_of(issuer.token(roles=["Batch.All"]))

    assert (claims["oid"], claims["azp"], claims["roles"]) == (PERSON, CLIENT, ["Batch.All"])


async def test_a_token_of_version_1_is_as_good(issuer: Issuer, tokens: EntraTokens) -> None:
    """Its issuer has another address, and its client another claim."""
    token = issuer.token(iss=f"https://sts.windows.net/{TENANT}/", ver="1.0", azp=None, appid=CLIENT, aud=AUDIENCE)

    assert (await tokens.claims_of(token))["appid"] == CLIENT


@pytest.mark.parametrize("audience", [AUDIENCE, CLIENT])
async def test_each_audience_is_taken(issuer: Issuer, tokens: EntraTokens, audience: str) -> None:
    """Tokens of version 2 name the client id, those of version 1 mostly the URI."""
    assert (await tokens.claims_of(issuer.token(aud=audience)))["aud"] == audience


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"aud": "https://cognitiveservices.azure.com"}, "another service. Ask for one with the scope api://durable-"),
        ({"aud": f"{AUDIENCE}/"}, "another service"),
        ({"aud": AUDIENCE.upper()}, "another service"),
        ({"aud": None}, "no claim 'aud'"),
        ({"aud": {"a": 1}}, "another service"),
        ({"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0"}, "another tenant"),
        ({"iss": f"https://sts.windows.net/{OTHER_TENANT}/"}, "another tenant"),
        ({"iss": f"https://sts.windows.net/{TENANT}"}, "another tenant"),
        ({"iss": None}, "no claim 'iss'"),
        ({"exp": None}, "no claim 'exp'"),
        ({"azp": None}, "no access token"),
        ({"azp": 7}, "no access token"),
    ],
)
async def test_a_token_for_another_is_refused(
    issuer: Issuer, tokens: EntraTokens, changes: dict[str, Any], said: str
) -> None:
    """Audience and issuer to the letter; an ID token is none to call with."""
    assert said in await refusal(tokens, issuer.token(**changes))


async def test_a_token_of_another_tenant_is_refused(issuer: Issuer, tokens: EntraTokens) -> None:
    """All tenants of Entra ID are signed for with the same keys."""
    token = issuer.token(iss=f"{issuer.url}/{OTHER_TENANT}/v2.0", tid=OTHER_TENANT)

    assert "another tenant" in await refusal(tokens, token)


@pytest.mark.parametrize("seconds", [-LEEWAY_SECONDS + 5, 5, 3600])
async def test_clocks_may_differ_by_a_minute(issuer: Issuer, tokens: EntraTokens, seconds: float) -> None:
    """A token that ended, or begins, less than a minute away."""
    now = int(time.time())

    assert await tokens.claims_of(issuer.token(exp=now + int(seconds)))
    assert await tokens.claims_of(issuer.token(nbf=now + 55, iat=now + 55))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exp": -65}, "has expired"),
        ({"exp": -86_400}, "has expired"),
        ({"nbf": 65}, "is not valid yet"),
        ({"iat": 65}, "is not valid yet"),
    ],
)
async def test_clocks_may_not_differ_by_more(
    issuer: Issuer, tokens: EntraTokens, changes: dict[str, int], said: str
) -> None:
    """Expired, or not yet valid."""
    now = int(time.time())

    assert said in await refusal(tokens, issuer.token(**{name: now + at for name, at in changes.items()}))


@pytest.mark.parametrize("exp", ["soon", [1], True, float("nan"), float("inf"), -float("inf"), {"a": 1}])
async def test_an_end_that_is_no_time_is_no_end(issuer: Issuer, tokens: EntraTokens, exp: object) -> None:
    """Refused, and not by a fault of the service."""
    assert await refusal(tokens, issuer.token(exp=exp))


async def test_a_token_without_a_signature_is_refused(issuer: Issuer, tokens: EntraTokens) -> None:
    """`alg: none`, in every spelling."""
    for name in ("none", "None", "NONE", "nOnE"):
        head, body = part({"alg": name, "typ": "JWT", "kid": "first"}), part(issuer.claims())
        for signature in ("", issuer.token().split(".")[2]):
            assert "RS256" in await refusal(tokens, f"{head}.{body}.{signature}")


async def test_the_public_key_is_no_secret_to_sign_with(issuer: Issuer, tokens: EntraTokens) -> None:
    """HS256 over the key that everybody can read, in each form that it has."""
    public = private_key("first").public_key()
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    secrets = [public.public_bytes(pem, form), public.public_bytes(der, form), json.dumps(public_jwk("first")).encode()]
    for algorithm, digest in (("HS256", "sha256"), ("HS512", "sha512")):
        for secret in secrets:
            signed = f"{part({'alg': algorithm, 'kid': 'first'})}.{part(issuer.claims())}"
            signature = part(hmac.digest(secret, signed.encode(), digest))
            assert "RS256" in await refusal(tokens, f"{signed}.{signature}")


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
async def test_no_other_algorithm_is_taken(issuer: Issuer, tokens: EntraTokens, algorithm: str) -> None:
    """Not even a sound one: Entra ID signs with RS256."""
    token = jwt.encode(issuer.claims(), private_key("first"), algorithm, headers={"kid": "first"})

    assert "RS256" in await refusal(tokens, token)


async def test_a_header_may_not_say_otherwise_than_the_signature(issuer: Issuer, tokens: EntraTokens) -> None:
    """RS256 said, RS384 done."""
    _, body, signature = jwt.encode(issuer.claims(), private_key("first"), "RS384", headers={"kid": "first"}).split(".")

    assert "does not hold" in await refusal(tokens, f"{part({'alg': 'RS256', 'kid': 'first'})}.{body}.{signature}")


async def test_a_key_of_the_token_itself_is_not_read(issuer: Issuer, tokens: EntraTokens) -> None:
    """`jku`, `x5u` and `jwk` change nothing: a good token stays good, a stranger's bad, and nobody else is asked."""
    hostile = {"jku": f"{issuer.url}/evil", "x5u": f"{issuer.url}/evil", "jwk": public_jwk("stranger"), "x5c": ["x"]}

    assert await tokens.claims_of(issuer.token(headers=hostile))
    stranger = issuer.token(signed_by="stranger", headers={**hostile, "kid": "first"})
    assert "does not hold" in await refusal(tokens, stranger)
    assert [path for path in issuer.asked if "evil" in path] == []


async def test_a_critical_header_that_is_not_known_refuses(issuer: Issuer, tokens: EntraTokens) -> None:
    """As RFC 7515 asks."""
    assert "does not hold" in await refusal(tokens, issuer.token(headers={"crit": ["exotic"], "exotic": 1}))


async def test_a_changed_token_is_refused(issuer: Issuer, tokens: EntraTokens) -> None:
    """A claim changed, or the signature, or taken from another token."""
    head, body, signature = issuer.token().split(".")
    other = issuer.token(oid="somebody else").split(".")

    assert "does not hold" in await refusal(tokens, f"{head}.{part(issuer.claims(roles=['Batch.Admin']))}.{signature}")
    assert "does not hold" in await refusal(tokens, f"{head}.{body}.{other[2]}")
    assert "does not hold" in await refusal(tokens, f"{head}.{body}.{signature[:-10]}")
    assert "does not hold" in await refusal(tokens, f"{head}.{body}.")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        "ключ.ключ.ключ",
        "\udc80.\udc80.\udc80",
        f"{part(b'[]')}.{part({})}.x",
        f"{part(b'{')}.{part({})}.x",
        f"{part({'alg': 'RS256'})}.{part({})}.x",
        f"{part({'alg': 'RS256', 'kid': 7})}.{part({})}.x",
        f"{part({'alg': ['RS256'], 'kid': 'first'})}.{part({})}.x",
        f"{part({'alg': 'RS256', 'kid': 'first'})}",
        f"{part({'alg': 'RS256', 'kid': 'first'})}.{part({})}.x.y.z",
        f"{part({'alg': 'RS256', 'kid': 'first', 'b64': False, 'crit': ['b64']})}..x",
        f"{part({'alg': 'RS256', 'kid': 'first'})}.{part(b'[' * 9000)}.x",
        f"{part(b'[' * 9000)}.{part({})}.x",
    ],
)
async def test_garbage_is_refused(tokens: EntraTokens, token: str) -> None:
    """Without a fault of the service, whatever it is."""
    assert await refusal(tokens, token)


async def test_a_token_is_bounded_before_it_is_read(issuer: Issuer, tokens: EntraTokens) -> None:
    """A megabyte of token costs nothing: no key is fetched for it, and it takes no time of the processor, at best."""
    huge = issuer.token(groups=["g" * 36] * 25_000)
    assert len(huge) > 1_000_000
    took = []
    for _ in range(5):
        began = time.process_time()
        assert f"longer than {MAX_CHARACTERS} characters" in await refusal(tokens, huge)
        took.append(time.process_time() - began)

    assert min(took) < 0.01
    assert issuer.asked == []


async def test_as_many_groups_as_entra_gives_fit(issuer: Issuer, tokens: EntraTokens) -> None:
    """200 of them, and roles beside them."""
    token = issuer.token(groups=[f"{number:08}-0000-0000-0000-000000000000" for number in range(200)])

    assert len((await tokens.claims_of(token))["groups"]) == 200


async def test_a_weak_key_is_no_key(issuer: Issuer, tokens: EntraTokens) -> None:
    """1,024 bits are too few, whoever published them."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    numbers = jwt.algorithms.RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True)
    issuer.document = {"keys": [{**numbers, "kid": "weak", "use": "sig"}]}
    head, body = part({"alg": "RS256", "kid": "weak"}), part(issuer.claims())
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(f"{head}.{body}".encode(), weak)

    assert "does not hold" in await refusal(tokens, f"{head}.{body}.{part(signature)}")


async def test_nothing_of_a_token_is_in_a_message(issuer: Issuer, tokens: EntraTokens) -> None:
    """Messages end up in logs, and a token is a key."""
    token = issuer.token(aud="https://secret.example")

    message = await refusal(tokens, token)
    assert "secret.example" not in message
    assert token.split(".")[1][:20] not in message
