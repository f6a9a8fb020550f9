"""The Python interface: the verbs of the command line for scripts and notebooks."""
