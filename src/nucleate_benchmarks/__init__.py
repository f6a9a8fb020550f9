"""The field's own protocols, and what a command costs."""
