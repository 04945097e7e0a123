"""What the gateway costs per request, side by side with the floor under it and with other gateways, in one run."""
