"""Grids: one request, many jobs that differ in a few fields of their recipe, and one report over all of them."""
