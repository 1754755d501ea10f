"""The entity sets of API v2.0: how each shows and changes the books."""
