"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "change_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("trimmed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change_head"),
    )
    op.create_table(
        "changes",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("sweep_id", sa.String(length=36), nullable=True),
        sa.Column("worker", sa.String(length=200), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=True),
        sa.Column("from_step", sa.Integer(), nullable=True),
        sa.Column("to_step", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
    )
    op.create_table(
        "metrics",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metrics"),
        sa.UniqueConstraint("name", name="uq_metrics_name"),
    )
    op.create_table(
        "owners",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_owners"),
        sa.UniqueConstraint("name", name="uq_owners_name"),
    )
    op.create_table(
        "points",
        sa.Column("job_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("metric_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("job_key", "metric_id", "step", name="pk_points"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scheduler",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scheduler"),
    )
    op.create_table(
        "workers",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("devices", sa.JSON(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("memory_used_bytes", sa.BigInteger(), nullable=True),
        sa.Column("datasets", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("state_since", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_workers"),
        sa.UniqueConstraint("name", name="uq_workers_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sweeps",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base", sa.JSON(), nullable=False),
        sa.Column("axes", sa.JSON(), nullable=False),
        sa.Column("variants", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.key"], name="fk_sweeps_owner_key"),
        sa.PrimaryKeyConstraint("key", name="pk_sweeps"),
        sa.UniqueConstraint("id", name="uq_sweeps_id"),
    )
    op.create_table(
        "jobs",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_key", sa.Integer(), nullable=False),
        sa.Column("sweep_key", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(length=50), nullable=False),
        sa.Column("dataset", sa.String(length=50), nullable=False),
        sa.Column("policies", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("devices", sa.Integer(), nullable=False),
        sa.Column("planned_compute_reduction", sa.Float(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("wish", sa.String(length=20), nullable=True),
        sa.Column("reason_kind", sa.String(length=50), nullable=True),
        sa.Column("reason_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("queued_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("barren_attempts", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("total_steps", sa.BigInteger(), nullable=True),
        sa.Column("steps_per_epoch", sa.Integer(), nullable=True),
        sa.Column("best_validation_step", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.key"], name="fk_jobs_owner_key"),
        sa.ForeignKeyConstraint(["sweep_key"], ["sweeps.key"], name="fk_jobs_sweep_key"),
        sa.PrimaryKeyConstraint("key", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_jobs_queue", "jobs", ["state", "priority", "queued_at", "key"], unique=False
    )
    op.create_index("ix_jobs_sweep_key", "jobs", ["sweep_key"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("job_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker_key", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("heartbeat_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("reason_kind", sa.String(length=50), nullable=True),
        sa.Column("reason_message", sa.Text(), nullable=True),
        sa.Column("start_step", sa.Integer(), nullable=True),
        sa.Column("resumed_from", sa.Text(), nullable=True),
        sa.Column("device", sa.String(length=200), nullable=True),
        sa.Column("threads", sa.Integer(), nullable=True),
        sa.Column("versions", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("notes", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_attempts_job_key", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["worker_key"], ["workers.key"], name="fk_attempts_worker_key"),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
        sa.UniqueConstraint("job_key", "number", name="uq_attempts_job_key_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_attempts_lease", "attempts", ["ended_at", "lease_until"], unique=False)
    op.create_index("ix_attempts_worker_key", "attempts", ["worker_key", "ended_at"], unique=False)
    op.create_table(
        "layers",
        sa.Column("job_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("product", sa.String(length=20), nullable=False),
        sa.Column("policy", sa.String(length=50), nullable=False),
        sa.Column("ratio", sa.Float(), nullable=False),
        sa.Column("pairs", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Float(), nullable=True),
        sa.Column("exact_macs", sa.BigInteger(), nullable=False),
        sa.Column("performed_macs", sa.BigInteger(), nullable=False),
        sa.Column("never_kept", sa.Float(), nullable=True),
        sa.Column("error", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_layers_job_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_key", "position", name="pk_layers"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_chunks",
        sa.Column("job_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt_number", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_log_chunks_job_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_key", "start", name="pk_log_chunks"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "submissions",
        sa.Column("owner_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("job_key", sa.Integer(), nullable=True),
        sa.Column("sweep_key", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_submissions_job_key", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.key"], name="fk_submissions_owner_key"),
        sa.ForeignKeyConstraint(
            ["sweep_key"], ["sweeps.key"], name="fk_submissions_sweep_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_key", "idempotency_key", name="pk_submissions"),
    )
    op.create_table(
        "summaries",
        sa.Column("job_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("metric_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("last_value", sa.Float(), nullable=True),
        sa.Column("best_step", sa.Integer(), nullable=True),
        sa.Column("best_value", sa.Float(), nullable=True),
        sa.Column("at_best_validation", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_summaries_job_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_key", "metric_id", name="pk_summaries"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_summaries_metric_id", "summaries", ["metric_id", "last_value"], unique=False
    )
    op.create_table(
        "tags",
        sa.Column("job_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_tags_job_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_key", "tag", name="pk_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tags_tag", "tags", ["tag"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("job_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt_key", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("best", sa.Boolean(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_key"], ["attempts.key"], name="fk_checkpoints_attempt_key", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name="fk_checkpoints_job_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_checkpoints"),
        sa.UniqueConstraint("attempt_key", "name", name="uq_checkpoints_attempt_key_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_checkpoints_current", "checkpoints", ["current"], unique=False)
    op.create_index("ix_checkpoints_job_key", "checkpoints", ["job_key", "step"], unique=False)
    # The rows that claims and changes lock.
    op.execute("INSERT INTO scheduler (id, claims) VALUES (1, 0)")
    op.execute("INSERT INTO change_head (id, seq, trimmed) VALUES (1, 0, 0)")
