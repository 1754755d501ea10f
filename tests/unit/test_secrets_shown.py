"""A secret that is printed, logged or put into an error by mistake gives nothing away."""

import pickle

import pytest

from tieout.connections.secrets import Secret


def test_a_printed_secret_shows_how_many_values_it_has_and_none_of_them() -> None:
    """Whatever a log or a trace makes of it, the password is not in it."""
    secret = Secret(3, {"user": "ap@example.com", "password": "hunter2"})
    said = f"{secret} {secret!r} {[secret]}"
    assert "hunter2" not in said
    assert "ap@example.com" not in said
    assert "2 hidden" in said
    assert secret.reveal() == {"user": "ap@example.com", "password": "hunter2"}


def test_a_secret_is_not_carried_away() -> None:
    """No queue, cache or other process gets it in a pickle."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(1, {"password": "hunter2"}))
