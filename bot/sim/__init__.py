"""The simulated venue: one market model and matching engine, a TWS face, a UW face, scenarios and replay."""
