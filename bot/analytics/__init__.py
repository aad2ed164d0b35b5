"""Floor 1: measures of the market, pure functions of what they are given. No opinion on what to do about them."""
