"""The way out: the one gate, the pace, the dispatcher."""
