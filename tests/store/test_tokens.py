import threading

import pytest

from store import clock, owners, signins, tokens
from store.errors import BadQuery, Conflict, NotFound
from store.session import Database
from store.tables import BrowserSession, Token
from store.tokens import Issued, Role
from tests.store.conftest import Bench


def issue(bench: Bench, user: str = "ada", role: Role = "user", **said: object) -> Issued:
    made: Issued = bench.write(tokens.issue, user, role, **({"expires_in_s": 3600.0} | said))
    return made


def end_now(bench: Bench, made: Issued) -> None:
    """Let a token have ended a second ago."""
    with bench.database.write() as session:
        session.get_one(Token, made.token.key).expires_at = clock.read(session) - 1


def test_a_token_is_found_by_its_secret_and_the_secret_is_kept_nowhere(bench: Bench) -> None:
    made = issue(bench, "ada", "admin", name="laptop")
    assert tokens.looks_like_one(made.secret)
    assert len(made.secret) == len("colrow_") + 43
    found = bench.read(tokens.find, made.secret)
    assert (found.user, found.role, found.name, found.state) == ("ada", "admin", "laptop", "valid")
    assert found.expires_at == pytest.approx(found.created_at + 3600, abs=1)
    with bench.database.read() as session:
        row = session.get_one(Token, made.token.key)
        kept = [str(value) for value in vars(row).values()]
    assert not any(made.secret in text or made.secret[7:] in text for text in kept)
    assert issue(bench).secret != made.secret


def test_a_secret_that_was_never_given_out_is_not_found(bench: Bench) -> None:
    issue(bench)
    assert bench.read(tokens.find, "colrow_" + "x" * 43) is None
    assert bench.read(tokens.find, "") is None
    for text in ("", "colrow_", "colrow_" + "x" * 42, "Bearer colrow_" + "x" * 43, "x" * 50):
        assert not tokens.looks_like_one(text)


def test_a_token_ends_by_time_or_by_revocation_and_for_good(bench: Bench) -> None:
    first, second, third = issue(bench), issue(bench), issue(bench, expires_in_s=None)
    end_now(bench, first)
    revoked = bench.write(tokens.revoke, second.token.id)
    assert bench.read(tokens.find, first.secret).state == "expired"
    assert bench.read(tokens.find, second.secret).state == "revoked"
    assert bench.read(tokens.find, third.secret).state == "valid"
    again = bench.write(tokens.revoke, second.token.id)
    assert again.revoked_at == revoked.revoked_at
    keys = {first.token.key, second.token.key, third.token.key}
    assert bench.read(tokens.still_valid, keys) == {third.token.key}


def test_a_token_that_is_none_cannot_be_revoked(bench: Bench) -> None:
    with pytest.raises(NotFound, match="no token 'x'"):
        bench.write(tokens.revoke, "x")


def test_the_last_admin_can_be_kept(bench: Bench) -> None:
    assert not bench.read(tokens.has_admin)
    first, second = issue(bench, role="admin"), issue(bench, role="admin")
    ended = issue(bench, role="admin")
    end_now(bench, ended)
    user = issue(bench, role="user")
    bench.write(tokens.revoke, user.token.id, keep_an_admin=True)
    bench.write(tokens.revoke, first.token.id, keep_an_admin=True)
    with pytest.raises(Conflict, match="last valid token of an admin"):
        bench.write(tokens.revoke, second.token.id, keep_an_admin=True)
    bench.write(tokens.revoke, ended.token.id, keep_an_admin=True)
    assert bench.read(tokens.has_admin)
    bench.write(tokens.revoke, second.token.id)
    assert not bench.read(tokens.has_admin)


def test_of_two_admins_revoked_at_once_one_is_left(bench: Bench) -> None:
    made = [issue(bench, role="admin") for _ in range(2)]
    refused: list[Exception] = []
    start = threading.Barrier(2)

    def revoke(token_id: str) -> None:
        start.wait()
        try:
            bench.write(tokens.revoke, token_id, keep_an_admin=True)
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=revoke, args=[one.token.id]) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert bench.read(tokens.has_admin)


def test_the_list_is_paged_and_newest_first(bench: Bench) -> None:
    made = [issue(bench, user).token.id for user in ("ada", "bob", "eve")]
    page = bench.read(tokens.list_tokens, limit=2)
    assert [t.id for t in page.items] == [made[2], made[1]]
    rest = bench.read(tokens.list_tokens, limit=2, cursor=page.next)
    assert [t.id for t in rest.items] == [made[0]]
    assert rest.next is None
    with pytest.raises(BadQuery):
        bench.read(tokens.list_tokens, cursor="nonsense")


@pytest.mark.parametrize(
    "name", ["", "a b", "<b>", "é", "-a", ".a", "a\n", "a" * 65, "a/b", "a\x00", "a'--"]
)
def test_a_name_that_could_harm_a_screen_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(BadQuery, match="no name of a user"):
        issue(bench, name)
    assert bench.read(owners.list_users) == ()


def test_a_browser_is_signed_in_for_as_long_as_its_token_holds(bench: Bench) -> None:
    made = issue(bench)
    secret, ends = bench.write(signins.begin, made.token, lasts_s=10.0)
    assert ends == pytest.approx(made.token.created_at + 10, abs=5)
    _, ends = bench.write(signins.begin, made.token, lasts_s=1e9)
    assert ends == made.token.expires_at
    assert bench.read(signins.find, secret).user == "ada"
    assert bench.read(signins.find, made.secret) is None
    assert bench.read(tokens.find, secret) is None
    bench.write(tokens.revoke, made.token.id)
    assert bench.read(signins.find, secret).state == "revoked"


def test_signing_out_ends_that_browser_alone(bench: Bench) -> None:
    made = issue(bench)
    (one, _), (other, _) = (bench.write(signins.begin, made.token, lasts_s=60.0) for _ in "12")
    bench.write(signins.end, one)
    bench.write(signins.end, one)
    assert bench.read(signins.find, one) is None
    assert bench.read(signins.find, other) is not None


def test_sessions_that_ended_and_the_oldest_of_many_are_forgotten(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signins, "KEPT_PER_TOKEN", 3)
    made, another = issue(bench), issue(bench)
    kept, _ = bench.write(signins.begin, another.token, lasts_s=60.0)
    ended, _ = bench.write(signins.begin, another.token, lasts_s=-1.0)
    secrets = [bench.write(signins.begin, made.token, lasts_s=60.0)[0] for _ in range(5)]
    there = [bench.read(signins.find, secret) is not None for secret in secrets]
    assert there == [False, False, True, True, True]
    assert bench.read(signins.find, kept) is not None
    assert bench.read(signins.find, ended) is None
    with bench.database.read() as session:
        assert session.query(BrowserSession).count() == 4


def test_the_last_use_is_noted(bench: Bench, database: Database) -> None:
    made = issue(bench)
    assert made.token.last_used_at is None
    bench.write(tokens.touch, made.token.key)
    used = bench.read(tokens.find, made.secret)
    assert used.last_used_at == pytest.approx(used.now, abs=5)
