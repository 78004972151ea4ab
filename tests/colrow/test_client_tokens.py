"""Which token the client shows, and what it does where it comes too fast."""

import httpx
import pytest

from colrow import credentials
from colrow.client import Client
from colrow.errors import ColrowError

JOB = httpx.Response(200, json={"id": "1"})


def scripted(*answers, **said):
    """A client whose requests get these answers in turn, and the list of what was sent."""
    sent, left = [], iter(answers)
    transport = httpx.MockTransport(lambda request: (sent.append(request), next(left))[1])
    return Client("http://127.0.0.1:1", transport=transport, **said), sent


def shown(request):
    return request.headers.get("Authorization")


def test_a_token_is_shown_with_every_request_and_no_token_is_none():
    client, sent = scripted(JOB, JOB, token="colrow_abc")
    client.job("1")
    client.retry("1")
    assert [shown(request) for request in sent] == ["Bearer colrow_abc"] * 2
    client, sent = scripted(JOB, token="")
    client.job("1")
    assert shown(sent[0]) is None


def test_the_environments_token_goes_before_the_one_that_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("COLROW_HOME", str(tmp_path))
    monkeypatch.delenv("COLROW_TOKEN", raising=False)
    credentials.keep(tmp_path / "tokens", "http://127.0.0.1:1/", "kept")

    def said(**given):
        client, sent = scripted(JOB, **given)
        client.job("1")
        return shown(sent[0])

    assert said() == "Bearer kept"
    monkeypatch.setenv("COLROW_TOKEN", "environment")
    assert said() == "Bearer environment"
    assert said(token="given") == "Bearer given"
    assert said(token="") is None
    with pytest.raises(ColrowError, match="characters that no token has"):
        said(token="a\nb")


def test_who_comes_too_fast_waits_as_told_and_is_sent_again_whatever_it_is(monkeypatch):
    waited = []
    monkeypatch.setattr("colrow.transport.time.sleep", waited.append)
    often = httpx.Response(429, headers={"Retry-After": "2"}, json={"detail": "too often"})
    client, sent = scripted(often, JOB)
    client.retry("1")  # is no request that may be repeated blindly
    assert (len(sent), waited) == (2, [2.0])
    client, sent = scripted(*[often] * 4)
    with pytest.raises(ColrowError, match="too often"):
        client.retry("1")
    assert len(sent) == 4
    late = httpx.Response(429, headers={"Retry-After": "100"}, json={"detail": "too often"})
    client, sent = scripted(late)
    with pytest.raises(ColrowError, match="too often"):
        client.retry("1")
