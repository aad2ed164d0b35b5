"""The overseer: rules that watch the bot, and a model that explains and may slow, veto or pause.

It runs in the child `people`, reads the store and says what it found through `inbound`; it changes no state itself.
What a verdict may bring about is bounded by the engine (`bot.engine.overseen`).
"""
