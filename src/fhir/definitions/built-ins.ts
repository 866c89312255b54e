// Definitions that belong to the server: every tenant reads the same ones, and no client writes them.

export interface BuiltIns {
  /** JSON text of the resource; undefined when the server has none of this type and id. */
  find(type: string, id: string): string | undefined;
  /** JSON texts of all of a type; undefined where the server has no definitions of the type. */
  all(type: string): readonly string[] | undefined;
}
