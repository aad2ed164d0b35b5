"""Floor 3: the store. Tables, the one writer's unit of work, the audit chain, views, named queries, invariants and
backup.

Only this room knows of SQLAlchemy. The engine sees the `Store` port; page and command line read through
`bot.store.reading` and ask for things by inserting `command` rows.
"""
