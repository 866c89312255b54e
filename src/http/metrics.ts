// The measurements of this process in Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

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
  collectDefaultMetrics({ register: registry });
  const histogram = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({ name, help, labelNames: [...labelNames], buckets: secondBuckets, registers: [registry] });
  const requests = histogram('hpms_http_request_seconds', 'Duration of HTTP requests.', ['method', 'route', 'status']);
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
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
  };
}
