"""Alembic's entry: runs the revisions in the transaction that :mod:`..migrate` opened."""

from __future__ import annotations

from alembic import context

from mintmark.authorization_server.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
