"""The market model: price paths, an option surface, a universe with open interest, quotes, depth and option flow."""

from bot.sim.market.model import MarketModel, build_market

__all__ = ["MarketModel", "build_market"]
