/** A thing to try, by its name. */
export interface Scenario {
  readonly name: string;
  /** What was seen, in lines. */
  run(): Promise<readonly string[]>;
}
