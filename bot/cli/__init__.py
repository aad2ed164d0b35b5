"""Floor 6: the command line. Each command loads the rooms it needs when it is called, so that `--help` is quick.

Exit codes: 0 done, 1 asked and refused (or found wrong, or not answered), 2 bad input and nothing started.
"""
