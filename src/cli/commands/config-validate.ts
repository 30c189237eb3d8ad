import { defineCommand } from '../command.ts';
import { InvalidConfigError } from '../invalid-config-error.ts';

export const configValidate = defineCommand({
  name: 'config-validate',
  summary: 'Check nodepool.yaml and the files beside it; touches no database',
  async run(_args, context) {
    context.tell(`validating ${context.configPath}`);
    const complaints = await context.complaints();
    for (const { severity, text } of complaints) if (severity === 'warning') context.tell(text);
    const errors = complaints.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new InvalidConfigError(errors.map(({ text }) => text));
    context.tell('Configuration validation complete');
    return '';
  },
});
