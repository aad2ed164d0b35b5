"""Data that others recorded, made into recordings: each kind is a file in this room and a line in `kinds.IMPORTERS`.

A row is received when it could be known: a bar when it is over, a message when it was sent. What a data set does not
have is said by its importer (`lacks`), never made up.
"""
