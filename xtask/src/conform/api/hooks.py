"""Loaded by schemathesis: an answer that succeeds must be one that the caller may have.

What a caller may is written here by hand, apart from the policies that it judges.
"""

import os

import schemathesis

ANONYMOUS = {
    "session_create", "session_link", "sign_in_show", "oidc_start", "oidc_callback",
    "openapi_show", "ca_show",
}
# Names and states of everything, and one's own session, tokens and jobs.
READER = ANONYMOUS | {
    "session_show", "session_delete", "role_list", "about_show", "token_list", "token_delete",
    "job_list", "job_show", "job_events", "home_show", "status_show", "metrics_show",
    "server_list", "server_show", "vault_show", "keyvault_list", "keyvault_show",
}
MAY = {"anonymous": ANONYMOUS, "reader": READER}[os.environ["PGKEEP_FUZZ_AS"]]
# What no answer to either holds: connection strings, key material, tokens, verifiers.
SECRETS = ["postgresql://", "PRIVATE KEY", "pgk_", "$argon2", "SCRAM-SHA-256$"]


@schemathesis.check
def nothing_without_permission(ctx, response, case):
    operation = case.operation.definition.raw.get("operationId")
    succeeded = 200 <= response.status_code < 300
    if succeeded and operation not in MAY:
        raise AssertionError(f"{operation} was answered with {response.status_code}")
    # The document itself says what a token looks like.
    if succeeded and operation != "openapi_show":
        seen = [word for word in SECRETS if word in response.text]
        if seen:
            raise AssertionError(f"{operation} answered with {seen}")
