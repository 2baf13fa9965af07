"""Who is let in: keys and cookies of a request, and the forms browsers send."""
