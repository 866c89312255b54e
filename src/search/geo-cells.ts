// Positions as cells of four sizes, since a readable position would tell where somebody lives (HIPAA 45 CFR 164.514(b)(2)(i)(B)):
// https://hl7.org/fhir/R4/location.html#search

import type { Circle } from './search-query.ts';

export interface Position {
  readonly latitude: number;
  readonly longitude: number;
}

/** Cells in a degree: from a thousand kilometres on a side to one. */
const resolutions = [0.1, 1, 10, 100] as const;
/** A circle is covered by the smallest cells of which no more are needed. */
const cellsMax = 64;

/** Undefined unless it is a WGS84 position as Location.position has it. */
export function positionOf(value: unknown): Position | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { latitude, longitude } = value as { latitude?: unknown; longitude?: unknown };
  const position = { latitude: Number(latitude ?? Number.NaN), longitude: Number(longitude ?? Number.NaN) };
  return isPosition(position) ? position : undefined;
}

export function isPosition({ latitude, longitude }: Position): boolean {
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
}

/** The cell of each size that the position is in. */
export function cellsOf({ latitude, longitude }: Position): string[] {
  return resolutions.map((resolution) =>
    cellName(resolution, rowOf(latitude, resolution), columnOf(longitude, resolution)),
  );
}

/** Cells that hold every position within the circle. */
export function cellsAround(circle: Circle): string[] {
  const box = boxOf(circle);
  const fitting = resolutions.filter((resolution) => cellCount(box, resolution) <= cellsMax);
  const resolution = fitting.at(-1) ?? resolutions[0];
  const cells: string[] = [];
  for (let row = rowOf(box.south, resolution); row <= rowOf(box.north, resolution); row++) {
    for (let column = columnOf(box.west, resolution); column <= columnOf(box.east, resolution); column++) {
      cells.push(cellName(resolution, row, column));
    }
  }
  return cells;
}

const earthMeters = 6_371_008.8;
/** What the sphere may be shorter than the ellipsoid. */
const margin = 1.01;

export function isWithin({ latitude, longitude, radiusMeters }: Circle, position: Position): boolean {
  const [from, to] = [radians(latitude), radians(position.latitude)];
  const across = Math.sin((to - from) / 2) ** 2;
  const along = Math.cos(from) * Math.cos(to) * Math.sin(radians(position.longitude - longitude) / 2) ** 2;
  return 2 * earthMeters * Math.asin(Math.min(1, Math.sqrt(across + along))) <= radiusMeters;
}

interface Box {
  readonly south: number;
  readonly north: number;
  /** May be beyond 180 degrees: then it goes on from the other side. */
  readonly west: number;
  readonly east: number;
}

function boxOf({ latitude, longitude, radiusMeters }: Circle): Box {
  const angle = Math.min((radiusMeters / earthMeters) * margin, Math.PI);
  const [south, north] = [latitude - degrees(angle), latitude + degrees(angle)];
  // Around a pole it has every longitude.
  if (south <= -90 || north >= 90) {
    return { south: Math.max(south, -90), north: Math.min(north, 90), west: -180, east: 180 };
  }
  const reach = degrees(Math.asin(Math.min(1, Math.sin(angle) / Math.cos(radians(latitude))))) * margin;
  return { south, north, west: longitude - reach, east: longitude + reach };
}

function cellCount({ south, north, west, east }: Box, resolution: number): number {
  const rows = rowOf(north, resolution) - rowOf(south, resolution) + 1;
  return rows * (columnOf(east, resolution) - columnOf(west, resolution) + 1);
}

function rowOf(latitude: number, resolution: number): number {
  return Math.floor((latitude + 90) * resolution);
}

function columnOf(longitude: number, resolution: number): number {
  return Math.floor((longitude + 180) * resolution);
}

/** Columns go round: 180 degrees east is 180 degrees west. */
function cellName(resolution: number, row: number, column: number): string {
  const columns = 360 * resolution;
  return `${resolution}/${row}/${((column % columns) + columns) % columns}`;
}

function radians(angle: number): number {
  return (angle * Math.PI) / 180;
}

function degrees(angle: number): number {
  return (angle * 180) / Math.PI;
}
