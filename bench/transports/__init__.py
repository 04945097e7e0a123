"""Which HTTP client carries the gateway's calls: speed, CPU, cold start and size of the candidates, side by side."""
