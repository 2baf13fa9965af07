"""What is claimed of a ticket: at which level, from which trainings, with which verdict; searches nothing."""
