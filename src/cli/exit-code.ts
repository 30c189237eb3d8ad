/** Errors that say that the configuration cannot be used. */
const CONFIG_ERRORS = new Set(['ConfigError', 'InvalidConfigError', 'UnreadableConfigError']);

/** 2: configuration unreadable or invalid. 1: anything else that failed, was refused or is unknown. */
export function exitCodeOf(error: unknown): number {
  return error instanceof Error && CONFIG_ERRORS.has(error.name) ? 2 : 1;
}
