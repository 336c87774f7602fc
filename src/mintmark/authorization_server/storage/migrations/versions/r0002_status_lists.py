"""Status lists: which indexes were taken, which grant has which, and which are INVALID."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "status_blocks",
        sa.Column("block", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("block"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_status_blocks_expires_at", "status_blocks", ["expires_at"], unique=False)
    op.create_table(
        "status_invalid",
        sa.Column("status_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("status_index"),
    )
    op.create_index("ix_status_invalid_expires_at", "status_invalid", ["expires_at"], unique=False)
    op.add_column("grants", sa.Column("status_index", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_grants_status_index",
        "grants",
        ["status_index"],
        unique=False,
        sqlite_where=sa.text("status_index IS NOT NULL"),
        postgresql_where=sa.text("status_index IS NOT NULL"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER mintmark_announce AFTER INSERT OR UPDATE OR DELETE ON status_invalid "
            "FOR EACH STATEMENT EXECUTE FUNCTION mintmark_announce()"
        )
