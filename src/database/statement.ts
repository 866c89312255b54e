// One SQL statement as all rooms write it down.

/** With a name it is prepared once per connection, and the text must then never vary. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}
