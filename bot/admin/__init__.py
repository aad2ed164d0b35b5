"""Telegram, to steer the bot from a phone. This room reads the store and inserts what is asked; the tick decides."""
