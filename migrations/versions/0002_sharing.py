"""What several people and machines need: tokens, audit, usage, needs of jobs, webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _owners_and_tokens()
    _jobs_and_attempts()
    _webhooks()
    _scheduling()
    _files()
    _monitoring()


def _owners_and_tokens() -> None:
    op.add_column("owners", sa.Column("max_running", sa.Integer(), nullable=True))
    op.add_column("owners", sa.Column("max_queued", sa.Integer(), nullable=True))
    for name in ("recent_device_s", "recent_at"):
        op.add_column("owners", sa.Column(name, sa.Float(), nullable=False, server_default="0"))
    op.create_table(
        "tokens",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.Column("last_used_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.key"], name="fk_tokens_owner_key"),
        sa.PrimaryKeyConstraint("key", name="pk_tokens"),
        sa.UniqueConstraint("id", name="uq_tokens_id"),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
    )
    op.create_table(
        "sessions",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("token_key", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_key"], ["tokens.key"], name="fk_sessions_token_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_sessions"),
        sa.UniqueConstraint("hash", name="uq_sessions_hash"),
    )
    op.create_table(
        "audit",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("token_id", sa.String(length=36), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "usage",
        sa.Column("owner_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("device_s", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("exact_macs", sa.Float(), nullable=False),
        sa.Column("performed_macs", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.key"], name="fk_usage_owner_key"),
        sa.PrimaryKeyConstraint("owner_key", "day", "kind", name="pk_usage"),
        sqlite_with_rowid=False,
    )


def _jobs_and_attempts() -> None:
    op.add_column("jobs", sa.Column("memory_bytes", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("device_name", sa.String(length=200), nullable=True))
    op.add_column(
        "jobs", sa.Column("preemptible", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("jobs", sa.Column("wall_time_s", sa.Float(), nullable=True))
    op.add_column("attempts", sa.Column("host", sa.String(length=255), nullable=True))
    op.execute(
        "UPDATE attempts SET host = "
        "(SELECT host FROM workers WHERE workers.key = attempts.worker_key)"
    )
    op.add_column("attempts", sa.Column("device_count", sa.Integer(), nullable=True))
    op.add_column("attempts", sa.Column("device_name", sa.String(length=200), nullable=True))
    op.add_column("attempts", sa.Column("git_revision", sa.String(length=64), nullable=True))
    op.add_column("attempts", sa.Column("environment", sa.JSON(), nullable=True))
    op.add_column("attempts", sa.Column("shared", sa.Boolean(), nullable=True))
    op.add_column("attempts", sa.Column("start_s", sa.Float(), nullable=True))
    op.add_column("attempts", sa.Column("trainer_s", sa.Float(), nullable=True))
    op.add_column("attempts", sa.Column("exact_macs", sa.Float(), nullable=True))
    op.add_column("attempts", sa.Column("performed_macs", sa.Float(), nullable=True))
    op.add_column("workers", sa.Column("versions", sa.JSON(), nullable=True))


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("job_key", sa.Integer(), nullable=True),
        sa.Column("sweep_key", sa.Integer(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("receiver", sa.String(length=300), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_webhooks_job_key", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sweep_key"], ["sweeps.key"], name="fk_webhooks_sweep_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_webhooks"),
        sa.UniqueConstraint("id", name="uq_webhooks_id"),
    )
    op.create_index("ix_webhooks_job_key", "webhooks", ["job_key"], unique=False)
    op.create_index("ix_webhooks_sweep_key", "webhooks", ["sweep_key"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("webhook_key", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_key"], ["webhooks.key"], name="fk_deliveries_webhook_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_deliveries"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "next_at"], unique=False)
    op.create_index("ix_deliveries_webhook_key", "deliveries", ["webhook_key"], unique=False)


def _monitoring() -> None:
    op.add_column("workers", sa.Column("device_use", sa.JSON(), nullable=True))
    op.add_column("workers", sa.Column("clock_offset_s", sa.Float(), nullable=True))
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", name="pk_counters"),
        sqlite_with_rowid=False,
    )


def _files() -> None:
    op.create_table(
        "storage",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.String(length=36), nullable=True),
        sa.Column("shown", sa.Text(), nullable=True),
        sa.Column("held_until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storage"),
    )
    op.execute("INSERT INTO storage (id, held_until) VALUES (1, 0)")
    op.create_table(
        "removals",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_removals"),
    )
    op.add_column(
        "attempts", sa.Column("tidied", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_attempts_tidied", "attempts", ["tidied", "ended_at"], unique=False)


def _scheduling() -> None:
    op.add_column("jobs", sa.Column("shape", sa.String(length=64), nullable=True))
    op.drop_index("ix_jobs_queue", "jobs")
    op.create_index(
        "ix_jobs_queue",
        "jobs",
        [
            *("state", "owner_key", "priority", "queued_at", "key", "devices", "kind"),
            *("memory_bytes", "device_name", "dataset", "model", "policies", "sweep_key"),
        ],
        unique=False,
    )
    op.add_column("workers", sa.Column("hardware", sa.JSON(), nullable=True))
    op.add_column("workers", sa.Column("home_id", sa.String(length=36), nullable=True))
    op.add_column("workers", sa.Column("machine", sa.String(length=36), nullable=True))
    op.add_column("scheduler", sa.Column("half_life_s", sa.Float(), nullable=True))
    op.add_column("scheduler", sa.Column("max_running", sa.Integer(), nullable=True))
    op.add_column("scheduler", sa.Column("preempt_after_s", sa.Float(), nullable=True))
    op.create_table(
        "durations",
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("run_s", sa.Float(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shape", name="pk_durations"),
        sqlite_with_rowid=False,
    )
