"""The ground truth: masters, documents and ledgers with real double entry. Knows nothing of HTTP."""
