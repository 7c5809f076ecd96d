"""Images a second: jobs, a plain loop as peer, and the page."""
