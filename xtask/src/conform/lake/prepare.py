"""Makes the bucket or container that tables go to: prepare.py s3|azure ENDPOINT NAME KEYS.

KEYS is a file of JSON with `account_name` and `account_key` for Azure; S3's stand-in asks for none.
"""

import base64
import email.utils
import hashlib
import hmac
import json
import sys
import urllib.request

VERSION = "2021-12-02"
TYPE = "application/octet-stream"


def headers_of_azure(name, keys):
    """Shared Key authorization of `Create Container` (Azure Storage REST API)."""
    account = keys["account_name"]
    date = email.utils.formatdate(usegmt=True)
    resource = f"/{account}/{account}/{name}\nrestype:container"
    # Encoding, language, length and checksum; type; date, conditions and range.
    fields = ["PUT"] + [""] * 4 + [TYPE] + [""] * 6
    ours = f"x-ms-date:{date}\nx-ms-version:{VERSION}"
    signed = "\n".join([*fields, ours, resource])
    key = base64.b64decode(keys["account_key"])
    signature = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    return {
        "Content-Type": TYPE,
        "x-ms-date": date,
        "x-ms-version": VERSION,
        "Authorization": f"SharedKey {account}:{signature}",
    }


def main():
    kind, endpoint, name, keys_path = sys.argv[1:]
    with open(keys_path) as file:
        keys = json.load(file)
    url, headers = f"{endpoint}/{name}", {}
    if kind == "azure":
        url, headers = f"{url}?restype=container", headers_of_azure(name, keys)
    request = urllib.request.Request(url, method="PUT", headers=headers, data=b"")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        print(answer.status)


main()
