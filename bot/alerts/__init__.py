"""How people and places outside are reached: the port of a channel, the table of channels, and what delivers."""
