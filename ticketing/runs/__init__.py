"""One folder, one process: what it takes to run it, inspect it or verify it."""
