"""A service that asks for tokens, and people who have some."""

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from store import clock, tokens
from store.session import Database
from store.tables import Job, Token
from store.tokens import Issued, Role

BASE = "http://127.0.0.1:8750"


class Lab:
    """A service that asks everybody for a token, and its people."""

    def __init__(self, app: FastAPI, client: TestClient, database: Database) -> None:
        self.app, self.client, self.database = app, client, database

    def issue(self, user: str, role: Role = "user", *, expires_in_s: float = 3600.0) -> Issued:
        with self.database.write() as session:
            return tokens.issue(session, user, role, expires_in_s=expires_in_s)

    def revoke(self, made: Issued) -> None:
        with self.database.write() as session:
            tokens.revoke(session, made.token.id)

    def expire(self, made: Issued) -> None:
        with self.database.write() as session:
            session.get_one(Token, made.token.key).expires_at = clock.read(session) - 1

    def by(self, shown: Issued | str) -> TestClient:
        """Give a client of their own to whoever has the token."""
        secret = shown if isinstance(shown, str) else shown.secret
        made = TestClient(self.app, base_url=BASE, raise_server_exceptions=False)
        made.headers["authorization"] = f"Bearer {secret}"
        return made

    def user(self, name: str, role: Role = "user") -> TestClient:
        """Give a client to a user with a new token."""
        return self.by(self.issue(name, role))

    def nobody(self) -> TestClient:
        """Give a client that shows nothing and has no cookie."""
        return TestClient(self.app, base_url=BASE, raise_server_exceptions=False)

    def jobs(self) -> dict[str, str]:
        """Read the states of all jobs by id: what a refused call must not change."""
        with self.database.read() as session:
            return dict(session.execute(select(Job.id, Job.state)).all())
