"""What the daemon shows over HTTP: its metrics and whether it lives and is ready. Nothing here changes anything."""
