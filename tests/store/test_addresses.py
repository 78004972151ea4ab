"""Webhooks go to public addresses, however another one is spelled."""

import ipaddress

import pytest

from store.addresses import check, networks, refusal, target_of
from store.errors import BadAddress

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
CLOSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.100.100.200",  # metadata of a cloud, in the range of carriers
    "127.0.0.1",
    "127.8.9.10",
    "168.63.129.16",  # metadata of a cloud, at a public address
    "169.254.169.254",  # metadata of most clouds
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.7",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a01:203",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_may_be_sent_to(text):
    assert not refusal(ipaddress.ip_address(text), ())


@pytest.mark.parametrize("text", CLOSED)
def test_any_other_address_is_refused(text):
    assert refusal(ipaddress.ip_address(text), ())


@pytest.mark.parametrize(
    ("text", "allow", "refused"),
    [
        ("10.1.2.3", "10.1.0.0/16", False),
        ("10.2.0.1", "10.1.0.0/16", True),
        ("::ffff:10.1.2.3", "10.1.0.0/16", False),
        ("2002:a01:203::1", "10.1.0.0/16", False),
        ("fd12::1", "fd12::/16", False),
        ("fd13::1", "fd12::/16, 10.0.0.0/8", True),
        ("169.254.169.254", "10.0.0.0/8", True),
    ],
)
def test_an_admin_allows_networks_and_nothing_more(text, allow, refused):
    assert refusal(ipaddress.ip_address(text), networks(allow)) is refused


def test_one_closed_address_among_public_ones_refuses_the_name():
    assert [str(a) for a in check("a.example", ["8.8.8.8", "8.8.4.4"], ())] == [
        "8.8.8.8",
        "8.8.4.4",
    ]
    with pytest.raises(BadAddress, match=r"a\.example \(10\.0\.0\.1\) is not a public address.*"):
        check("a.example", ["8.8.8.8", "10.0.0.1"], ())


def test_a_list_of_networks_that_is_none_is_explained():
    assert networks(" ") == ()
    with pytest.raises(ValueError, match=r"'10\.1\.2\.3/16' is no network.*write networks as 10"):
        networks("10.0.0.0/8, 10.1.2.3/16")


def test_an_address_is_taken_apart():
    target = target_of("https://Hooks.Example:8443/a/b?c=d")
    assert (target.host, target.port, target.path) == ("hooks.example", 8443, "/a/b?c=d")
    assert (target.authority, target.receiver) == ("hooks.example:8443",) * 2
    assert target.at(ipaddress.ip_address("2606::1")) == "https://[2606::1]:8443/a/b?c=d"
    plain = target_of("http://hooks.example")
    assert (plain.authority, plain.path, plain.receiver) == (
        "hooks.example",
        "/",
        "hooks.example:80",
    )
    assert target_of("http://[2606:4700::1]/x").authority == "[2606:4700::1]"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://a.example/", "neither http:// nor https://"),
        ("//a.example/", "neither http:// nor https://"),
        ("file:///etc/passwd", "neither http:// nor https://"),
        ("https://", "no name of a host"),
        ("https://user:secret@a.example/", "user name or password"),
        ("https://a.example@10.0.0.1/", "user name or password"),
        ("https://a.example/#x", "a fragment"),
        ("https://a.example\\@10.0.0.1/", "."),
        ("https://a.example/\r\nHost: b", "a space, a control character"),
        ("https://a.example/ü", "beyond ASCII"),
        ("https://a.example:0/", "port 0"),
        ("https://a.example:99999/", "is no URL"),
        ("https://a.example:x/", "is no URL"),
        ("https://[::1/", "is no URL"),
        ("https://[fe80::1%25eth0]/", "is not a public address"),
        ("https://-/" + "x" * 2000, "has 2000 characters at most"),
        ("http://localhost/", "COLROW_WEBHOOK_ALLOW"),
        ("http://hook.LOCALHOST./", "COLROW_WEBHOOK_ALLOW"),
        ("http://127.0.0.1:9/", "COLROW_WEBHOOK_ALLOW"),
        ("http://[::ffff:127.0.0.1]/", "COLROW_WEBHOOK_ALLOW"),
        ("http://169.254.169.254/latest/meta-data/", "COLROW_WEBHOOK_ALLOW"),
    ],
)
def test_what_the_text_alone_shows_is_refused(url, said):
    with pytest.raises(BadAddress, match=said):
        target_of(url)


def test_loopback_by_its_name_may_be_allowed():
    assert target_of("http://localhost:9/", networks("127.0.0.0/8")).port == 9
