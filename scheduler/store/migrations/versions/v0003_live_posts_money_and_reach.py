"""Live posts in a lane of their own, what is written at the desk, tokens, what posts cost and how far they reached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("live", "fixed"):
        op.add_column("delivery", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("delivery", sa.Column("replies_to", sa.Integer(), nullable=True))
    op.add_column("delivery", sa.Column("approved_by", AutoString(), nullable=False, server_default=""))
    op.add_column("attempt", sa.Column("cost", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("attempt", sa.Column("twin", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE delivery SET live = 1 WHERE part <> 'main' AND part GLOB '*[^0-9]*'")
    op.create_index(
        "attempt_paid", "attempt", ["channel", "started_at"], unique=False, sqlite_where=sa.text("cost > 0")
    )
    op.create_table(
        "shift",
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"]),
        sa.PrimaryKeyConstraint("piece_id"),
    )
    op.create_table(
        "tap",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("told", AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "token",
        sa.Column("channel", AutoString(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("saved_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "expense",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("what", AutoString(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("expense_at", "expense", ["channel", "at"], unique=False)
    op.create_table(
        "measurement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("metric", AutoString(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("measured_at", UTCDateTime(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("why", AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("measurement_of", "measurement", ["delivery_id", "measured_at"], unique=False)
