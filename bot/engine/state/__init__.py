"""What the engine holds in its hands: ledger, board, inbox, journal, and the ports to the floors above."""
