"""What every simulator shares: a clock people can move, faults, a log of requests, and the HTTP server around them."""
