"""The store: tables, engine, migrations, and every query there is. One module a noun; functions take a connection."""
