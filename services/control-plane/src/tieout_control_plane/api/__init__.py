"""The HTTP API: JSON over aiohttp, a bearer token for everything that is not a probe or the API's own description."""
