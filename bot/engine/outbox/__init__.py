"""What is said: transitions and notices become messages in the same transaction, and go out in the next."""
