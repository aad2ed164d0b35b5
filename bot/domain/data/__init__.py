"""What data vendors say, as typed rows by family; `sets` names the data sets. A set's value on the board is a tuple of
one kind of row."""
