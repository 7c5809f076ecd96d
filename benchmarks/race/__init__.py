"""Time to accuracy: contenders, conditions, statistics and the page."""
