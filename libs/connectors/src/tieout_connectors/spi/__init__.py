"""What a connector offers to the services. Domain types only, and raw rows for the log."""
