"""Takes the place of the module `devtools_testutils` of Azure's repository, which is not published.

There it plays recorded traffic back; here every test is live, against a key vault of pgkeep.
"""
import hashlib
import os
import sys
import types

import pytest
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential


class AzureRecordedTestCase:
    is_live = True

    def get_credential(self, client_class, is_async=False, **_):
        credential = AsyncManagedIdentityCredential if is_async else ManagedIdentityCredential
        return credential(client_id=os.environ["KEYVAULT_CLIENT_ID"])

    def create_client_from_credential(self, client_class, credential, **options):
        options.setdefault("logging_enable", True)
        return client_class(credential=credential, **options)

    def get_resource_name(self, name):
        # The same within a test, another one in each test and each run.
        about = os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0] + os.environ["STAND_IN_RUN"]
        return name + hashlib.sha256(about.encode()).hexdigest()[:8]


def pytest_collection_modifyitems(items):
    """Runs what is switched off because of an issue of Azure's service: that is not ours."""
    for item in items:
        marks = [mark for mark in item.own_markers if "service issue" not in str(mark.args)]
        item.own_markers[:] = marks


@pytest.fixture(scope="session")
def test_proxy():
    """Nothing stands between the client and the vault."""


def is_live():
    return True


def recorded_by_proxy(test):
    return test


def _nothing(*_, **__):
    """Recordings have to be cleaned of secrets; there are none."""


add_general_string_sanitizer = add_oauth_response_sanitizer = _nothing
remove_batch_sanitizers = set_custom_default_matcher = set_bodiless_matcher = _nothing

aio = types.ModuleType("devtools_testutils.aio")
aio.recorded_by_proxy_async = recorded_by_proxy
sys.modules[aio.__name__] = aio
