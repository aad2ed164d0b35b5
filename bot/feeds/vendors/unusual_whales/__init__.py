"""Unusual Whales: what its refusals mean (`manners`), and its rows by family (`rows`)."""
