"""What stands in the log: envelope, types, ids."""
