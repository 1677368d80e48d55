"""The official clients that push events, unmodified: Azure Monitor's ingestion and OpenTelemetry's
exporter over HTTP. The address, a token and the authority come from the environment."""

import logging
import os
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.monitor.ingestion import LogsIngestionClient
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

address, token = os.environ["PGKEEP_URL"], os.environ["PGKEEP_TOKEN"]


class Token:
    def get_token(self, *scopes, **options):
        return AccessToken(token, int(time.time()) + 3600)


client = LogsIngestionClient(endpoint=address, credential=Token())
rows = [
    {"TimeGenerated": "2026-11-27T13:59:05Z", "Shop": f"s{n}", "Total": n, "Note": "x" * 900}
    for n in range(3000)
]
# More than 1 MB: the client divides it, and packs each part.
client.upload(rule_id="dcr-00000000000000000000000000000000", stream_name="Custom-Orders_CL", logs=rows)
try:
    client.upload(rule_id="dcr-0", stream_name="Orders", logs=rows[:1])
    raise SystemExit("a stream that names no table was taken")
except HttpResponseError as error:
    assert error.status_code == 400 and error.error.code == "InvalidStream", error

exporter = OTLPLogExporter(
    endpoint=f"{address}/v1/logs",
    headers={"authorization": f"Bearer {token}"},
    compression=Compression.Gzip,
)
provider = LoggerProvider(resource=Resource.create({"service.name": "till"}))
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
logger = logging.getLogger("till")
logger.addHandler(LoggingHandler(logger_provider=provider))
for n in range(700):
    logger.warning("receipt %d", n, extra={"receipt": n})
assert provider.force_flush()
provider.shutdown()
print("pushed")
