"""One HTTP call to the outside, with a deadline checked right before the first byte leaves."""
