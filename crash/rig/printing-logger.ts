import { systemClock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import type { Facts, Logger, LogLevel } from '../../src/runtime/logger.ts';

/** Prints each message with its instant, for a look at what a part of the farm did. */
export class PrintingLogger implements Logger {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  debug(message: string, facts?: Facts): void {
    this.#print('debug', message, facts);
  }

  info(message: string, facts?: Facts): void {
    this.#print('info', message, facts);
  }

  warn(message: string, facts?: Facts): void {
    this.#print('warn', message, facts);
  }

  error(message: string, facts?: Facts): void {
    this.#print('error', message, facts);
  }

  child(name: string): PrintingLogger {
    return new PrintingLogger(`${this.name}.${name}`);
  }

  #print(level: LogLevel, message: string, facts: Facts = {}): void {
    const told = Object.entries(facts).map(([name, fact]) => ` ${name}=${textOf(fact)}`);
    process.stdout.write(`${systemClock.now().toISOString()} ${level} ${this.name}: ${message}${told.join('')}\n`);
  }
}

function textOf(fact: unknown): string {
  return fact instanceof Error ? describeError(fact) : JSON.stringify(fact);
}
