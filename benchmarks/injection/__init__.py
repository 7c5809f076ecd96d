"""Faults put into file operations."""
