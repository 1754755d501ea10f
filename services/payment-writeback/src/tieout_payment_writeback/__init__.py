"""The only process that writes to ERPs."""
