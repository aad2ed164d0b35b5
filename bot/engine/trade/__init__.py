"""What is decided about a trade: signals, entries, the protective stop, exits, markets that do not answer."""
