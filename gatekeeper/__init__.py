"""Gatekeeper approves the gates of Azure Kubernetes Fleet Manager update runs when the clusters are proven healthy.

It refuses everything else: it never rejects, starts, stops, skips or changes anything.
"""

__version__ = "0.1.0"
