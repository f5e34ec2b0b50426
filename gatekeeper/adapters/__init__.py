"""The two doors lead outside: Azure and Kubernetes. Nothing of their client libraries leaves this package."""
