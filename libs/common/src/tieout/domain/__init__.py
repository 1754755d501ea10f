"""Records, money, capabilities and the errors of recovery. Pure: no I/O, no clock."""
