// What an interaction has shown and changed, as it is kept for an answer that is given again (contract.md 8, security.md 122).

import { describe, expect, test } from '@jest/globals';
import { AccessNotes } from '../../src/access/access-notes.ts';

const versionOf = (n: number) => `Patient/p${n}/_history/1`;

describe('what is kept of an answer', () => {
  test('are the versions it made and showed, and the patients that those do not name', () => {
    const notes = new AccessNotes();
    notes.change('Observation/a/_history/1', ['Patient/x']);
    notes.change('Patient/y/_history/2', ['Patient/y']);
    notes.show({
      ...{ type: 'Encounter', id: 'e', versionId: 3 },
      body: '{"subject":{"reference":"Patient/z"},"a":{"reference":"Patient/y"}}',
    });
    expect(notes.kept()).toEqual({
      versions: ['Observation/a/_history/1', 'Patient/y/_history/2', 'Encounter/e/_history/3'],
      count: 3,
      patients: ['Patient/x', 'Patient/z'],
    });
  });

  test('are, where it cannot name all versions, the patients of the others', () => {
    const notes = new AccessNotes();
    for (let n = 0; n < 2_500; n++) notes.change(versionOf(n), [`Patient/p${n}`]);
    const { versions, count, patients } = notes.kept();
    expect([versions.length, count]).toEqual([2_000, 2_500]);
    expect(patients).toEqual(Array.from({ length: 500 }, (_, n) => `Patient/p${2_000 + n}`));
  });
});

test('given again it is shown, as if nothing had been noted before', () => {
  const first = new AccessNotes();
  first.change('Observation/a/_history/1', ['Patient/x']);
  const again = new AccessNotes();
  again.recorded = 1;
  again.show({ type: 'Patient', id: 'rolled-back', versionId: 1, body: undefined });
  again.giveAgain(first.kept());
  expect([again.recorded, again.isTold, again.answeredCount]).toEqual([0, false, 1]);
  expect([again.answered, again.patients]).toEqual([['Observation/a/_history/1'], ['Patient/x']]);
});
