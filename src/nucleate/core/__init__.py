"""Base of every room, which knows nothing of matter: errors, settings, files, processes."""
