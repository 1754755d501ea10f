"""BILL's JSON, the only place where its keys appear: pure readers from raw objects to records, writers back."""
