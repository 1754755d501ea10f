"""``tieout demo``: the main job between two simulated companies, on real Kafka and PostgreSQL, with a report.

``command`` is the command line. ``stages`` is the table of what is done, in order; each stage is a function over the
``scene`` (what runs and where). ``figures``, ``traffic`` and ``proof`` are pure: what the outside worlds' own ledgers
and logs say, and what of it nobody can explain. Nothing in a report is Tieout's own word where a ledger can tell.
"""
