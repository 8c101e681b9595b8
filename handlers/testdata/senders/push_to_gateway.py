"""Pushes as a nightly job does, with the package prometheus_client: push_to_gateway.py URL TOKEN."""
import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import basic_auth_handler, delete_from_gateway, push_to_gateway, pushadd_to_gateway

url, token = sys.argv[1:]


def handler(**request):
    return basic_auth_handler(**request, username="any", password=token)


registry = CollectorRegistry()
files = Gauge("files", "Files by disk.", ["disk"], registry=registry)
runs = Counter("runs", "Runs.", registry=registry)
took = Histogram("took_seconds", "How long.", buckets=[1, 10], registry=registry)
group = {"instance": "db 1/a", "empty": ""}

files.labels("a").set(1)
files.labels("b").set(2)
runs.inc(3)
took.observe(4)
push_to_gateway(url, "nightly", registry, group, handler=handler)
files.remove("b")
files.labels("a").set(5)
push_to_gateway(url, "nightly", registry, group, handler=handler)  # disk b has ended

registry.unregister(took)
runs.inc()
pushadd_to_gateway(url, "nightly", registry, group, handler=handler)  # what it says nothing of stays
push_to_gateway(url, "gone", registry, handler=handler)
delete_from_gateway(url, "gone", handler=handler)
