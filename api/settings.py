"""What the api takes from the environment; no other file of this package reads it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from crs_core.spec import field_error
from store.addresses import Network, networks
from store.loglines import Form

STATIC = Path(__file__).parent / "static"


def explained(error: ValidationError) -> str:
    """Say what is wrong with the environment, in one sentence."""
    fields = (f"COLROW_{e['loc'][0]}".upper() + f": {field_error(e).msg}" for e in error.errors())
    return "the environment is not right: " + "; ".join(fields)


class LogSettings(BaseSettings):
    """How the api logs; read before the rest, whose faults are logged."""

    model_config = SettingsConfigDict(env_prefix="COLROW_", frozen=True, extra="ignore")

    log_format: Form = Field("text", description="`text` for people, `json` for machines.")


class Settings(BaseSettings):
    """Variables `COLROW_…` of the api process."""

    model_config = SettingsConfigDict(env_prefix="COLROW_", frozen=True, extra="ignore")

    database_url: str = Field(description="SQLAlchemy URL, SQLite or PostgreSQL.")
    broker_url: str | None = Field(None, description="Redis URL or socket; None: never ring.")
    home: Path | None = Field(None, description="Folder of the service: jobs/<id>/a<attempt>/…")
    storage: str | None = Field(
        None, description="Where checkpoints lie, as s3://bucket/prefix; left out: in the home."
    )
    host: str = Field("127.0.0.1", description="Address that it listens on.")
    port: int = Field(8750, ge=0, le=65_535, description="Port; 0: a free one.")
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="More names than loopback's that `Host` may have, separated by commas."
    )
    static: Path = Field(STATIC, description="The built page.")
    threads: int = Field(16, ge=1, description="Request threads, and database connections.")
    lease_s: float = Field(60.0, gt=0, description="A worker silent for so long is lost.")
    body_limit_bytes: int = Field(1 << 20, description="Of a request's body, at most.")
    events_poll_s: float = Field(0.1, gt=0, description="Between looks for what has changed.")
    events_queue: int = Field(1000, ge=1, description="Events that wait for a slow reader.")
    streams: int = Field(200, ge=1, description="Event streams that may be open at once.")
    webhook_allow: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Networks beside the public ones that webhooks may go to, 10.1.0.0/16,…"
    )
    stop_s: int = Field(3, ge=0, description="Seconds that open requests get at a stop.")

    # Users and tokens
    profile: Literal["embedded", "cluster"] | None = Field(
        None, description="Left out: embedded on SQLite, cluster on PostgreSQL."
    )
    private: bool = Field(default=False, description="Ask for a token on loopback too.")
    proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses of proxies whose forwarding headers are believed, with commas."
    )
    session_days: float = Field(30.0, gt=0, description="How long a browser stays signed in.")
    rate_per_s: float = Field(100.0, ge=0, description="Requests of one token; 0: no limit.")
    rate_burst: int = Field(1000, ge=1, description="Requests of one token at once.")
    streams_per_user: int = Field(50, ge=1, description="Event streams of one user.")
    max_queued: int | None = Field(
        None, ge=0, description="Queued jobs of a user without a cap of their own; None: no cap."
    )
    max_running: int | None = Field(
        None, ge=0, description="Running jobs of a user without a cap of their own; None: no cap."
    )
    max_priority: int = Field(
        100,
        ge=0,
        le=1000,
        description="The highest priority that a user may give; an admin may give 1000.",
    )
    half_life_s: float = Field(
        86_400.0, gt=0, description="After so long, what a user has used counts half for its share."
    )
    preempt_after_s: float = Field(
        60.0, ge=0, description="So long a job runs at least before it gives way to another."
    )
    audit_days: float = Field(365.0, gt=0, description="How long the audit log is kept.")
    audit_rows: int = Field(
        1_000_000, ge=1, description="Its entries of changes, at most; as many of refusals."
    )
    slow_s: float = Field(30.0, gt=0, description="A client slower than that is cut off.")

    @property
    def is_embedded(self) -> bool:
        """Whether this is one person's service on one machine."""
        profile = self.profile or ("embedded" if self.database_url.startswith("sqlite") else None)
        return profile == "embedded"

    @field_validator("storage", "home", mode="before")
    @classmethod
    def _nothing(cls, value: object) -> object:
        return value or None

    @field_validator("webhook_allow", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return networks(value) if isinstance(value, str) else value

    @field_validator("hosts", "proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(name.strip().lower() for name in value.split(",") if name.strip())
