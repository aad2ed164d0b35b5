"""Floor 1: ideas. A strategy looks at the market and proposes one option to buy, or says why it does not."""
