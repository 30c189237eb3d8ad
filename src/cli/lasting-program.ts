import { Command } from 'commander';
import { notEmpty } from './not-empty.ts';

/** A program that lasts, with the options that nodepoold and nodepool-builder share (upstream's). */
export function lastingProgram(
  name: string,
  facts: { readonly description: string; readonly version: string; readonly pidfile: string },
): Command {
  return new Command(name)
    .description(facts.description)
    .version(`Nodepool version: ${facts.version}`, '--version')
    .option('-c, --config <file>', 'configuration', notEmpty, '/etc/nodepool/nodepool.yaml')
    .option('-s, --secure <file>', 'secrets', notEmpty, '/etc/nodepool/secure.conf')
    .option('-d, --foreground', 'stay in the foreground', false)
    .option('-l, --logging-config <file>', 'Python logging configuration', notEmpty)
    .option('-p, --pidfile <file>', 'written when not in the foreground', notEmpty, facts.pidfile)
    .option('--json-log', 'one JSON object per log line', false);
}
