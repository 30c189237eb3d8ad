/** The configuration is unreadable or invalid: every fault is printed, exit 2. */
export class InvalidConfigError extends Error {
  override readonly name = 'InvalidConfigError';

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
  }
}
