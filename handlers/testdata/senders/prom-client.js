// Pushes as a nightly job does, with the package prom-client: node prom-client.js URL TOKEN.
const client = require("prom-client");

async function main(url, token) {
  const registry = new client.Registry();
  const registers = [registry];
  const files = new client.Gauge({ name: "files", help: "Files by disk.", labelNames: ["disk"], registers });
  const runs = new client.Counter({ name: "runs_total", help: "Runs.", registers });
  const took = new client.Histogram({ name: "took_seconds", help: "How long.", buckets: [1, 10], registers });
  new client.Summary({ name: "waited_seconds", help: "Nothing is in it.", percentiles: [0.5], registers });
  const gateway = new client.Pushgateway(url, { headers: { Authorization: `Bearer ${token}`, "Content-Encoding": "gzip" } }, registry);
  const group = { jobName: "nightly", groupings: { instance: "db 1/a" } };

  files.set({ disk: "a" }, 1);
  files.set({ disk: "b" }, 2);
  runs.inc(3);
  took.observe(4);
  await gateway.push(group);
  files.remove({ disk: "b" });
  files.set({ disk: "a" }, 5);
  await gateway.push(group); // disk b has ended

  registry.removeSingleMetric("took_seconds");
  runs.inc();
  await gateway.pushAdd(group); // what it says nothing of stays
  await gateway.push({ jobName: "gone" });
  await gateway.delete({ jobName: "gone" });
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
