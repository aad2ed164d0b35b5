"""Telegram, Discord, mail, the model and a receiver of signed webhooks, simulated on loopback.

The real client libraries reach them; what arrives is kept in one book (`book.Book`), whose people can press, type and
leave; faults come by switch, by scenario and at random (`faults.FaultBoard`). Nothing here is imported for its name
alone: the trader's process knows `cast`, the venue's process the rest.
"""
