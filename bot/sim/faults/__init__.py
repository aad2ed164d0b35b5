"""What goes wrong in the field, as data: a catalogue, a script that knows what is wrong now, a generator that mixes.

The same list of faults bends the socket faces of a venue process and the broker port of a venue in the same process.
"""
