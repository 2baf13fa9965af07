"""What a ticket really gains where it runs: time, memory and bytes of the dense, the masked and the slim network."""
