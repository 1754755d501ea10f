"""fact-mapper: raw documents in, canonical facts out, stateless."""
