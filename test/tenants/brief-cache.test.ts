// A cache whose answers are never older than a second and never outlive a notice.

import { mock } from 'node:test';
import { describe, expect, test } from '@jest/globals';
import { createBriefCache } from '../../src/tenants/brief-cache.ts';

function counting<Value>(answerTo: (key: string, load: number) => Value | Promise<Value>, entriesMax = 100) {
  const loads: string[] = [];
  const cache = createBriefCache<string, Value>(async (key) => {
    loads.push(key);
    return await answerTo(key, loads.length);
  }, entriesMax);
  return { cache, loads };
}

describe('the brief cache', () => {
  test('loads once for all who ask at the same time, and then answers without a promise', async () => {
    const { cache, loads } = counting((key) => key.toUpperCase());
    expect(await Promise.all([cache.get('a'), cache.get('a'), cache.get('b')])).toEqual(['A', 'A', 'B']);
    expect(cache.get('a')).toBe('A');
    expect(loads).toEqual(['a', 'b']);
  });

  test('keeps "there is none", too', async () => {
    const { cache, loads } = counting(() => undefined);
    await cache.get('a');
    expect(cache.get('a')).toBeUndefined();
    expect(loads).toEqual(['a']);
  });

  test('does not keep a failure', async () => {
    const { cache } = counting((_, load) => (load === 1 ? Promise.reject(new Error('gone')) : 'back'));
    await expect(cache.get('a')).rejects.toThrow('gone');
    expect(await cache.get('a')).toBe('back');
  });

  test('makes who must not wait for others read itself, and tells others what that found', async () => {
    let answer: (value: string) => void = () => undefined;
    const { cache, loads } = counting(() => new Promise<string>((resolve) => (answer = resolve)));
    const slow = cache.get('a');
    expect(await cache.within('a', async () => 'own')).toBe('own');
    expect(cache.get('a')).toBe('own');
    expect(cache.within('a', () => Promise.reject(new Error('is known')))).toBe('own');
    answer('late');
    expect(await slow).toBe('late');
    expect(loads).toEqual(['a']);
  });

  test('forgets after a second at most', async () => {
    let nowMs = performance.now();
    const clock = mock.method(performance, 'now', () => nowMs);
    try {
      const { cache, loads } = counting((_, load) => load);
      await cache.get('a');
      nowMs += 900;
      await cache.get('b');
      expect(cache.get('a')).toBe(1);
      nowMs += 101;
      expect(await cache.get('a')).toBe(3);
      expect(await cache.get('b')).toBe(4);
      expect(loads).toEqual(['a', 'b', 'a', 'b']);
    } finally {
      clock.mock.restore();
    }
  });

  test('what was asked before a notice and answered after it is not kept', async () => {
    let answer: (value: string) => void = () => undefined;
    const { cache } = counting((_, load) =>
      load === 1 ? new Promise<string>((resolve) => (answer = resolve)) : 'new',
    );
    const asked = cache.get('a');
    cache.clear();
    answer('old');
    expect(await asked).toBe('old');
    expect(await cache.get('a')).toBe('new');
  });

  test('holds no more than it may', async () => {
    const { cache, loads } = counting((key) => key, 2);
    for (const key of ['a', 'b', 'c']) await cache.get(key);
    expect(cache.get('c')).toBe('c');
    await cache.get('a');
    expect(loads).toEqual(['a', 'b', 'c', 'a']);
  });
});
