"""webhook-ingest: what BILL pushes, verified and durable before it is answered."""
