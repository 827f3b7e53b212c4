"""How Alembic reaches the database: through the connection that the store hands in, in its transaction."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from scheduler.store import records, tables  # noqa: F401  the imports fill the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
