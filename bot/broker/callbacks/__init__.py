"""The callbacks of the TWS API by what they are about, one room each; `bot.broker.listener` is all of them together."""
