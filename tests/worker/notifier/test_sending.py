"""Where a delivery goes, and where it does not, whatever names and receivers do."""

import socket
import threading
import time

import pytest

from store.addresses import networks
from tests.worker.notifier.conftest import receiving, say
from worker.notifier import sending
from worker.notifier.sending import post

LOOPBACK = networks("127.0.0.0/8")


def send(url, *, allow=LOOPBACK, timeout_s=20.0):
    return post(url, b"{}", {"Content-Type": "application/json"}, allow=allow, timeout_s=timeout_s)


def raw_server(serve):
    """Listen on loopback; `serve(connection)` plays the receiver."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=_quietly, args=(serve, connection), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}/"


def _quietly(serve, connection):
    with connection:
        try:
            serve(connection)
        except OSError:
            return


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_is_received_is_received(receiver, status):
    receiver.answer = say(status)
    answer = send(receiver.url)
    assert (answer.status, answer.error) == (status, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, status):
    with receiving() as elsewhere:
        receiver.answer = say(status, location=elsewhere.url)
        answer = send(receiver.url)
        assert elsewhere.requests == []
    assert answer.status == status
    assert "redirects are not followed" in answer.error
    assert not answer.is_final
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://[::ffff:127.0.0.1]:{}/"])
def test_an_address_that_is_not_public_is_refused_without_a_connection(receiver, url):
    answer = send(url.format(receiver.port), allow=())
    assert answer.is_final
    assert "is not a public address" in answer.error
    assert receiver.requests == []
    assert send(url.format(receiver.port)).status == 204


@pytest.mark.parametrize("spelled", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_other_spellings_of_loopback_are_refused(receiver, spelled):
    answer = send(f"http://{spelled}:{receiver.port}/", allow=())
    assert answer.error is not None
    assert "is not a public address" in answer.error or "cannot be resolved" in answer.error
    assert receiver.requests == []


def test_a_name_of_which_one_address_is_closed_is_refused(receiver, names):
    names["mixed.example"] = [["8.8.8.8", "127.0.0.1"]]
    answer = send(f"http://mixed.example:{receiver.port}/", allow=())
    assert answer.is_final
    assert "mixed.example (127.0.0.1) is not a public address" in answer.error
    assert receiver.requests == []


def test_a_name_that_changes_after_the_check_leads_to_what_was_checked(names):
    """DNS rebinding: allowed when it is checked, closed when it would be resolved again."""
    with receiving("127.0.0.2") as allowed, receiving("127.0.0.1", allowed.port) as closed:
        names["rebind.example"] = [["127.0.0.2"], ["127.0.0.1"]]
        answer = send(f"http://rebind.example:{allowed.port}/x", allow=networks("127.0.0.2/32"))
        assert (answer.status, answer.error) == (204, None)
        (request,) = allowed.requests
        assert request.headers["host"] == f"rebind.example:{allowed.port}"
        assert closed.requests == []
        again = send(f"http://rebind.example:{allowed.port}/x", allow=networks("127.0.0.2/32"))
        assert again.is_final
        assert closed.requests == []


def test_the_next_address_is_tried_where_one_takes_no_connection(receiver, names):
    names["two.example"] = [["127.0.0.3", "127.0.0.1"]]
    assert send(f"http://two.example:{receiver.port}/").status == 204


def test_proxies_of_the_environment_are_left_aside(receiver, monkeypatch):
    with receiving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert send(receiver.url).status == 204
        assert proxy.requests == []


def test_a_name_without_an_address_can_be_tried_again(names):
    names["gone.example"] = [[]]
    answer = send("http://gone.example/")
    assert answer.error == "the name cannot be resolved: Name or service not known"
    assert not answer.is_final


def test_a_port_where_nobody_listens_is_told():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = send(f"http://127.0.0.1:{port}/")
    assert answer.error.startswith("no connection")
    assert not answer.is_final


def test_a_receiver_that_takes_the_message_and_never_answers_has_its_time():
    ended = threading.Event()
    listening, url = raw_server(lambda _: ended.wait(30))
    with listening:
        answer = send(url, timeout_s=0.5)
    ended.set()
    assert answer.error == "no answer within 0.5 s"
    assert not answer.is_final


def test_a_receiver_that_sends_a_byte_now_and_then_has_no_more_time():
    ended = threading.Event()

    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not ended.wait(0.05):
            connection.sendall(b"x")

    listening, url = raw_server(drip)
    begin = time.monotonic()
    with listening:
        answer = send(url, timeout_s=1.0)
    ended.set()
    assert answer.error == "no answer within 1 s"
    assert time.monotonic() - begin < 20


def test_an_answer_without_end_is_not_read():
    ended = threading.Event()

    def pour(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while not ended.is_set():
            connection.sendall(b"x" * 65536)

    listening, url = raw_server(pour)
    with listening:
        answer = send(url)
    ended.set()
    assert (answer.status, answer.error) == (200, None)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"220 mail.example ESMTP\r\n", "what answers is no HTTP server"),
        (b"", "what answers is no HTTP server"),
    ],
)
def test_what_is_no_http_server_is_told(said, error):
    listening, url = raw_server(lambda c: (c.recv(4096), c.sendall(said)))
    with listening:
        answer = send(url)
    assert answer.error.startswith(error) or answer.error.startswith("the connection broke off")
    assert not answer.is_final


@pytest.mark.needs("openssl")
def test_a_certificate_is_checked_by_the_name_though_the_connection_is_by_address(
    certificates, names, monkeypatch, tmp_path
):
    with receiving(tls=certificates("hook.example")) as receiver:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        sending._trust.cache_clear()
        for name in ("hook.example", "other.example"):
            names[name] = [["127.0.0.1"]]
        good = send(f"https://hook.example:{receiver.port}/")
        assert (good.status, good.error) == (204, None)
        bad = send(f"https://other.example:{receiver.port}/")
        assert "certificate" in bad.error
        monkeypatch.delenv("SSL_CERT_FILE")
        sending._trust.cache_clear()
        strange = send(f"https://hook.example:{receiver.port}/")
        assert "certificate" in strange.error
        assert len(receiver.requests) == 1
    sending._trust.cache_clear()
