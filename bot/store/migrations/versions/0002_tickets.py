"""Tables for Matrix42 tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_tickets"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes them."""
    op.create_table(
        "tickets",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=False),
        sa.Column("state_code", sa.Text(), nullable=True),
        sa.Column("quiet", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("down_since", MOMENT, nullable=True),
        sa.Column("down_told", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_tickets")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["requests.id"],
            name=op.f("fk_tickets_request_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_tickets_due", "tickets", ["due_at"])
    op.create_table(
        "ticket_echoes",
        sa.Column("act_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_ticket_echoes")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["requests.id"],
            name=op.f("fk_ticket_echoes_request_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_ticket_echoes_request", "ticket_echoes", ["request_id", "digest"])


def downgrade() -> None:
    """Removes them."""
    op.drop_table("ticket_echoes")
    op.drop_table("tickets")
