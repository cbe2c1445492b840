/** What the runtime starts and stops. A service's own loop catches what it can survive; `stop` ends it for good. */
export interface Service {
  readonly name: string;
  run(): Promise<void>;
  stop(): Promise<void>;
}
