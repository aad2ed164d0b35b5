"""Floor 4: the broker. TWS messages come in and domain events go out; the only room that imports ib_insync.

Choice. Of ib_insync we use what knows the wire (`Client`, `Decoder`, its record types) and not its `IB` and `Wrapper`
objects: those keep a state of their own that turns an order to Cancelled on most error codes, drops commissions that
come before their execution, counts corrected executions twice and forgets everything at a disconnect. Every message
therefore reaches our own listener, which turns it into an event through the tables in `words`; nothing is remembered
but identities.
"""
