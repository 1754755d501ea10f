"""The core of Tieout: what is decided, how it is logged, and how the outside is called."""
