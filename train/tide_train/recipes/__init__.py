"""Recipes: functions that give a run's configuration; ablations derive from others."""
