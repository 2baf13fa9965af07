"""For how long things are kept: deletion, expiry, collection of bytes, and who does it alone."""
