// Compares the verdict on every configuration file of a folder with the one its INDEX.txt expects.
import { checkVerdicts } from './config-verdicts.ts';

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('Usage: npm run -s check-configs -- FOLDER\n');
  process.exitCode = 2;
} else {
  const { matched, mismatches } = await checkVerdicts(folder);
  for (const mismatch of mismatches) process.stdout.write(`${mismatch}\n`);
  process.stdout.write(`${matched} matched, ${mismatches.length} mismatched\n`);
  process.exitCode = mismatches.length === 0 && matched > 0 ? 0 : 1;
}
