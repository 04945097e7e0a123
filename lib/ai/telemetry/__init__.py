"""What monitoring systems are told: OpenTelemetry over OTLP/HTTP."""
