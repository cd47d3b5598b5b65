"""The tables, as the migrations leave them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A time with its zone; kept and given back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a time without its zone cannot be stored")
        moment = value.astimezone(UTC)
        # SQLite keeps text, which compares as times do as long as all of it is in UTC.
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text that every database takes: NUL becomes U+FFFD, a lone surrogate a question mark."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

_WHOLE = BigInteger().with_variant(Integer, "sqlite")
_DATA = JSON(none_as_null=True)

#: The states of acts, as statements compare them: that an index of the rows in one state serves can be
#: known beforehand only where the state stands in the statement itself.
WAITING: Final = literal_column("'waiting'", Text)
FAILED: Final = literal_column("'failed'", Text)

#: One row an act; ``position`` is the order within a lane.
acts: Final = Table(
    "acts",
    metadata,
    Column("position", _WHOLE, Identity(), primary_key=True),
    Column("id", Words, nullable=False, unique=True),
    Column("lane", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("pool", Words, nullable=False),
    Column("payload", _DATA, nullable=False),
    Column("key", Words, unique=True),
    # waiting, done or failed; that an act is being delivered is its lane's lease.
    Column("state", Words, nullable=False),
    Column("blocks", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("delays", Integer, nullable=False),
    Column("maybe_delivered", Boolean, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("reason", Words),
    Column("receipt", _DATA),
    Index(
        "ix_acts_lane_waiting",
        "lane",
        "position",
        postgresql_where=text("state = 'waiting'"),
        sqlite_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_acts_created_waiting",
        "created_at",
        postgresql_where=text("state = 'waiting'"),
        sqlite_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_acts_failed",
        "ended_at",
        postgresql_where=text("state = 'failed'"),
        sqlite_where=text("state = 'failed'"),
    ),
    Index("ix_acts_state_ended", "state", "ended_at"),
)

#: One row a lane that has an act waiting, or is blocked by one that failed.
lanes: Final = Table(
    "lanes",
    metadata,
    Column("lane", Words, primary_key=True),
    # The act whose turn it is, and its pool.
    Column("head", Words, nullable=False),
    Column("pool", Words, nullable=False),
    # When the head may be delivered; while it is leased, when the lease ends; null: blocked.
    Column("due_at", Moment),
    Column("owner", Words),
    Column("touched_at", Moment, nullable=False),
    Index("ix_lanes_due", "pool", "due_at"),
)

#: What was seen before: deliveries of Slack that must count once.
seen: Final = Table(
    "seen",
    metadata,
    Column("key", Words, primary_key=True),
    Column("value", Words, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)

lookups: Final = Table(
    "lookups",
    metadata,
    Column("id", Words, primary_key=True),
    Column("team", Words, nullable=False),
    Column("user", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("thread_ts", Words),
    Column("response_url", Words),
    Column("response_uses", Integer, nullable=False),
    Column("input", Words, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("state", Words, nullable=False),
    Column("extra", _DATA, nullable=False),
    Column("report", _DATA),
    Column("verdict", Words),
    Column("message_channel", Words),
    Column("message_ts", Words),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Index("ix_lookups_user", "team", "user", "created_at"),
    Index("ix_lookups_state", "state", "created_at"),
    Index("ix_lookups_message", "message_channel", "message_ts"),
)

requests: Final = Table(
    "requests",
    metadata,
    Column("id", Words, primary_key=True),
    Column("short_id", Words, nullable=False, unique=True),
    Column("team", Words, nullable=False),
    Column("requester", Words, nullable=False),
    Column("requester_name", Words, nullable=False),
    Column("lookup_id", Words),
    Column("host", Words, nullable=False),
    Column("port", Integer, nullable=False),
    Column("protocol", Words, nullable=False),
    Column("connector", Words, nullable=False),
    Column("environment", Words, nullable=False),
    Column("contact", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("option", Words, nullable=False),
    Column("certificates", _DATA, nullable=False),
    Column("predictions", _DATA, nullable=False),
    Column("provenance_confirmed", Boolean, nullable=False),
    Column("reason", Words, nullable=False),
    Column("origin_channel", Words),
    Column("origin_ts", Words),
    Column("state", Words, nullable=False),
    Column("taken_by", Words),
    Column("taken_by_name", Words),
    Column("ticket", _DATA),
    Column("channel", Words),
    Column("card_ts", Words),
    Column("pem_file", Words),
    Column("version", Integer, nullable=False),
    # What at most one open request may ask for; null once it is closed.
    Column("open_key", Words),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("closed_at", Moment, index=True),
    Index(
        "uq_requests_open_key",
        "open_key",
        unique=True,
        postgresql_where=text("open_key IS NOT NULL"),
        sqlite_where=text("open_key IS NOT NULL"),
    ),
    Index("ix_requests_thread", "channel", "card_ts"),
    Index("ix_requests_requester", "team", "requester", "created_at"),
    Index("ix_requests_state", "state", "created_at"),
)

followers: Final = Table(
    "followers",
    metadata,
    Column("request_id", Words, ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("user", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("origin_channel", Words),
    Column("origin_ts", Words),
    Column("since", Moment, nullable=False),
    Index("ix_followers_user", "user"),
)

#: The audit trail.
entries: Final = Table(
    "entries",
    metadata,
    Column("id", Words, primary_key=True),
    Column("request_id", Words, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Words, nullable=False),
    Column("who_name", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("data", _DATA, nullable=False),
    UniqueConstraint("request_id", "number"),
)

#: What people wrote in the thread of a request, wherever they wrote it.
messages: Final = Table(
    "messages",
    metadata,
    Column("id", Words, primary_key=True),
    Column("request_id", Words, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    Column("source", Words, nullable=False),
    Column("source_id", Words, nullable=False),
    Column("author", Words, nullable=False),
    Column("author_name", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("files", _DATA, nullable=False),
    Column("written_at", Moment, nullable=False),
    Column("edited_at", Moment),
    Column("deleted_at", Moment),
    UniqueConstraint("source", "source_id"),
    Index("ix_messages_request", "request_id", "written_at"),
)

#: Slack installations; ``token`` is encrypted.
installations: Final = Table(
    "installations",
    metadata,
    Column("kind", Words, primary_key=True),
    Column("enterprise_id", Words, primary_key=True),
    Column("team_id", Words, primary_key=True),
    Column("user_id", Words, primary_key=True),
    Column("token", Words, nullable=False),
    Column("installed_at", Moment, nullable=False),
)

#: The Matrix42 tickets of requests, and where polling them stands.
tickets: Final = Table(
    "tickets",
    metadata,
    Column("request_id", Words, ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("ticket_id", Words, nullable=False),
    Column("number", Words, nullable=False),
    Column("url", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("cursor", _DATA, nullable=False),
    Column("state_code", Words),
    # How many polls in a row brought nothing, or failed.
    Column("quiet", Integer, nullable=False),
    # When it is polled next; while it is leased, when the lease ends; null: not any more.
    Column("due_at", Moment),
    Column("owner", Words),
    Column("down_since", Moment),
    Column("down_told", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_tickets_due", "due_at"),
)

#: What the bot wrote to tickets, by the act that wrote it, so that it is not taken for news.
ticket_echoes: Final = Table(
    "ticket_echoes",
    metadata,
    Column("act_id", Words, primary_key=True),
    Column("request_id", Words, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Words, nullable=False),
    Index("ix_ticket_echoes_request", "request_id", "digest"),
)
