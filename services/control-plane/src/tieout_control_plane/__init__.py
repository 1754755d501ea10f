"""Settings, secrets, people, ticks and the API."""
