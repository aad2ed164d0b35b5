"""Floor 0: what Quanticity talks about. Standard library and `transitions` only; no I/O, no clock, no settings."""
