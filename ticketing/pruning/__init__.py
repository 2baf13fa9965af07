"""Which entries stay: what they score, who competes with whom, who survives; trains nothing."""
