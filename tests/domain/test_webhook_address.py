"""Where deliveries may go."""

from __future__ import annotations

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.webhooks.address import MAX_URL, check_url, is_allowed

PUBLIC = ["8.8.8.8", "52.1.2.3", "172.15.255.255", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "::ffff:8.8.8.8"]
PRIVATE = [
    "10.0.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "fec0::1",
    "2001:db8::1",
    "2001::1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "::127.0.0.1",
    "::ffff:169.254.169.254",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    """Always."""
    assert is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_the_setting(address: str) -> None:
    """Loopback, private networks, and both of them in IPv6's clothes."""
    assert [is_allowed(address, allow_private=allow) for allow in (False, True)] == [False, True]


@pytest.mark.parametrize("address", NEVER)
def test_other_addresses_are_never_allowed(address: str) -> None:
    """Metadata services, link-local, multicast, reserved, documentation and tunnels, whatever the setting."""
    assert not is_allowed(address, allow_private=True)


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "https://example.com:8443/a/b?token=c", "https://8.8.8.8/x", "https://[2606:4700::1111]/"],
)
def test_good_urls(url: str) -> None:
    """https, a host, perhaps a port, a path and a query."""
    check_url(url, allow_http=False, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "https://",
        "https:///path",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://example.com/",
        "https://user:pass@example.com/",
        "https://user@example.com/",
        "https://example.com/#part",
        "https://exam ple.com/",
        "https://example.com\\@10.0.0.1/",
        "https://example.com/\n",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://münchen.example/",
        "https://[::1/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "https://LOCALHOST:1/",
        "https://a.localhost/",
        "https://169.254.169.254/latest/meta-data",
    ],
)
def test_bad_urls(url: str) -> None:
    """Each is refused under the name of the parameter."""
    with pytest.raises(InvalidRequest) as caught:
        check_url(url, allow_http=False, allow_private=False)

    assert caught.value.param == "url"


DISGUISED = [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "localhost.",
    "a.localhost.",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "3232235777",
    "10.257",
]


@pytest.mark.parametrize("host", DISGUISED)
def test_private_addresses_in_disguise(host: str) -> None:
    """However an address is written, it is judged as the address that a connection would go to."""
    with pytest.raises(InvalidRequest, match="its address is not public"):
        check_url(f"https://{host}/hook", allow_http=False, allow_private=False)
    check_url(f"https://{host}/hook", allow_http=False, allow_private=True)


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0", "0x", "[64:ff9b::a9fe:a9fe]"])
def test_forbidden_addresses_in_disguise(host: str) -> None:
    """Nor does the setting for private ones open them."""
    with pytest.raises(InvalidRequest, match="its address is not public"):
        check_url(f"https://{host}/hook", allow_http=False, allow_private=True)


@pytest.mark.parametrize(
    "host", ["1.2.3.4.5", "256.1.1.1", "4294967296", "a.1", "127.0.0.1..", "exa..ple.com", "%31.1.1.1"]
)
def test_numbers_that_are_no_address(host: str) -> None:
    """What ends in a number is an address or nothing."""
    with pytest.raises(InvalidRequest, match="no URL with a host"):
        check_url(f"https://{host}/hook", allow_http=False, allow_private=True)


@pytest.mark.parametrize(
    "host", ["134744072", "0x8.8.8.8", "example.com.", "0x7f.example.com", "1.example", "123abc.de"]
)
def test_public_hosts_in_unusual_writing(host: str) -> None:
    """A public address stays one; a name with numbers in it is a name."""
    check_url(f"https://{host}/hook", allow_http=False, allow_private=False)


def test_a_url_has_a_maximum_length() -> None:
    """Up to it is fine, one more is not."""
    longest = "https://example.com/".ljust(MAX_URL, "x")
    check_url(longest, allow_http=False, allow_private=False)
    with pytest.raises(InvalidRequest, match="maximum length 2048"):
        check_url(longest + "x", allow_http=False, allow_private=False)


def test_settings_allow_http_and_private_addresses() -> None:
    """Each on its own."""
    check_url("http://example.com/", allow_http=True, allow_private=False)
    check_url("https://127.0.0.1/", allow_http=False, allow_private=True)
    with pytest.raises(InvalidRequest, match="BATCH_WEBHOOK_ALLOW_PRIVATE"):
        check_url("http://127.0.0.1/", allow_http=True, allow_private=False)
    with pytest.raises(InvalidRequest, match="BATCH_WEBHOOK_ALLOW_HTTP"):
        check_url("http://127.0.0.1/", allow_http=False, allow_private=True)
