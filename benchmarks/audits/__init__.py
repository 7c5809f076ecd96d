"""What an audit is to find, and the page of what it found."""
