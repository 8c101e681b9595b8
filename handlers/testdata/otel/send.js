// Sends metrics with OpenTelemetry's own SDK: node send.js MODULES http|proto URL delta|cumulative
const [modules, encoding, url, temporality] = process.argv.slice(2)
const load = (name) => require(require.resolve('@opentelemetry/' + name, { paths: [modules] }))
const { MeterProvider, PeriodicExportingMetricReader, AggregationTemporality } = load('sdk-metrics')
const { resourceFromAttributes } = load('resources')
const { OTLPMetricExporter } = load('exporter-metrics-otlp-' + encoding)

const exporter = new OTLPMetricExporter({
  url, temporalityPreference: temporality === 'delta' ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
})
const provider = new MeterProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop', 'service.instance.id': '1', 'host.name': 'web' }),
  readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3600_000 })],
})
const meter = provider.getMeter('test')
const orders = meter.createCounter('shop.orders')
const wait = meter.createHistogram('wait', { unit: 's', advice: { explicitBucketBoundaries: [0.1, 1] } })
meter.createObservableGauge('room.temperature', { unit: 'Cel' }).addCallback((r) => r.observe(21.5, { 'room.name': 'hall' }))

const run = async () => {
  for (let i = 0; i < 3; i++) {
    orders.add(2)
    wait.record(0.5)
    await provider.forceFlush()
  }
  await provider.shutdown()
}
run().catch((err) => { console.error(err); process.exit(1) })
