"""Losses and schedules, one a file; they know nothing of the trainer."""
