"""The settings of each idea by itself, in a file of the idea's name, and all of them together (`together.py`)."""
