// Drives every operation of the keys API with the official npm packages, unmodified.
//
// The environment is all it is told: `KEY_VAULT_URI`, the variables of `pgkeep identity env`, and
// the certificate authority in `NODE_EXTRA_CA_CERTS`. Prints one line for each operation that held.
// The packages are found through `SDK_FOLDER`, where the lock file beside this one was installed.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";

const load = createRequire(`${process.env.SDK_FOLDER}/package.json`);
const { ManagedIdentityCredential } = load("@azure/identity");
const { CryptographyClient, KeyClient } = load("@azure/keyvault-keys");

const uri = process.env.KEY_VAULT_URI;
const credential = new ManagedIdentityCredential({ clientId: process.env.AZURE_CLIENT_ID });
const client = new KeyClient(uri, credential);
const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
const bytes = (text) => new TextEncoder().encode(text);
const same = (left, right) => assert.deepEqual(Buffer.from(left), Buffer.from(right));
const digest = (bits, text) => createHash(`sha${bits}`).update(text).digest();

const held = (operation, about) =>
  console.log(`held: ${operation}${about ? `: ${about}` : ""}`);

async function refused(call, status, code) {
  await assert.rejects(call, (error) => {
    assert.equal(error.statusCode, status, String(error));
    if (code) assert.equal(error.code, code);
    return true;
  });
}

async function all(pages) {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
}

// A client that knows no more than the key's address asks the vault for everything.
const crypto = (key) => new CryptographyClient(key.id, credential);

async function create() {
  for (const keySize of [2048, 3072, 4096]) {
    const key = await client.createRsaKey(`rsa-${keySize}`, { keySize, tags: { a: "b" } });
    assert.equal(key.key.n.length, keySize / 8);
    assert.ok(key.id.startsWith(`${uri.replace(/\/$/, "")}/keys/rsa-${keySize}/`), key.id);
    assert.deepEqual(key.properties.tags, { a: "b" });
  }
  for (const curve of ["P-256", "P-384", "P-521", "P-256K"]) {
    assert.equal((await client.createEcKey(`ec-${curve}`, { curve })).key.crv, curve);
  }
  for (const keySize of [128, 192, 256]) {
    const key = await client.createOctKey(`oct-${keySize}`, { keySize });
    assert.equal(key.keyType, "oct");
    assert.equal(key.key.k, undefined);
  }
  held("create", "RSA, EC, oct");
}

async function read() {
  const first = await client.getKey("rsa-2048");
  const second = await client.createRsaKey("rsa-2048");
  assert.equal((await client.getKey("rsa-2048")).id, second.id);
  const { version } = first.properties;
  assert.equal((await client.getKey("rsa-2048", { version })).id, first.id);
  await refused(() => client.getKey("nobody"), 404, "KeyNotFound");
  held("get");
  const versions = await all(client.listPropertiesOfKeyVersions("rsa-2048"));
  assert.equal(versions.length, 2);
  held("versions");
  for (let number = 0; number < 25; number++) await client.createEcKey(`page-${number}`);
  const pages = await all(client.listPropertiesOfKeys().byPage());
  const names = pages.flat().map((item) => item.name);
  assert.ok(pages.length >= 2 && pages.every((page) => page.length <= 25));
  assert.equal(new Set(names).size, 35);
  assert.equal(names.length, 35);
  held("list");
}

async function update() {
  const { version } = (await client.getKey("ec-P-384")).properties;
  const expiresOn = new Date("2037-01-02T03:04:05Z");
  const off = { enabled: false, expiresOn, tags: { c: "d" } };
  const changed = await client.updateKeyProperties("ec-P-384", version, off);
  assert.equal(changed.properties.enabled, false);
  assert.deepEqual(changed.properties.expiresOn, expiresOn);
  const sign = () => crypto(changed).sign("ES384", digest(384, "x"));
  await refused(sign, 403, "Forbidden");
  await client.updateKeyProperties("ec-P-384", version, { enabled: true });
  await sign();
  held("update");
}

async function importKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = privateKey.export({ format: "jwk" });
  const jwk = { kty: "RSA", keyOps: ["sign", "verify"] };
  for (const part of ["n", "e", "d", "p", "q", "dp", "dq", "qi"]) {
    jwk[part] = Buffer.from(text[part], "base64url");
  }
  const imported = await client.importKey("imported", jwk);
  same(imported.key.n, jwk.n);
  assert.equal(imported.key.d, undefined);
  await crypto(imported).sign("RS256", digest(256, "x"));
  held("import");
}

async function encrypt() {
  const key = await client.getKey("rsa-3072");
  for (const algorithm of ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"]) {
    const sealed = await crypto(key).encrypt({ algorithm, plaintext: secret });
    assert.equal(sealed.keyID, key.id);
    const opened = await crypto(key).decrypt({ algorithm, ciphertext: sealed.result });
    same(opened.result, secret);
  }
  for (const size of [128, 192, 256]) {
    const symmetric = crypto(await client.getKey(`oct-${size}`));
    const additionalAuthenticatedData = bytes("about");
    const gcm = { algorithm: `A${size}GCM`, additionalAuthenticatedData };
    const sealed = await symmetric.encrypt({ ...gcm, plaintext: bytes("text") });
    const { result: ciphertext, iv, authenticationTag } = sealed;
    const opened = await symmetric.decrypt({ ...gcm, ciphertext, iv, authenticationTag });
    same(opened.result, bytes("text"));
    const bad = Uint8Array.from(authenticationTag, (byte) => byte ^ 1);
    await refused(
      () => symmetric.decrypt({ ...gcm, ciphertext, iv, authenticationTag: bad }),
      400,
    );
    for (const [mode, plaintext] of [["CBC", new Uint8Array(32)], ["CBCPAD", bytes("any")]]) {
      const cbc = { algorithm: `A${size}${mode}`, iv: new Uint8Array(16) };
      const sealed = await symmetric.encrypt({ ...cbc, plaintext });
      const opened = await symmetric.decrypt({ ...cbc, ciphertext: sealed.result });
      same(opened.result, plaintext);
    }
  }
  held("encrypt");
  held("decrypt");
}

async function wrap() {
  const wanted = { "rsa-2048": ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"] };
  for (const size of [128, 192, 256]) wanted[`oct-${size}`] = [`A${size}KW`];
  for (const [name, algorithms] of Object.entries(wanted)) {
    const key = await client.getKey(name);
    for (const algorithm of algorithms) {
      const wrapped = await crypto(key).wrapKey(algorithm, secret);
      const opened = await crypto(key).unwrapKey(algorithm, wrapped.result);
      same(opened.result, secret);
      assert.equal(opened.keyID, key.id);
    }
  }
  held("wrapkey");
  held("unwrapkey");
}

async function sign() {
  const cases = { "rsa-2048": ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"] };
  Object.assign(cases, { "ec-P-256": ["ES256"], "ec-P-384": ["ES384"] });
  Object.assign(cases, { "ec-P-521": ["ES512"], "ec-P-256K": ["ES256K"] });
  for (const [name, algorithms] of Object.entries(cases)) {
    const crypt = crypto(await client.getKey(name));
    for (const algorithm of algorithms) {
      const hash = (text) => digest(algorithm.slice(2, 5), text);
      const { result } = await crypt.sign(algorithm, hash("message"));
      assert.equal((await crypt.verify(algorithm, hash("message"), result)).result, true);
      assert.equal((await crypt.verify(algorithm, hash("another"), result)).result, false);
      // By itself the package checks PSS as if it were PKCS #1 v1.5 and finds it bad.
      if (algorithm.startsWith("PS")) continue;
      const signed = await crypt.signData(algorithm, bytes("message"));
      assert.ok((await crypt.verifyData(algorithm, bytes("message"), signed.result)).result);
    }
  }
  held("sign");
  held("verify");
}

async function rotate() {
  const before = await client.getKeyRotationPolicy("rsa-2048");
  assert.deepEqual(before.lifetimeActions.map((each) => each.action), ["Notify"]);
  held("get rotation policy");
  const lifetimeActions = [{ action: "Rotate", timeAfterCreate: "P6M" }];
  await client.updateKeyRotationPolicy("rsa-2048", { lifetimeActions, expiresIn: "P1Y" });
  const after = await client.getKeyRotationPolicy("rsa-2048");
  assert.equal(after.expiresIn, "P1Y");
  assert.ok(after.lifetimeActions.some((each) => each.timeAfterCreate === "P6M"));
  held("set rotation policy");
  const old = await client.getKey("rsa-2048");
  const { properties } = await client.rotateKey("rsa-2048");
  assert.notEqual(properties.version, old.properties.version);
  const days = (properties.expiresOn - properties.createdOn) / 86_400_000;
  assert.ok(days > 364 && days < 367, `${days} days`);
  held("rotate");
}

async function backup() {
  const kept = await client.getKey("ec-P-521");
  const blob = await client.backupKey("ec-P-521");
  await refused(() => client.restoreKeyBackup(blob), 409);
  held("backup");
  await (await client.beginDeleteKey("ec-P-521")).pollUntilDone();
  await client.purgeDeletedKey("ec-P-521");
  const restored = await client.restoreKeyBackup(blob);
  assert.equal(restored.id, kept.id);
  same(restored.key.x, kept.key.x);
  held("restore");
}

async function remove() {
  const kept = await client.getKey("page-0");
  const gone = await (await client.beginDeleteKey("page-0")).pollUntilDone();
  assert.ok(gone.properties.scheduledPurgeDate > gone.properties.deletedOn);
  await refused(() => client.getKey("page-0"), 404);
  await refused(() => client.createEcKey("page-0"), 409);
  held("delete");
  assert.equal((await client.getDeletedKey("page-0")).id, kept.id);
  held("get deleted");
  const names = (await all(client.listDeletedKeys())).map((item) => item.name);
  assert.ok(names.includes("page-0"));
  held("list deleted");
  await (await client.beginRecoverDeletedKey("page-0")).pollUntilDone();
  assert.equal((await client.getKey("page-0")).id, kept.id);
  held("recover");
  await (await client.beginDeleteKey("page-0")).pollUntilDone();
  await client.purgeDeletedKey("page-0");
  await refused(() => client.getDeletedKey("page-0"), 404);
  held("purge");
}

async function random() {
  const [first, second] = [await client.getRandomBytes(32), await client.getRandomBytes(32)];
  assert.equal(first.length, 32);
  assert.notDeepEqual(first, second);
  held("random");
}

async function refuse() {
  const encodedPolicy = bytes('{"version":"1.0.0","anyOf":[]}');
  const leaving = { exportable: true, releasePolicy: { encodedPolicy } };
  await refused(() => client.createRsaKey("leaves", leaving), 400);
  await refused(() => client.releaseKey("rsa-2048", "a.b.c"), 403);
  held("release", "refused: nothing here can attest an environment");
  await refused(() => client.getKeyAttestation("rsa-2048"), 403);
  held("attestation", "refused: no key lies in hardware");
}

const steps = [create, read, update, importKey, encrypt, wrap, sign, rotate, backup, remove];
for (const step of [...steps, random, refuse]) await step();
