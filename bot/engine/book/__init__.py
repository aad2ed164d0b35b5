"""What the broker says, and our book held against it: orders, fills, what is not ours, the reconciler."""
