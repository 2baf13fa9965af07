"""One network in training: where it begins, its updates, what is measured on the way; knows no search and no file."""
