"""Maps raw documents to canonical facts."""
