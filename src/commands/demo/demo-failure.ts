// What is missing or different, as the one line a person reads at the end of a demo that failed.

export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}
