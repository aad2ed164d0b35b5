"""Floor 2: the tick. Facts in, decisions, one transaction, instructions out. It names the ports that floors 3 and 4
implement."""
