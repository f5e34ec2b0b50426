"""Contoso's own checks for Gatekeeper: one module for each."""
