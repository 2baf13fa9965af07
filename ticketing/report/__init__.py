"""What is said of a run: one document (`report.json`), drawn as a page and told as a model card."""
