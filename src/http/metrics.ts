// The measurements of this process in Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/

import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface HttpMetrics {
  /** Measures requests of one method, route and status; to be kept, for finding it by its labels costs as much as measuring. */
  requestMeter(method: string, route: string, status: number): (seconds: number) => void;
}

export interface Metrics {
  readonly http: HttpMetrics;
  readonly registry: Registry;
  /** A gauge read when the metrics are. */
  gauge(name: string, help: string, read: () => number): void;
  counter(name: string, help: string, labelNames: readonly string[]): Counter;
  histogram(name: string, help: string, labelNames: readonly string[]): Histogram;
}

const secondBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const histogram = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({ name, help, labelNames: [...labelNames], buckets: secondBuckets, registers: [registry] });
  const requests = histogram('hpms_http_request_seconds', 'Duration of HTTP requests.', ['method', 'route', 'status']);
  const gauge = (name: string, help: string, read: () => number) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  measureProcess(gauge);
  return {
    registry,
    http: {
      requestMeter(method, route, status) {
        const meter = requests.labels(method, route, String(status));
        return (seconds) => meter.observe(seconds);
      },
    },
    histogram,
    counter: (name, help, labelNames) =>
      new Counter({ name, help, labelNames: [...labelNames], registers: [registry] }),
    gauge,
  };
}

/** All read when asked: prom-client's own set watches every garbage collection, which cost a tenth of a read. */
function measureProcess(gauge: Metrics['gauge']): void {
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed);
  gauge('process_cpu_seconds', 'Processor time since the start.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  let before = performance.eventLoopUtilization();
  gauge('nodejs_eventloop_utilization', 'Share of the time since the last look that the event loop was busy.', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  });
}
