"""Change subscriptions: handshake, notifications, retries and their end."""
