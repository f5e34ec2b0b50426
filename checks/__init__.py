"""The questions that Gatekeeper can ask a cluster: one file, one class, one check; nothing else lives here."""
