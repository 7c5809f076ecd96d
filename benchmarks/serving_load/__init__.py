"""Servers under load: sides, trials and the page."""
