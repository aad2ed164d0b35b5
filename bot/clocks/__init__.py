"""Floor 4: time as the bot lives in it (the machine's, scaled, manual), and the sessions of the exchange."""
