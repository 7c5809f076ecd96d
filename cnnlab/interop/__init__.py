"""What other libraries keep and expect: their files, read and written."""
