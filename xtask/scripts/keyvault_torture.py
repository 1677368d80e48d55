"""Writes keys through the REST API while the vault is killed, and looks for every acknowledged one.

Reads one JSON object from standard input: uri, ca_file, token, n_writes, n_kills, seed, pid_command
(prints the vault's process id). Prints one JSON object: what was acknowledged, lost, retried, and
the request ids of all acknowledged answers, for a comparison with the audit.
"""

import http.client
import json
import os
import queue
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

API = "api-version=7.4"
N_WORKERS = 8
# A killed vault is started again after a pause that grows to 15 seconds.
PATIENCE_S = 90


class Client:
    """One kept connection; opened anew after every trouble."""

    def __init__(self, job):
        self.job = job
        self.host = urlsplit(job["uri"])
        self.tls = ssl.create_default_context(cafile=job["ca_file"])
        self.connection = None

    def ask(self, method, path, body=None):
        """Asks until there is an answer from a running vault; returns answer and tries."""
        deadline = time.monotonic() + PATIENCE_S
        tries = 0
        while True:
            tries += 1
            try:
                status, headers, answer = self.once(method, path, body)
                if status not in (429, 503):
                    return status, headers, answer, tries
            except (OSError, http.client.HTTPException):
                self.connection = None
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}: no answer within {PATIENCE_S} s")
            time.sleep(0.05)

    def once(self, method, path, body):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                self.host.hostname, self.host.port, timeout=20, context=self.tls
            )
        headers = {"Authorization": "Bearer " + self.job["token"]}
        text = None if body is None else json.dumps(body)
        if text is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, f"{path}?{API}", text, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, dict(answer.getheaders()), json.loads(content or b"null")


def write(job, work, done, failures):
    client = Client(job)
    while True:
        try:
            name = work.get_nowait()
        except queue.Empty:
            return
        try:
            body = {"kty": "EC", "crv": "P-256"}
            status, headers, answer, tries = client.ask("POST", f"/keys/{name}/create", body)
            if status != 200:
                failures.append(f"create {name}: {status} {answer}")
                continue
            lower = {key.lower(): value for key, value in headers.items()}
            done.append((answer["key"]["kid"], answer["key"]["x"], lower["x-ms-request-id"], tries))
        except (TimeoutError, KeyError, ValueError) as error:
            failures.append(f"create {name}: {error!r}")


def kill(job, rng, writing):
    kills = 0
    while kills < job["n_kills"] and writing():
        time.sleep(rng.uniform(0.1, 1.0))
        found = subprocess.run(job["pid_command"], capture_output=True, text=True, check=False)
        pids = found.stdout.split()
        if len(pids) == 1:
            os.kill(int(pids[0]), signal.SIGKILL)
            kills += 1
    return kills


def check(job, done):
    client = Client(job)
    lost = []
    for kid, x, _, _ in done:
        status, _, answer, _ = client.ask("GET", urlsplit(kid).path)
        if status != 200 or answer["key"]["x"] != x:
            lost.append(kid)
    return lost


def main():
    job = json.load(sys.stdin)
    work, done, failures = queue.Queue(), [], []
    for number in range(job["n_writes"]):
        # Some names come again: a new version of an existing key.
        work.put(f"t{number if number % 10 else number // 2}")
    workers = [
        threading.Thread(target=write, args=(job, work, done, failures)) for _ in range(N_WORKERS)
    ]
    for worker in workers:
        worker.start()
    rng = random.Random(job["seed"])
    kills = kill(job, rng, lambda: any(worker.is_alive() for worker in workers))
    for worker in workers:
        worker.join()
    lost = check(job, done)
    report = {
        "acknowledged": len(done),
        "retried": sum(tries > 1 for _, _, _, tries in done),
        "kills": kills,
        "failures": failures[:20],
        "n_failures": len(failures),
        "lost": lost[:20],
        "n_lost": len(lost),
        "request_ids": [request_id for _, _, request_id, _ in done],
    }
    json.dump(report, sys.stdout)


main()
