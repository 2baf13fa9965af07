"""The operator's side: processes, sockets, slots, checks, backups; answers no request."""
