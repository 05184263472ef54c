"""How Alembic reaches the store."""

from alembic import context

from core.schema import meta

store = context.config.attributes["store"]

with store.begin() as connection:
    context.configure(connection=connection, target_metadata=meta.metadata, render_as_batch=True)
    context.run_migrations()
