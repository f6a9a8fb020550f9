"""What every room uses and that knows nothing of matter: errors, settings, files, processes."""
