"""The two ways in which starting something on this machine can fail.

DevstackError
├── NothingUsable   the machine lacks what is needed; the message names the cures
└── NotReady        something was started and did not become ready; the message ends with its log's last lines
"""


class DevstackError(RuntimeError):
    """Root of this package's errors; the message is meant for the person at the keyboard."""


class NothingUsable(DevstackError):
    """No way of having the component exists on this machine; the message lists the cures."""


class NotReady(DevstackError):
    """A process ended or stayed silent for longer than it may; the message ends with its log's last lines."""
