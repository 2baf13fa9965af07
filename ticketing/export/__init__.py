"""What a run hands out: the ticket, its files, the lists of them, and the document they are reported in."""
