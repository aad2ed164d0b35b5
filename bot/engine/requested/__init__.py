"""What is done about each request that reached its handler, by what it is about. A handler answers in words, and raises
Refused with the reason why not; then it has changed nothing."""
