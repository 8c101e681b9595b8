// Writes ten points, then the same again, with the package @influxdata/influxdb-client: node influxdb-client.js URL TOKEN.
const { InfluxDB, Point } = require("@influxdata/influxdb-client");

async function main(url, token) {
  const points = 10;
  let written = 0;
  let tell;
  const all = new Promise((resolve) => (tell = resolve));
  const api = new InfluxDB({ url, token }).getWriteApi("any", "any", "ms", {
    batchSize: points / 2,
    minRetryDelay: 50,
    retryJitter: 0,
    writeSuccess: (lines) => (written += lines.length) === 2 * points && tell(),
  });
  const now = Date.now();
  for (let repeat = 0; repeat < 2; repeat++) {
    for (let i = 0; i < points; i++) {
      api.writePoint(new Point("js").tag("host", "a, b").floatField("load", i + 0.5).intField("n", i).booleanField("up", true).stringField("text", "x").timestamp(now - i));
    }
  }
  await all;
  await api.close();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
