"""Alpha Vantage: a vendor that answers nearly everything with 200, refusals included."""
