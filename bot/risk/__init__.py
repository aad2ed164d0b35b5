"""Floor 1: how much may be bought, whether it may be bought, and how it will be left. Pure functions."""
