/** The process cannot start with its configuration: contains every fault, each with its place and what to do. */
export class ConfigurationFault extends Error {
  override readonly name = 'ConfigurationFault';
  readonly code = 'configuration_fault';
  readonly faults: readonly string[];

  constructor(faults: readonly string[], options?: ErrorOptions) {
    super(faults.join('\n'), options);
    this.faults = faults;
  }
}
