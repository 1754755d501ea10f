"""The only process that talks to BILL."""
