"""Floor 4: the data vendors. Wire formats come in, domain events go out; what no vendor knows of another is common."""
