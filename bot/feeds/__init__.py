"""Floor 4: time, the exchange calendar and the data vendors. Wire formats come in, domain events go out."""
