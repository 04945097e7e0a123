"""What a gateway makes of its providers' faults: a provider that has them, a program that asks, and the table."""
