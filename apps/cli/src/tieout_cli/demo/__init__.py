"""``tieout demo``: the main job between two simulated companies, on real Kafka and PostgreSQL, with a report.

``command`` is the command line. ``stages`` is the table of what is done, in order; each stage is a function over the
``scene`` (what runs and where). ``figures`` is pure: what the outside worlds' own ledgers say, and what of it nobody can
explain. Nothing in a report comes from Tieout's own word alone where an outside ledger can tell.
"""
