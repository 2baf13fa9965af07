"""What waits and whose turn it is: lanes, heads, positions, and the hints that wake slots."""
