/** One forward step of the schema. Released migrations are never edited; a correction is a new one. */
export interface Migration {
  /** Four digits and a name; migrations run in the order of their names. */
  readonly name: string;
  /** Single statements, run in one transaction. */
  readonly statements: readonly string[];
}
