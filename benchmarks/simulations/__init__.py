"""Experiments on made-up data, for intervals and tests."""
