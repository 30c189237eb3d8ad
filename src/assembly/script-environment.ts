/** The variables that scripts on machines get. */
export function scriptEnvironment(): Readonly<Record<string, string>> {
  const ours = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[0].startsWith('NODEPOOL_') && entry[1] !== undefined,
  );
  return Object.fromEntries(ours);
}
