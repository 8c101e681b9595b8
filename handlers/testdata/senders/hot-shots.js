// Counts and times as an application does, with the package hot-shots: node hot-shots.js HOST PORT PROTOCOL.
const StatsD = require("hot-shots");

const [host, port, protocol] = process.argv.slice(2);
const client = new StatsD({
  host,
  port: Number(port),
  protocol,
  prefix: "hot.",
  globalTags: { via: protocol },
  errorHandler: (error) => {
    console.error(error.message);
    process.exit(1);
  },
});
client.increment("orders", 3, { till: "4" });
client.increment("orders", 1, { till: "4" });
client.gauge("load", 1.5);
client.gaugeDelta("load", 2);
client.timing("wait", 20);
client.distribution("size", 7);
for (const user of ["ada", "bob", "ada"]) client.set("users", user);
client.event("a", "title");
client.close((error) => error && process.exit(1));
