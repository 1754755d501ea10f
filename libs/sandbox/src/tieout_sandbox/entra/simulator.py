"""The Entra simulator: discovery and the token endpoint for client credentials.

A world is ``{"tenants": {tenant id: {"domain": name, "apps": [{"client_id", "name", "secrets": [{"value",
"expires"}]}]}}}``; ``expires`` is an ISO time in UTC or absent. ``token_key`` or ``token_key_file`` beside ``tenants``
is the key that signs. Errors are Entra's, by number: see ``ERRORS``.

``POST /_sandbox/people`` takes ``{"do": action, ...}`` with ``add_app`` (tenant, client_id, secret), ``remove_app``
(tenant, client_id), ``add_secret`` (tenant, client_id, secret, expires?) and ``expire_secrets`` (tenant, client_id).
"""

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tieout_sandbox.entra.tokens import TokenKey
from tieout_sandbox.kernel.clock import Clock

TENANT = "3f2c7d1e-9a54-4c1b-8f0e-5b6d7a8c9e01"
CLIENT_ID = "7b1d0c52-2f3e-4d6a-9c8b-1a2b3c4d5e6f"
CLIENT_SECRET = "sandbox-secret~Qx8"  # noqa: S105  the made-up secret of the sandbox

# number → status, OAuth error, text
ERRORS: dict[int, tuple[int, str, str]] = {
    7000215: (
        401,
        "invalid_client",
        (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            "not the client secret ID, for a secret added to app '{client}'."
        ),
    ),
    7000222: (401, "invalid_client", "The provided client secret keys for app '{client}' are expired."),
    700016: (
        400,
        "invalid_client",
        "Application with identifier '{client}' was not found in the directory '{tenant}'.",
    ),
    90002: (400, "invalid_request", "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."),
    900144: (400, "invalid_request", "The request body must contain the following parameter: '{parameter}'."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."),
    70011: (400, "invalid_scope", "The provided value for the input parameter 'scope' is not valid: '{scope}'."),
    7000218: (
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
}


def default_directory() -> dict[str, Any]:
    """One tenant with one app, the one the default worlds of the ERP simulators know."""
    app = {"client_id": CLIENT_ID, "name": "Tieout", "secrets": [{"value": CLIENT_SECRET}]}
    return {"tenants": {TENANT: {"domain": "cronus.example", "apps": [app]}}}


class EntraError(Exception):
    """One of ``ERRORS`` with the words to fill in."""

    def __init__(self, number: int, **words: str) -> None:
        super().__init__(number)
        self.number = number
        self.words = words


class EntraSimulator:
    """Issues tokens that carry the scope's resource as audience.

    They are signed with ``key``, else with the key of the world (see ``TokenKey.of_world``), which every simulator of
    a resource must be given too.
    """

    name = "entra"

    def __init__(
        self,
        world: dict[str, Any] | None = None,
        _ca_file: str | None = None,
        *,
        key: TokenKey | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.switches: dict[str, Any] = {"token_life_seconds": 3599}
        self._directory = world or default_directory()
        if not isinstance(self._directory.get("tenants"), dict):
            raise ValueError("a world of Entra has 'tenants'")  # noqa: TRY004 - the world's value, not an argument's type
        self._key = key or TokenKey.of_world(self._directory)
        self._issued: list[dict[str, Any]] = []

    def routes(self) -> list[web.RouteDef]:
        """Discovery, keys, token; and the tester's people."""
        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            web.get("/{tenant}/.well-known/openid-configuration", self._discovery),
            web.get("/{tenant}/discovery/v2.0/keys", self._keys),
            web.get("/common/discovery/instance", self._instance),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.post("/_sandbox/people", self._people),
        ]

    def ledger(self) -> dict[str, Any]:
        """The tokens issued (claims only) and the apps without their secrets."""
        apps = [
            {"tenant": tenant, "client_id": app["client_id"], "secrets": len(app["secrets"])}
            for tenant, entry in self._directory["tenants"].items()
            for app in entry["apps"]
        ]
        return {"issued": self._issued, "apps": apps}

    async def _discovery(self, request: web.Request) -> web.Response:
        try:
            tenant = self._tenant(request.match_info["tenant"])
        except EntraError as error:
            return self._refused(error)
        base = f"{request.scheme}://{request.host}/{tenant}"
        return web.json_response(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "subject_types_supported": ["pairwise"],
                "tenant_region_scope": "NA",
                "cloud_instance_name": "microsoftonline.com",
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        """No public keys: the sandbox signs with a shared one."""
        return web.json_response({"keys": []})

    async def _instance(self, request: web.Request) -> web.Response:
        """Which hosts are the same cloud; this one stands alone."""
        host = request.host
        metadata = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
        endpoint = f"{request.scheme}://{host}/common/v2.0/.well-known/openid-configuration"
        asked = request.query.get("authorization_endpoint", "")
        if "/oauth2" in asked:
            endpoint = f"{asked.split('/oauth2')[0]}/v2.0/.well-known/openid-configuration"
        return web.json_response({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": metadata})

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl((await request.text()), keep_blank_values=True))
        try:
            return self._issue(self._tenant(request.match_info["tenant"]), form, f"{request.scheme}://{request.host}")
        except EntraError as error:
            return self._refused(error)

    def _tenant(self, name: str) -> str:
        for tenant, entry in self._directory["tenants"].items():
            if name.lower() in (tenant.lower(), str(entry.get("domain", "")).lower()):
                return str(tenant)
        raise EntraError(90002, tenant=name)

    def _issue(self, tenant: str, form: dict[str, str], base: str) -> web.Response:
        for parameter in ("grant_type", "client_id", "scope"):
            if not form.get(parameter):
                raise EntraError(900144, parameter=parameter)
        if form["grant_type"] != "client_credentials":
            raise EntraError(70003, grant=form["grant_type"])
        client = form["client_id"]
        self._check_secret(self._app(tenant, client), form.get("client_secret", ""))
        resource = self._resource(form["scope"])
        now = int(self.clock.now().timestamp())
        life = int(self.switches["token_life_seconds"])
        claims = {
            "aud": resource,
            "iss": f"{base}/{tenant}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + life,
            "appid": client,
            "idtyp": "app",
            "oid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant}/{client}")),
            "roles": ["API.ReadWrite.All"],
            "tid": tenant,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
        }
        self._issued.append(claims)
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": life,
                "ext_expires_in": life,
                "access_token": self._key.sign(claims),
            },
            headers={"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"},
        )

    def _app(self, tenant: str, client: str) -> dict[str, Any]:
        for app in self._directory["tenants"][tenant]["apps"]:
            if app["client_id"].lower() == client.lower():
                return dict(app)
        raise EntraError(700016, client=client, tenant=tenant)

    def _check_secret(self, app: dict[str, Any], secret: str) -> None:
        if not secret:
            raise EntraError(7000218)
        for known in app["secrets"]:
            if known["value"] == secret:
                expires = known.get("expires")
                if expires and self.clock.now() >= datetime.fromisoformat(expires).replace(tzinfo=UTC):
                    raise EntraError(7000222, client=app["client_id"])
                return
        raise EntraError(7000215, client=app["client_id"])

    @staticmethod
    def _resource(scope: str) -> str:
        wanted = [one for one in scope.split() if one.endswith("/.default")]
        if len(wanted) != 1:
            raise EntraError(70011, scope=scope)
        return wanted[0].removesuffix("/.default")

    def _refused(self, error: EntraError) -> web.Response:
        status, name, text = ERRORS[error.number]
        now, trace, correlation = self.clock.now(), str(uuid.uuid4()), str(uuid.uuid4())
        stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
        message = (
            f"AADSTS{error.number}: {text.format(**error.words)} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {stamp}"
        )
        body = {
            "error": name,
            "error_description": message,
            "error_codes": [error.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        return web.json_response(body, status=status, headers={"Cache-Control": "no-store, no-cache"})

    async def _people(self, request: web.Request) -> web.Response:
        order = await request.json()
        actions = {
            "add_app": self._add_app,
            "remove_app": self._remove_app,
            "add_secret": self._add_secret,
            "expire_secrets": self._expire_secrets,
        }
        action = actions.get(order.get("do"))
        if action is None:
            return web.json_response({"error": f"unknown action; one of: {', '.join(actions)}"}, status=400)
        try:
            action(order)
        except (KeyError, StopIteration) as error:
            return web.json_response({"error": f"not found or missing: {error}"}, status=400)
        return web.json_response({"done": order["do"]})

    def _stored(self, order: dict[str, Any]) -> dict[str, Any]:
        apps = self._directory["tenants"][order["tenant"]]["apps"]
        return next(app for app in apps if app["client_id"] == order["client_id"])

    def _add_app(self, order: dict[str, Any]) -> None:
        secrets = [{"value": order["secret"], "expires": order.get("expires")}]
        tenant = self._directory["tenants"].setdefault(order["tenant"], {"domain": "", "apps": []})
        tenant["apps"].append({"client_id": order["client_id"], "name": order.get("name", ""), "secrets": secrets})

    def _remove_app(self, order: dict[str, Any]) -> None:
        self._directory["tenants"][order["tenant"]]["apps"].remove(self._stored(order))

    def _add_secret(self, order: dict[str, Any]) -> None:
        self._stored(order)["secrets"].append({"value": order["secret"], "expires": order.get("expires")})

    def _expire_secrets(self, order: dict[str, Any]) -> None:
        for secret in self._stored(order)["secrets"]:
            secret["expires"] = self.clock.now().isoformat()
