"""What can be set: the schema (pure) and, for the composition root only, the loader that reads files and
environment."""
