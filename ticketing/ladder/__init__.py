"""How many entries stay at which level, and which level comes next; arithmetic alone, loads no torch."""
