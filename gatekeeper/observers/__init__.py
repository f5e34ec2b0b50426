"""Those who are told of decisions: the log and the metrics. They never decide, and their failure never disturbs."""
