"""From paired figures to a verdict: statistics alone; knows no network and loads no torch."""
