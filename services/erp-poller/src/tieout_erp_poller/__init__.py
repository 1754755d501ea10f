"""erp-poller: reads ERPs on each connection's schedule, or asked, and stores what it saw."""
