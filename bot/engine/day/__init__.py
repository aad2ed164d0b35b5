"""What goes by the clock or over all positions: limits, time budgets, restart windows, timekeeping, the link, jobs."""
