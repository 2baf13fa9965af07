"""Who may enter: keys, the callers that show them, browsers that have shown one."""
