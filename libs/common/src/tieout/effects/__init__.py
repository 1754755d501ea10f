"""The effect protocol: how the outside is called so that nothing happens twice."""
