"""Drives every operation of the keys API with the official Python packages, unmodified.

The environment is all it is told: `KEY_VAULT_URI`, the variables of `pgkeep identity env`, and the
certificate authority in `REQUESTS_CA_BUNDLE`. Prints one line for each operation that held.
"""
import base64
import hashlib
import os
from datetime import datetime, timedelta, timezone

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.identity import ManagedIdentityCredential
from azure.keyvault.keys import (
    JsonWebKey,
    KeyClient,
    KeyReleasePolicy,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyRotationPolicyAction,
)
from azure.keyvault.keys.crypto import (
    CryptographyClient,
    EncryptionAlgorithm,
    KeyWrapAlgorithm,
    SignatureAlgorithm,
)
from cryptography.hazmat.primitives.asymmetric import rsa

URI = os.environ["KEY_VAULT_URI"]
credential = ManagedIdentityCredential(client_id=os.environ["AZURE_CLIENT_ID"])
client = KeyClient(vault_url=URI, credential=credential)

HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
SECRET = bytes(range(32))


def held(operation, about=""):
    print(f"held: {operation}" + (f": {about}" if about else ""), flush=True)


def refused(call, status, *words):
    try:
        call()
    except HttpResponseError as error:
        assert error.status_code == status, f"{error.status_code}, expected {status}: {error}"
        for word in words:
            assert word in str(error), f'"{word}" is not in: {error}'
        return error
    raise AssertionError(f"was let pass, expected {status}")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def ask(path, body):
    """Sends one request through the client's own pipeline, where it would compute by itself.

    That must be so for AES-CBC with padding and AES key wrap: given a key of type oct whose bytes
    it cannot know, the client makes up random ones and uses them without a word.
    """
    response = client.send_request(HttpRequest("POST", path, json=body))
    response.raise_for_status()
    return response.json()


def crypto(key):
    return CryptographyClient(key, credential=credential)


def create():
    for size in (2048, 3072, 4096):
        key = client.create_rsa_key(f"rsa-{size}", size=size, tags={"purpose": "test"})
        assert len(key.key.n) == size // 8 and key.properties.tags == {"purpose": "test"}
        assert key.id.startswith(URI.rstrip("/") + f"/keys/rsa-{size}/"), key.id
    for curve in ("P-256", "P-384", "P-521", "P-256K"):
        key = client.create_ec_key(f"ec-{curve}", curve=curve)
        assert key.key.crv == curve and key.key_type == "EC"
    for size in (128, 192, 256):
        key = client.create_oct_key(f"oct-{size}", size=size)
        assert key.key_type == "oct" and key.key.k is None
    held("create", "RSA, EC, oct")


def read():
    first = client.get_key("rsa-2048")
    second = client.create_rsa_key("rsa-2048", size=2048)
    assert client.get_key("rsa-2048").id == second.id
    assert client.get_key("rsa-2048", first.properties.version).id == first.id
    missing = refused(lambda: client.get_key("nobody"), 404, "KeyNotFound")
    assert isinstance(missing, ResourceNotFoundError)
    held("get")
    versions = {v.version for v in client.list_properties_of_key_versions("rsa-2048")}
    assert versions == {first.properties.version, second.properties.version}
    assert list(client.list_properties_of_key_versions("nobody")) == []
    held("versions")
    for number in range(25):
        client.create_ec_key(f"page-{number}")
    pages = [list(page) for page in client.list_properties_of_keys().by_page()]
    names = [item.name for page in pages for item in page]
    assert len(pages) >= 2 and len(pages[0]) <= 25, [len(page) for page in pages]
    assert len(names) == len(set(names)) == 35, sorted(names)
    small = client.list_properties_of_keys(max_page_size=4)
    assert sorted(item.name for item in small) == sorted(names)
    held("list")


def update():
    moment = datetime(2040, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    changed = client.update_key_properties(
        "ec-P-384", enabled=False, expires_on=moment, tags={"a": "b"}, key_operations=["sign"]
    )
    properties = changed.properties
    assert (properties.enabled, properties.expires_on, properties.tags) == (False, moment, {"a": "b"})
    assert changed.key_operations == ["sign"]
    disabled = client.get_key("ec-P-384")
    digest = hashlib.sha384(b"x").digest()
    body = {"alg": "ES384", "value": base64url(digest)}
    answer = client.send_request(HttpRequest("POST", "keys/ec-P-384/sign", json=body))
    assert answer.status_code == 403, answer.text()
    assert answer.json()["error"]["innererror"]["code"] == "KeyDisabled", answer.text()
    again = client.update_key_properties(
        "ec-P-384", disabled.properties.version, enabled=True, key_operations=["sign", "verify"]
    )
    assert again.properties.enabled and again.properties.tags == {"a": "b"}
    held("update")


def import_a_key():
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    big = lambda number: number.to_bytes((number.bit_length() + 7) // 8, "big")
    public = numbers.public_numbers
    jwk = JsonWebKey(
        kty="RSA", key_ops=["sign", "verify", "wrapKey", "unwrapKey"],
        n=b"\0" + big(public.n), e=big(public.e), d=big(numbers.d), p=big(numbers.p),
        q=big(numbers.q), dp=big(numbers.dmp1), dq=big(numbers.dmq1), qi=big(numbers.iqmp),
    )
    imported = client.import_key("imported", jwk, tags={"from": "outside"})
    assert imported.key.n == big(public.n) and imported.key.d is None
    assert crypto(imported).sign(SignatureAlgorithm.rs256, hashlib.sha256(b"m").digest())
    held("import")


def encrypt():
    key = client.get_key("rsa-3072")
    for algorithm in ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"):
        answer = ask("keys/rsa-3072/encrypt", {"alg": algorithm, "value": base64url(SECRET)})
        assert answer["kid"] == key.id
        by_server = from_base64url(answer["value"])
        by_client = crypto(key).encrypt(EncryptionAlgorithm(algorithm), SECRET).ciphertext
        for sealed in (by_server, by_client):
            opened = crypto(key).decrypt(EncryptionAlgorithm(algorithm), sealed)
            assert opened.plaintext == SECRET and opened.key_id == key.id
    for size in ("128", "192", "256"):
        symmetric = crypto(client.get_key(f"oct-{size}"))
        gcm = EncryptionAlgorithm(f"A{size}GCM")
        sealed = symmetric.encrypt(gcm, b"text", additional_authenticated_data=b"about")
        opened = symmetric.decrypt(
            gcm, sealed.ciphertext, iv=sealed.iv, authentication_tag=sealed.tag,
            additional_authenticated_data=b"about",
        )
        assert opened.plaintext == b"text"
        for mode, text in (("CBC", bytes(32)), ("CBCPAD", b"any length")):
            asked = {"alg": f"A{size}{mode}", "value": base64url(text), "iv": base64url(bytes(16))}
            asked["value"] = ask(f"keys/oct-{size}/encrypt", asked)["value"]
            assert from_base64url(ask(f"keys/oct-{size}/decrypt", asked)["value"]) == text
    held("encrypt")
    damaged = bytes(by_server[:-1]) + bytes([by_server[-1] ^ 1])
    refused(lambda: crypto(key).decrypt(EncryptionAlgorithm.rsa_oaep_256, damaged), 400)
    held("decrypt")


def wrap():
    key = client.get_key("rsa-2048")
    for algorithm in ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"):
        answer = ask("keys/rsa-2048/wrapkey", {"alg": algorithm, "value": base64url(SECRET)})
        assert answer["kid"] == key.id
        by_server = from_base64url(answer["value"])
        by_client = crypto(key).wrap_key(KeyWrapAlgorithm(algorithm), SECRET).encrypted_key
        for wrapped in (by_server, by_client):
            opened = crypto(key).unwrap_key(KeyWrapAlgorithm(algorithm), wrapped)
            assert opened.key == SECRET and opened.key_id == key.id
    for size in ("128", "192", "256"):
        asked = {"alg": f"A{size}KW", "value": base64url(SECRET)}
        asked["value"] = ask(f"keys/oct-{size}/wrapkey", asked)["value"]
        assert from_base64url(ask(f"keys/oct-{size}/unwrapkey", asked)["value"]) == SECRET
    held("wrapkey")
    held("unwrapkey")


def sign():
    cases = [("rsa-2048", f"{kind}{size}") for kind in ("PS", "RS") for size in HASHES]
    cases += [("ec-P-256", "ES256"), ("ec-P-384", "ES384"), ("ec-P-521", "ES512")]
    cases += [("ec-P-256K", "ES256K")]
    for name, algorithm in cases:
        digest = HASHES[algorithm[2:5]](b"message").digest()
        key = client.get_key(name)
        signed = crypto(key).sign(SignatureAlgorithm(algorithm), digest)
        assert signed.key_id == key.id
        assert crypto(key).verify(signed.algorithm, digest, signed.signature).is_valid
        asked = {"alg": algorithm, "digest": base64url(digest), "value": base64url(signed.signature)}
        assert ask(f"keys/{name}/verify", asked)["value"] is True
        asked["digest"] = base64url(HASHES[algorithm[2:5]](b"another").digest())
        assert ask(f"keys/{name}/verify", asked)["value"] is False
    held("sign")
    held("verify")


def rotate():
    action = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P6M")
    policy = KeyRotationPolicy(lifetime_actions=[action], expires_in="P1Y")
    before = client.get_key_rotation_policy("rsa-2048")
    assert [a.action.lower() for a in before.lifetime_actions] == ["notify"]
    held("get rotation policy")
    client.update_key_rotation_policy("rsa-2048", policy)
    after = client.get_key_rotation_policy("rsa-2048")
    actions = {a.action.lower(): a for a in after.lifetime_actions}
    assert after.expires_in == "P1Y" and actions["rotate"].time_after_create == "P6M"
    held("set rotation policy")
    old = client.get_key("rsa-2048")
    new = client.rotate_key("rsa-2048")
    assert new.id != old.id and new.key.n != old.key.n
    life = new.properties.expires_on - new.properties.created_on
    assert timedelta(days=364) < life < timedelta(days=367), life
    held("rotate")


def backup():
    kept = client.get_key("ec-P-521")
    blob = client.backup_key("ec-P-521")
    taken = refused(lambda: client.restore_key_backup(blob), 409)
    assert isinstance(taken, ResourceExistsError)
    held("backup")
    client.begin_delete_key("ec-P-521").wait()
    client.purge_deleted_key("ec-P-521")
    restored = client.restore_key_backup(blob)
    assert restored.id == kept.id and restored.key.x == kept.key.x
    refused(lambda: client.restore_key_backup(blob[:-4] + b"AAAA"), 400)
    held("restore")


def delete():
    kept = client.get_key("page-0")
    deleted = client.begin_delete_key("page-0").result()
    assert deleted.recovery_id and deleted.scheduled_purge_date > deleted.deleted_date
    refused(lambda: client.get_key("page-0"), 404)
    refused(lambda: client.create_ec_key("page-0"), 409)
    held("delete")
    assert client.get_deleted_key("page-0").id == kept.id
    held("get deleted")
    assert "page-0" in [key.name for key in client.list_deleted_keys()]
    held("list deleted")
    assert client.begin_recover_deleted_key("page-0").result().id == kept.id
    assert client.get_key("page-0").key.x == kept.key.x
    held("recover")
    client.begin_delete_key("page-0").wait()
    client.purge_deleted_key("page-0")
    refused(lambda: client.get_deleted_key("page-0"), 404)
    held("purge")


def random():
    first, second = client.get_random_bytes(32), client.get_random_bytes(32)
    assert len(first) == 32 and first != second
    held("random")


def refuse():
    policy = KeyReleasePolicy(b'{"version":"1.0.0","anyOf":[]}')
    refused(
        lambda: client.create_rsa_key("leaves", exportable=True, release_policy=policy), 400
    )
    refused(lambda: client.release_key("rsa-2048", "a.b.c"), 403)
    held("release", "refused: nothing here can attest an environment")
    refused(lambda: client.get_key_attestation("rsa-2048"), 403)
    held("attestation", "refused: no key lies in hardware")


for step in (
    create, read, update, import_a_key, encrypt, wrap, sign, rotate, backup, delete, random, refuse
):
    step()
