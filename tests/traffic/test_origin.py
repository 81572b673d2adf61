"""Base URLs and origins: where a key may go."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.errors import SettingError
from pytest_bctrl.traffic.origin import Origin, base_url, is_loopback, origin_of


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h", Origin("https", "h", 443)),
        ("https://h:443/x", Origin("https", "h", 443)),
        ("HTTPS://H:8443", Origin("https", "h", 8443)),
        ("http://h", Origin("http", "h", 80)),
        ("http://[::1]:8787/v1", Origin("http", "::1", 8787)),
        ("https://h:", Origin("https", "h", 443)),
        ("https://user:pw@h/x", Origin("https", "h", 443)),
        ("https://h?@other", Origin("https", "h", 443)),
    ],
)
def test_origin_of_returns_scheme_host_and_port(url: str, expected: Origin) -> None:
    assert expected == origin_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "//h",
        "ftp://h",
        "https://",
        "https:///x",
        "https://h:0",
        "https://h:99999",
        "https://h:x",
        "http://[::1",
    ],
)
def test_a_url_without_an_origin_raises_value_error(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        origin_of(url)


@pytest.mark.parametrize(
    ("origin", "text"),
    [(Origin("https", "h", 443), "https://h:443"), (Origin("http", "::1", 80), "http://[::1]:80")],
)
def test_str_of_an_origin_includes_the_port(origin: Origin, text: str) -> None:
    assert text == str(origin)


@pytest.mark.parametrize("host", ["localhost", "api.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_hosts_are_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "example.org",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "127.1",
        "0.0.0.0",
        "::",
        "10.0.0.1",
        "alocalhost",
    ],
)
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.bctrl.ai", "https://api.bctrl.ai"),
        ("https://api.bctrl.ai/", "https://api.bctrl.ai"),
        ("https://api.bctrl.ai/v1", "https://api.bctrl.ai"),
        ("https://api.bctrl.ai/v1/", "https://api.bctrl.ai"),
        ("https://api.bctrl.ai/v1//", "https://api.bctrl.ai"),
        (" https://api.bctrl.ai \n", "https://api.bctrl.ai"),
        ("HTTPS://API.bctrl.ai", "https://API.bctrl.ai"),
        ("https://h/proxy/v1", "https://h/proxy"),
        ("https://h/apiv1", "https://h/apiv1"),
        ("https://h/v1/x", "https://h/v1/x"),
        ("http://localhost:8787/v1", "http://localhost:8787"),
        ("http://[::1]:8787", "http://[::1]:8787"),
        ("https://h:8443/", "https://h:8443"),
        ("https://bücher.example", "https://bücher.example"),
    ],
)
def test_a_base_url_is_normalized(text: str, expected: str) -> None:
    assert expected == base_url(text, where="W")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not an http"),
        ("api.bctrl.ai", "is not an http"),
        ("ftp://h", "is not an http"),
        ("https://", "is not an http"),
        ("https://h:0", "is not an http"),
        ("https://h:99999", "is not an http"),
        ("https://a b", "is not an http"),
        ("https://h/a b", "is not an http"),
        ("https://h\tx", "is not an http"),
        ("https://h/\x00", "is not an http"),
        ("https://h\\x", "is not an http"),
        ("https://[v1.x]", "is not an http"),
        ("https://[::1", "is not an http"),
        ("https://user@h", "user name or password"),
        ("https://user:s3cret@h", "user name or password"),
        ("https://@h", "user name or password"),
        ("https://h?key=s3cret", "a query or a fragment"),
        ("https://h#s3cret", "a query or a fragment"),
        ("http://api.bctrl.ai", "in plain text"),
        ("http://127.0.0.1.example.org", "in plain text"),
        ("http://localhost.", "in plain text"),
        ("http://0.0.0.0:8787", "in plain text"),
    ],
)
def test_the_error_for_an_invalid_base_url_names_the_setting_and_shows_no_secret(text: str, problem: str) -> None:
    with pytest.raises(SettingError, match=problem) as caught:
        base_url(text, where="BCTRL_BASE_URL")
    assert ("BCTRL_BASE_URL", False, 1) == (
        caught.value.where,
        "s3cret" in str(caught.value),
        len(str(caught.value).splitlines()),
    )


@given(st.text(st.sampled_from("htps:/[]@.?#\\%1a0 \t\u00fc")).map("https://".__add__))
def test_httpx_accepts_every_accepted_base_url(text: str) -> None:
    """`base_url` accepts no text that later fails in the run as an invalid URL."""
    try:
        taken = base_url(text, where="W")
    except SettingError:
        return
    assert "https" == _scheme(taken)


def _scheme(url: str) -> str:
    """Return the scheme of a URL according to httpx, or the text of httpx's error."""
    try:
        return httpx.URL(url).scheme
    except httpx.InvalidURL as error:
        return str(error)


@given(st.text(st.sampled_from("htps:/[]@.v1a0")).map("https://h".__add__))
def test_normalizing_a_base_url_is_idempotent(text: str) -> None:
    try:
        taken = base_url(text, where="W", prefix="")
    except SettingError:
        return
    assert taken == base_url(taken, where="W", prefix="")
