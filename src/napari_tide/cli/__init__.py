"""The ``tide`` commands: argument parsing only."""
