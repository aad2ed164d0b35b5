"""The end of a contract's life: its expiry, what it is settled at, and when that is looked up."""
